/**
 * A container engine that needs no rights and no images: `docker` as far as the agent uses it. Containers are
 * real processes of the host, in the sandbox that is mounted into them, held by a process of their own, so that
 * they outlive their client as they do with Docker. Started as `stand-in-engine.js STATE COMMAND …`. Files in
 * STATE tell it to misbehave: `hang` lists commands that never answer, `fail` commands that fail.
 */
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const [, , state = '', command = '', ...rest] = process.argv;
const POLL_MS = 10;
const NEVER = '0001-01-01T00:00:00Z';

/** What `inspect` shows. */
interface Container {
  readonly Id: string;
  readonly Name: string;
  readonly Args: readonly string[];
  readonly State: {
    readonly Running: boolean;
    readonly Pid: number;
    readonly ExitCode: number;
    readonly OOMKilled: boolean;
    readonly StartedAt: string;
    readonly FinishedAt: string;
  };
  readonly Config: {
    readonly Image: string;
    readonly Env: readonly string[];
    readonly Labels: Readonly<Record<string, string>>;
    readonly StopSignal: string;
  };
  readonly HostConfig: { readonly NetworkMode: string };
  readonly NetworkSettings: {
    readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>>;
  };
  /** Of the stand-in itself: where the sandbox is, and what is run. */
  readonly Folder: string;
  readonly Line: readonly string[];
}

function listed(file: string): boolean {
  const path = join(state, file);
  return existsSync(path) && readFileSync(path, 'utf8').split('\n').includes(command);
}

function complain(message: string, code: number): never {
  process.stderr.write(`${message}\n`);
  process.exit(code);
}

function pathOf(name: string): string {
  return join(state, 'containers', `${name}.json`);
}

function read(name: string): Container | undefined {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it wrote the file itself
    return JSON.parse(readFileSync(pathOf(name), 'utf8')) as Container;
  } catch {
    return undefined;
  }
}

function write(container: Container): void {
  mkdirSync(join(state, 'containers'), { recursive: true });
  const path = pathOf(container.Name);
  writeFileSync(`${path}.${process.pid}`, JSON.stringify(container));
  renameSync(`${path}.${process.pid}`, path);
}

function hasImage(image: string): boolean {
  return existsSync(join(state, 'images', encodeURIComponent(image)));
}

function pull(image: string): void {
  if (image.includes('nosuch')) complain(`Error: manifest for ${image} not found`, 1);
  mkdirSync(join(state, 'images'), { recursive: true });
  writeFileSync(join(state, 'images', encodeURIComponent(image)), '');
}

/** Values of an option, of those written as `--name=value`. */
function valuesOf(options: readonly string[], name: string): readonly string[] {
  const prefix = `--${name}=`;
  return options.flatMap((option) =>
    option.startsWith(prefix) ? [option.slice(prefix.length)] : [],
  );
}

function planned(line: readonly string[]): Container {
  const at = line.findIndex((text) => !text.startsWith('--'));
  const options = line.slice(0, at);
  const [image = '', ...after] = line.slice(at);
  const [name = ''] = valuesOf(options, 'name');
  const files = valuesOf(options, 'env-file').map((path) => readFileSync(path, 'utf8').trim());
  const [network = 'bridge'] = valuesOf(options, 'network');
  const [sandbox = ''] = valuesOf(options, 'volume');
  const labels = valuesOf(options, 'label').map((label) => label.split('='));
  return {
    Id: `${name}-id`,
    Name: name,
    Args: line,
    State: {
      Running: false,
      Pid: 0,
      ExitCode: 0,
      OOMKilled: false,
      StartedAt: NEVER,
      FinishedAt: NEVER,
    },
    Config: {
      Image: image,
      Env: [...valuesOf(options, 'env'), ...files.flatMap((text) => text.split('\n'))],
      Labels: Object.fromEntries(labels.map(([key = '', value = '']) => [key, value])),
      StopSignal: valuesOf(options, 'stop-signal')[0] ?? 'SIGTERM',
    },
    HostConfig: { NetworkMode: network },
    NetworkSettings: {
      Networks: { [network]: { IPAddress: network === 'bridge' ? '127.0.0.2' : '' } },
    },
    Folder: sandbox.split(':')[0] ?? '',
    Line: [...valuesOf(options, 'entrypoint'), ...after],
  };
}

async function run(): Promise<void> {
  const container = planned(rest);
  if (read(container.Name) !== undefined) complain(`the name ${container.Name} is in use`, 125);
  if (!hasImage(container.Config.Image)) pull(container.Config.Image);
  write(container);
  if (listed('fail')) complain('docker: Error response from daemon: no space left on device.', 125);
  const [, main = ''] = process.argv;
  const shim = spawn(process.execPath, [main, state, 'shim', container.Name], {
    detached: true,
    cwd: container.Folder,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  shim.unref();
  for (;;) {
    const now = read(container.Name);
    if (now === undefined) process.exit(137);
    if (now.State.FinishedAt !== NEVER) process.exit(now.State.ExitCode);
    await delay(POLL_MS);
  }
}

function environmentOf({ Config: { Env } }: Container): Record<string, string> {
  const pairs = Env.map((text) => [text.split('=')[0] ?? '', text.replace(/^[^=]*=/, '')]);
  return { PATH: process.env['PATH'] ?? '/bin:/usr/bin', ...Object.fromEntries(pairs) };
}

/** Holds one container. */
function shim(): void {
  const [name = ''] = rest;
  const container = read(name);
  if (container === undefined) return;
  const [file = '', ...parameters] = container.Line;
  const child = spawn(file, parameters, {
    detached: true,
    cwd: container.Folder,
    env: environmentOf(container),
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const StartedAt = new Date().toISOString();
  const ended = (ExitCode: number): void => {
    const FinishedAt = new Date().toISOString();
    const OOMKilled = container.Config.Image.includes('oom');
    const State = { Running: false, Pid: 0, ExitCode, OOMKilled, StartedAt, FinishedAt };
    if (read(name) !== undefined) write({ ...container, State });
    process.exit(0);
  };
  child.once('error', (error) => {
    process.stderr.write(`docker: Error response from daemon: ${error.message}\n`);
    const State = { ...container.State, ExitCode: 127, FinishedAt: new Date().toISOString() };
    write({ ...container, State });
    process.exit(0);
  });
  child.once('spawn', () => {
    const Pid = child.pid ?? 0;
    write({ ...container, State: { ...container.State, Running: true, Pid, StartedAt } });
  });
  child.once('exit', (code, signal) => ended(code ?? 128 + constants.signals[signal ?? 'SIGKILL']));
}

function signalOf(name: string): number {
  const number = Number(name);
  if (Number.isInteger(number)) return number;
  const named = Object.entries(constants.signals).find(([key]) => key === name);
  return named?.[1] ?? constants.signals.SIGKILL;
}

function signal(container: Container, number: number): void {
  try {
    process.kill(-container.State.Pid, number);
  } catch {
    // It has just ended.
  }
}

function kill(): void {
  const number = signalOf(valuesOf(rest, 'signal')[0] ?? 'SIGKILL');
  const missing: string[] = [];
  for (const name of rest.filter((text) => !text.startsWith('--'))) {
    const container = read(name);
    if (container?.State.Running === true) signal(container, number);
    else missing.push(name);
  }
  if (missing.length > 0) complain(`containers are not running: ${missing.join(', ')}`, 1);
}

function remove(): void {
  for (const name of rest.filter((text) => !text.startsWith('--'))) {
    const container = read(name);
    if (container?.State.Running === true) signal(container, constants.signals.SIGKILL);
    rmSync(pathOf(name), { force: true });
  }
}

function all(): readonly Container[] {
  const folder = join(state, 'containers');
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => read(name.slice(0, -'.json'.length)) ?? []);
}

function list(): void {
  const [label = ''] = valuesOf(rest, 'filter').map((text) => text.replace(/^label=/, ''));
  const found = all().filter(({ Config: { Labels } }) =>
    Object.entries(Labels).some(([key, value]) => `${key}=${value}` === label),
  );
  process.stdout.write(found.map(({ Name }) => `${Name}\n`).join(''));
}

function inspect(): void {
  const names = rest.filter((text) => !text.startsWith('--'));
  const found = names.flatMap((name) => read(name) ?? []);
  process.stdout.write(JSON.stringify(found));
  if (found.length < names.length) complain('Error: No such container', 1);
}

function exec(): void {
  const at = rest.findIndex((text) => !text.startsWith('--'));
  const [name = '', file = '', ...parameters] = rest.slice(at);
  const container = read(name);
  if (container?.State.Running !== true) complain(`container ${name} is not running`, 1);
  const added = valuesOf(rest.slice(0, at), 'env').map((text) => text.split('='));
  const child = spawn(file, parameters, {
    cwd: container.Folder,
    env: { ...environmentOf(container), ...Object.fromEntries(added), INSIDE: name },
    stdio: 'inherit',
  });
  child.once('exit', (code) => process.exit(code ?? 137));
}

async function main(): Promise<void> {
  appendFileSync(join(state, 'calls'), `${JSON.stringify([command, ...rest])}\n`);
  if (listed('hang')) await delay(60_000);
  if (listed('fail') && command !== 'run') complain('Cannot connect to the daemon', 1);
  switch (command) {
    case 'run':
      return run();
    case 'shim':
      return shim();
    case 'kill':
      return kill();
    case 'rm':
      return remove();
    case 'ps':
      return list();
    case 'inspect':
      return inspect();
    case 'exec':
      return exec();
    case 'pull':
      return pull(rest[0] ?? '');
    case 'image':
      if (!hasImage(rest.at(-1) ?? '')) complain('Error: No such image', 1);
      return;
    default:
      complain(`unknown command ${command}`, 1);
  }
}

await main();
