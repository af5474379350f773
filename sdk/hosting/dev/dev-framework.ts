/**
 * The framework of `plateau framework dev`: a process of `plateau framework run` that is ended in good order
 * and started again over the same state. A process of its own, because code that was imported once cannot be
 * loaded again.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { type Disposable, type World, isRecord } from '../../../core/base/index.js';
import { EXIT_CODES } from '../../../core/command/index.js';
import type { ModuleWatch } from './module-watch.js';

/** A framework that was asked to end and has not by then, such as one in an endless loop, is killed. */
const END_TIMEOUT_MS = 5_000;
/** Files that are looked through for what keeps a module from loading. */
const MOST_CHECKED_FILES = 20;
/** Lines of what the compiler of JavaScript says that are shown. */
const SHOWN_LINES = 6;

export interface DevFrameworkOptions {
  readonly world: World;
  /** Script of the `plateau` command. */
  readonly main: string;
  /** As the author named it. */
  readonly module: string;
  /** Options of `framework run`. */
  readonly argv: readonly string[];
  readonly watch: Pick<ModuleWatch, 'files' | 'folder'>;
  readonly say: (text: string) => void;
}

export class DevFramework {
  readonly #options: DevFrameworkOptions;
  #child: ChildProcess | undefined;
  /** Of the admin interface: kept when the framework is started again. */
  #port = 0;
  #isReady = false;

  constructor(options: DevFrameworkOptions) {
    this.#options = options;
  }

  /** Starts the framework. What becomes of it is said; it ending is no error. */
  start(): void {
    const { main, module, argv, say } = this.#options;
    const port = `--admin-port=${this.#port}`;
    const all = [main, 'framework', 'run', module, '--log-format=text', port, ...argv];
    // A session of its own: Ctrl-C reaches whoever runs this, which ends everything in order.
    const child = spawn(process.execPath, all, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      detached: true,
    });
    this.#child = child;
    this.#isReady = false;
    child.once('error', (error) => say(`the framework could not be started: ${error.message}`));
    child.once('exit', (code, signal) => void this.#ended(child, signal ?? `status ${code}`, code));
    child.on('message', (message) => {
      if (isRecord(message) && typeof message['port'] === 'number') this.#ready(message['port']);
    });
  }

  /** Ends the framework, its tasks go on; resolves when its process is gone. */
  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || isOver(child)) return;
    const { world, say } = this.#options;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    const late: Disposable = world.clock.setTimer(END_TIMEOUT_MS, () => {
      say(`the framework has not ended within ${END_TIMEOUT_MS / 1000} s: its process is killed`);
      child.kill('SIGKILL');
    });
    await gone;
    late.dispose();
  }

  #ready(port: number): void {
    if (port !== this.#port) this.#options.say(`its admin interface: http://127.0.0.1:${port}/`);
    this.#port = port;
    this.#isReady = true;
  }

  async #ended(child: ChildProcess, how: string, code: number | null): Promise<void> {
    if (child !== this.#child) return;
    const { watch, say } = this.#options;
    // Another program may have taken the port meanwhile: the next try takes a free one.
    if (code !== EXIT_CODES.usage && !this.#isReady) this.#port = 0;
    const place = code === EXIT_CODES.usage ? await this.#syntaxError() : undefined;
    if (child !== this.#child) return;
    if (place !== undefined) say(place);
    const what = code === 0 ? 'the framework has ended by itself' : `the framework failed (${how})`;
    say(`${what}; it is started again when a file in ${watch.folder} changes`);
  }

  /** Where the code is no JavaScript: the error of an import does not tell. */
  async #syntaxError(): Promise<string | undefined> {
    for (const file of this.#options.watch.files().slice(0, MOST_CHECKED_FILES)) {
      if (!file.endsWith('js')) continue;
      // oxlint-disable-next-line no-await-in-loop -- the first one is enough
      const said = await syntaxErrorOf(file);
      if (said !== undefined) return said;
    }
    return undefined;
  }
}

/** Of a child that may never have been started. */
function isOver({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid === undefined || exitCode !== null || signalCode !== null;
}

/** What Node says of a file that it cannot read as code. */
function syntaxErrorOf(file: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--check', file], (error, _output, said) => {
      const lines = said
        .split('\n')
        .filter((line) => line.trim() !== '' && !/^ +at |^Node\.js v/.test(line));
      resolve(error === null ? undefined : lines.slice(0, SHOWN_LINES).join('\n'));
    });
  });
}
