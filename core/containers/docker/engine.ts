/**
 * The command line of Docker, or of Podman, which takes the same. Arguments are arrays and no shell is
 * involved. Every call has a time limit and a bound on its output; a client that exceeds one is killed.
 * Engines may hang: nothing here is believed to end by itself.
 */
import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DEFAULT_PATH } from '../command-line.js';
import { Limiter } from '../limiter.js';
import { type Inspection, parseInspections } from './inspection.js';

/** How long the engine may take to answer a question, or to do what takes no time. */
export const ENGINE_TIMEOUT_MS = 30_000;
/** How long it may take to pull an image. */
export const PULL_TIMEOUT_MS = 30 * 60_000;
/** The most that one call may write. */
export const MAX_ENGINE_OUTPUT_BYTES = 8 * 1024 * 1024;
/** Calls that run at the same time, and of them pulls. */
export const MAX_ENGINE_CALLS = 16;
export const MAX_PULLS = 4;
/** So much of a complaint is passed on. */
const MAX_COMPLAINT_CHARS = 2_000;
/** Containers that are named in one call. */
const MAX_NAMES = 20;

/** Why a call came to nothing. */
export class EngineError extends Error {
  /** `missing`: there is no client; `failed`: it said no; `hung`: it said nothing in time. */
  readonly kind: 'missing' | 'failed' | 'hung' | 'stopped';

  constructor(kind: EngineError['kind'], message: string) {
    super(message);
    this.name = 'EngineError';
    this.kind = kind;
  }
}

export interface CallOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Variables beside those of all calls. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface EngineOptions {
  /** Name or path of the client. */
  readonly program: string;
  /** Folder with the `config.json` that holds credentials of registries; undefined: the client's own. */
  readonly configFolder?: string | undefined;
  readonly timeoutMs?: number | undefined;
}

export class DockerEngine {
  readonly #options: EngineOptions;
  readonly #calls = new Limiter(MAX_ENGINE_CALLS);
  readonly #pulls = new Limiter(MAX_PULLS);

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  /** Absolute path of the client. @throws EngineError `missing`. */
  get file(): string {
    const { program } = this.#options;
    const folders = (process.env['PATH'] ?? DEFAULT_PATH).split(':');
    const candidates = program.includes('/')
      ? [resolve(program)]
      : folders.filter((folder) => folder !== '').map((folder) => resolve(join(folder, program)));
    const found = candidates.find(isExecutable);
    if (found !== undefined) return found;
    const message = `the client of the container engine, '${program}', is not an executable file on this agent: install Docker or Podman, or name its path with --docker`;
    throw new EngineError('missing', message);
  }

  /** What every client is started with: how it finds its engine, and nothing else of the agent's. */
  get environment(): Readonly<Record<string, string>> {
    const own = Object.entries(process.env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && PASSED_ON.test(entry[0]),
    );
    const { configFolder } = this.#options;
    return {
      PATH: DEFAULT_PATH,
      ...Object.fromEntries(own),
      ...(configFolder !== undefined && credentialsIn(configFolder)),
    };
  }

  /** What the engine knows of a container; undefined: it knows none of that name. @throws EngineError. */
  async inspect(name: string): Promise<Inspection | undefined> {
    const [found] = await this.inspectAll([name]);
    return found;
  }

  /** The same of many; those that are not there are left out. @throws EngineError. */
  async inspectAll(names: readonly string[]): Promise<readonly Inspection[]> {
    const found: Inspection[] = [];
    for (const some of chunks(names)) {
      const call = ['inspect', '--type=container', ...some];
      // oxlint-disable-next-line no-await-in-loop -- one call at a time is enough of a load
      const { code, stdout, stderr } = await this.#call(call, {});
      // With one of them missing the others are written all the same.
      if (code !== 0 && !MISSING.test(stderr)) throw failure(call, stderr, code);
      found.push(...readInspections(stdout, call));
    }
    return found;
  }

  /** Names of all containers with this label, whatever their state. @throws EngineError. */
  async list(label: string): Promise<readonly string[]> {
    const options = ['--all', '--no-trunc', `--filter=label=${label}`, '--format={{.Names}}'];
    const text = await this.run(['ps', ...options]);
    return text.split('\n').filter((line) => line !== '');
  }

  /** Whether the engine has an image. @throws EngineError when it does not say. */
  async hasImage(image: string, options: CallOptions = {}): Promise<boolean> {
    const call = ['image', 'inspect', '--format={{.Id}}', image];
    const { code } = await this.#call(call, options);
    return code === 0;
  }

  /** Gets an image from its registry. @throws EngineError. */
  async pull(image: string, options: CallOptions = {}): Promise<void> {
    await this.#pulls.run(async () => {
      const call = ['pull', image];
      const { code, stderr } = await this.#spawn(call, { timeoutMs: PULL_TIMEOUT_MS, ...options });
      if (code !== 0) throw failure(call, stderr, code);
    });
  }

  /** Kills and removes containers; absent ones are no error. @throws EngineError. */
  async end(names: readonly string[]): Promise<void> {
    // Podman would first wait whether one that is to be removed by force stops by itself.
    for (const some of chunks(names)) await this.#call(['kill', ...some], {});
    await this.remove(names);
  }

  /** Removes containers that have ended; absent ones are no error. @throws EngineError. */
  async remove(names: readonly string[]): Promise<void> {
    for (const some of chunks(names)) {
      const call = ['rm', '--force', '--volumes', ...some];
      // oxlint-disable-next-line no-await-in-loop -- one call at a time is enough of a load
      const { code, stderr } = await this.#call(call, {});
      const complaints = stderr.split('\n').filter((line) => line !== '' && !MISSING.test(line));
      if (code !== 0 && complaints.length > 0) throw failure(call, complaints.join('\n'), code);
    }
  }

  /** Makes a call that has to succeed, and returns what it wrote. @throws EngineError. */
  async run(call: readonly string[], options: CallOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.#call(call, options);
    if (code !== 0) throw failure(call, stderr, code);
    return stdout;
  }

  #call(call: readonly string[], options: CallOptions): Promise<CallResult> {
    return this.#calls.run(() => this.#spawn(call, options));
  }

  #spawn(call: readonly string[], options: CallOptions): Promise<CallResult> {
    const { timeoutMs = this.#options.timeoutMs ?? ENGINE_TIMEOUT_MS, signal } = options;
    const file = this.file;
    return new Promise((settle, fail) => {
      if (signal?.aborted === true) {
        fail(new EngineError('stopped', STOPPED));
        return;
      }
      const child = spawn(file, call, {
        cwd: '/',
        env: { ...this.environment, ...options.environment },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const output = { stdout: new BoundedText(), stderr: new BoundedText() };
      const end = (error: EngineError): void => {
        child.kill('SIGKILL');
        child.stdout.destroy();
        child.stderr.destroy();
        fail(error);
      };
      const timer = setTimeout(() => end(hung(call, timeoutMs)), timeoutMs);
      const stop = (): void => end(new EngineError('stopped', STOPPED));
      signal?.addEventListener('abort', stop);
      const over = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', stop);
      };
      for (const name of ['stdout', 'stderr'] as const) {
        child[name].on('data', (chunk: Buffer) => output[name].add(chunk));
      }
      child.once('error', (error) => {
        over();
        fail(new EngineError('failed', `${nameOf(call)} could not be run: ${error.message}`));
      });
      child.once('close', (code) => {
        over();
        const { stdout, stderr } = output;
        settle({ code: code ?? KILLED, stdout: stdout.text(), stderr: stderr.text() });
      });
    });
  }
}

/** The variables that have a client use the credentials in a folder. */
export function credentialsIn(folder: string): Readonly<Record<string, string>> {
  return { DOCKER_CONFIG: folder, REGISTRY_AUTH_FILE: join(folder, 'config.json') };
}

interface CallResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Stands for the exit code of a client that a signal ended. */
const KILLED = 137;
const STOPPED = 'it was killed before it started';

/** Where the engine is, how it is reached, and what it reads for its settings. */
const PASSED_ON =
  /^(?:HOME|TMPDIR|LANG|LC_\w+|SSH_AUTH_SOCK|DOCKER_\w+|CONTAINERS?_\w+|REGISTRY_AUTH_FILE|XDG_\w+|(?:https?|no|all)_proxy)$/i;

/** How engines say that there is no such container. */
const MISSING = /no such (?:container|object)|no container with name/i;

/** Keeps the first part of what is written. */
class BoundedText {
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  add(chunk: Buffer): void {
    const room = MAX_ENGINE_OUTPUT_BYTES - this.#bytes;
    if (room <= 0) return;
    this.#chunks.push(chunk.subarray(0, room));
    this.#bytes += Math.min(chunk.length, room);
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }
}

function chunks(names: readonly string[]): readonly (readonly string[])[] {
  const found: (readonly string[])[] = [];
  for (let from = 0; from < names.length; from += MAX_NAMES) {
    found.push(names.slice(from, from + MAX_NAMES));
  }
  return found;
}

function readInspections(stdout: string, call: readonly string[]): readonly Inspection[] {
  if (stdout.trim() === '') return [];
  try {
    return parseInspections(stdout);
  } catch {
    throw new EngineError('failed', `${nameOf(call)} did not answer in JSON`);
  }
}

function failure(call: readonly string[], stderr: string, code: number): EngineError {
  const complaint = stderr.trim();
  const said = complaint === '' ? `it exited with ${code}` : shortened(complaint);
  return new EngineError('failed', `${nameOf(call)} failed: ${said}`);
}

/** The end of a long complaint, which says the most. */
export function shortened(complaint: string): string {
  return complaint.length <= MAX_COMPLAINT_CHARS
    ? complaint
    : `… ${complaint.slice(-MAX_COMPLAINT_CHARS)}`;
}

function hung(call: readonly string[], timeoutMs: number): EngineError {
  const seconds = Math.ceil(timeoutMs / 1000);
  const what = `the container engine did not answer within ${seconds} s`;
  return new EngineError('hung', `${nameOf(call)} was given up: ${what}`);
}

function nameOf([command = '']: readonly string[]): string {
  return `'docker ${command}'`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
