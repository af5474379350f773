/** How containers of an engine ended, or why they never ran, from what client and engine say. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ContainerEnd, ContainerFate } from '../../agent/index.js';
import { errorMessage } from '../../base/index.js';
import { LaunchError } from '../launch-error.js';
import { factsOf } from './docker-container.js';
import { type DockerEngine, shortened } from './engine.js';
import type { Inspection } from './inspection.js';

/** With these a client says that it, and not the container, has failed. */
const CLIENT_FAILURES: readonly number[] = [125, 126, 127];
/** How often, and how far apart, the engine is asked again that has not taken notice of an end yet. */
const MAX_LOOKS = 10;
const LOOK_INTERVAL_MS = 100;
/** So much of the end of a client's complaints is read. */
const COMPLAINT_BYTES = 4 * 1024;

/**
 * The end of a container whose client has ended. One that still runs is ended: nobody would hear of it.
 */
export async function endOf(
  engine: DockerEngine,
  name: string,
  clientEnd: ContainerEnd,
): Promise<ContainerEnd> {
  try {
    const found = await finalLook(engine, name, clientEnd);
    if (found?.isRunning !== true) return toEnd(found, clientEnd);
    await engine.end([name]);
    return { kind: 'lost', message: `${wordsFor(clientEnd)}, and the container was ended` };
  } catch (error) {
    if (clientEnd.kind === 'exited' && !CLIENT_FAILURES.includes(clientEnd.code)) return clientEnd;
    const message = `${wordsFor(clientEnd)}, and the engine was no help: ${errorMessage(error)}`;
    return { kind: 'lost', message };
  }
}

async function finalLook(
  engine: DockerEngine,
  name: string,
  clientEnd: ContainerEnd,
): Promise<Inspection | undefined> {
  for (let look = 1; ; look++) {
    // oxlint-disable-next-line no-await-in-loop -- it is asked again only when that has to be
    const found = await engine.inspect(name);
    if (found?.isRunning !== true || clientEnd.kind !== 'exited' || look >= MAX_LOOKS) return found;
    // oxlint-disable-next-line no-await-in-loop
    await delay(LOOK_INTERVAL_MS);
  }
}

/** What became of a container while there was no agent. */
export function takenOver(fate: ContainerFate, found: Inspection | undefined): ContainerFate {
  if (fate.kind === 'running') return found === undefined ? fate : { ...fate, ...factsOf(found) };
  // It was among those that nobody waits for, and has been ended as such.
  if (found?.isRunning === true) {
    return { kind: 'lost', message: `${wordsFor(fate)}, and the container was ended` };
  }
  return toEnd(found, fate);
}

function toEnd(found: Inspection | undefined, clientEnd: ContainerEnd): ContainerEnd {
  if (found === undefined || !found.hasStarted) return clientEnd;
  const { exitCode: code, isOutOfMemory } = found;
  return { kind: 'exited', code, ...(isOutOfMemory && code !== 0 && { isOutOfMemory }) };
}

function wordsFor(end: ContainerEnd): string {
  if (end.kind === 'exited') return `the client of the container engine exited with ${end.code}`;
  if (end.kind === 'signaled') return `the client of the container engine died by ${end.signal}`;
  return end.message;
}

/**
 * Why a container did not start whose client has ended, or that is no longer waited for; undefined: it may
 * have started and ended.
 */
export function notStarted(
  clientEnd: ContainerEnd | undefined,
  sandbox: string,
  isAsked: boolean,
): LaunchError | undefined {
  if (clientEnd?.kind === 'exited' && !CLIENT_FAILURES.includes(clientEnd.code)) return undefined;
  if (isAsked) return new LaunchError('launcher', 'it was killed before it started');
  const complaint = lastWords(join(sandbox, 'stderr'));
  const said = complaint === '' ? '' : `: ${complaint}`;
  if (clientEnd === undefined) {
    return new LaunchError('launcher', `the container engine did not start it in time${said}`);
  }
  const how =
    clientEnd.kind === 'exited' ? 'the container engine could not start it' : wordsFor(clientEnd);
  return new LaunchError('command', `${how}${said}`);
}

/** The end of what a client wrote. The container has not run: nobody else can have put a link there. */
function lastWords(path: string): string {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const { size } = fstatSync(file);
      const buffer = Buffer.alloc(COMPLAINT_BYTES);
      const length = readSync(file, buffer, 0, buffer.length, Math.max(0, size - buffer.length));
      return shortened(buffer.toString('utf8', 0, length).trim());
    } finally {
      closeSync(file);
    }
  } catch {
    return '';
  }
}
