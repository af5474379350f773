/** Follows a page in an empty folder as a reader would: writes its files and types its commands. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { USES_REGISTRY, type PackedFolder } from './packed-package.js';
import { type Step, missingLine } from './page.js';

/** Ports that the page names: this machine may use them for something else. */
const PORTS = /\b(?:8080|8081)\b/g;
const AGAIN_MS = 300;
/** How long commands are tried again until they say what the page says. */
const PATIENCE_MS = 45_000;

/** Commands that go on, and what they have printed so far. */
interface Terminal {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
  readonly text: () => string;
  /** Resolves when more was printed, or it has ended. */
  readonly change: () => Promise<unknown>;
}

export class Reader {
  readonly #folder: Pick<PackedFolder, 'path' | 'install'>;
  readonly #variables: Readonly<Record<string, string>>;
  readonly #terminals = new Map<string, Terminal>();
  readonly #ports = new Map<string, string>();
  #scripts = 0;
  #isClosed = false;
  #master: string | undefined;

  /** @param variables of the environment in which commands run, beside those of this process. */
  constructor(
    folder: Pick<PackedFolder, 'path' | 'install'>,
    variables: Readonly<Record<string, string>> = {},
  ) {
    this.#folder = folder;
    this.#variables = variables;
  }

  async follow(step: Step): Promise<void> {
    if (step.kind === 'file') writeFileSync(join(this.#folder.path, step.name), step.text);
    else if (step.kind === 'end') await this.#end(step.background);
    else if (step.background !== undefined) await this.#open(step.background, step);
    else await this.#run(step);
  }

  /** Ends what still goes on. */
  async close(): Promise<void> {
    this.#isClosed = true;
    // Last opened, first ended: frameworks go before their cluster.
    for (const name of [...this.#terminals.keys()].toReversed()) await this.#end(name);
  }

  async #run(step: Extract<Step, { kind: 'commands' }>): Promise<void> {
    const text = USES_REGISTRY ? step.text : this.#withoutInstalls(step.text);
    const deadlineMs = performance.now() + PATIENCE_MS;
    for (;;) {
      const { child, ended, text: said } = await this.#type(text);
      await ended;
      const missing = missingLine(said(), step.expected);
      if (child.exitCode === 0 && missing === undefined) return;
      if (!step.isRepeated || this.#isClosed || performance.now() > deadlineMs) {
        const how = `ended with ${child.exitCode ?? child.signalCode}`;
        throw new Error(`${step.text}${how} and did not print '${missing ?? ''}':\n${said()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }

  async #open(name: string, step: Extract<Step, { kind: 'commands' }>): Promise<void> {
    const terminal = await this.#type(step.text);
    this.#terminals.set(name, terminal);
    while (missingLine(terminal.text(), step.expected) !== undefined) {
      const { exitCode, signalCode } = terminal.child;
      if (exitCode !== null || signalCode !== null) {
        throw new Error(`${step.text}ended with ${exitCode ?? signalCode}:\n${terminal.text()}`);
      }
      await terminal.change();
    }
    this.#master ??= /is up: (http:\S+)\//.exec(terminal.text())?.[1];
  }

  /** Ctrl-C: the whole group of processes gets the signal. Whatever was killed by the page is over. */
  async #end(name: string): Promise<void> {
    const terminal = this.#terminals.get(name);
    this.#terminals.delete(name);
    if (terminal === undefined) return;
    const { pid, exitCode, signalCode } = terminal.child;
    if (pid !== undefined && exitCode === null && signalCode === null) {
      process.kill(-pid, 'SIGINT');
    }
    await terminal.ended;
  }

  /** What `npm install` would do is done, and taken out of the commands. */
  #withoutInstalls(text: string): string {
    const lines = text.split('\n');
    for (const line of lines) {
      const [npm, install, ...words] = line.split(' ');
      if (npm === 'npm' && install === 'install') this.#folder.install(words);
    }
    return lines.filter((line) => !line.startsWith('npm install')).join('\n');
  }

  /** Types commands. They come from a file, as `pgrep` would find them in the arguments of a shell. */
  async #type(text: string): Promise<Terminal> {
    for (const [port] of text.matchAll(PORTS)) {
      if (!this.#ports.has(port)) this.#ports.set(port, String(await freePort()));
    }
    const script = join(this.#folder.path, `.typed-${++this.#scripts}.sh`);
    writeFileSync(
      script,
      text.replaceAll(PORTS, (port) => this.#ports.get(port) ?? port),
    );
    const child = spawn('bash', ['-e', script], {
      cwd: this.#folder.path,
      env: this.#environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    return watch(child);
  }

  #environment(): NodeJS.ProcessEnv {
    const { PLATEAU_MASTER: _, ...environment } = process.env;
    return {
      ...environment,
      PLATEAU_PORT: '0',
      ...(this.#master === undefined ? {} : { PLATEAU_MASTER: this.#master }),
      ...this.#variables,
    };
  }
}

function watch(child: ChildProcess): Terminal {
  let text = '';
  let wake = (): void => {};
  const add = (data: Buffer): void => {
    text += data.toString('utf8');
    wake();
  };
  child.stdout?.on('data', add);
  child.stderr?.on('data', add);
  const ended = once(child, 'close').finally(() => wake());
  return {
    child,
    ended,
    text: () => text,
    change: () =>
      new Promise<void>((resolve) => {
        wake = resolve;
      }),
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address === 'object' && address !== null) return address.port;
  throw new Error('no port is free');
}
