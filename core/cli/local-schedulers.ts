/**
 * The bundled schedulers as `plateau up` runs them: which there are, on which ports, and how commands
 * that run against the cluster are told where they are.
 */
import { InvalidArgumentError } from 'commander';
import { PlateauError, type World, errorMessage } from '../base/index.js';

/** All of them, in the order in which they are told. */
export const SCHEDULERS = ['batch', 'services', 'cron'] as const;
export type SchedulerName = (typeof SCHEDULERS)[number];

/** Where the admin interfaces of schedulers are. */
export type SchedulerUrls = ReadonlyMap<SchedulerName, string>;

/** Ports after that of the master: agents have the first hundred. */
const FIRST_PORT = 101;
/** Milliseconds between two looks at whether a scheduler is subscribed. */
const LOOK_INTERVAL_MS = 50;

/**
 * Reads `--schedulers`: names with commas between, or `none`.
 * @throws InvalidArgumentError naming the word that is no scheduler.
 */
export function parseSchedulers(text: string): readonly SchedulerName[] {
  if (text === 'none') return [];
  const words = new Set(text.split(',').map((word) => word.trim()));
  for (const word of words) {
    if (isSchedulerName(word)) continue;
    throw new InvalidArgumentError(
      `'${word}' is none of ${SCHEDULERS.join(', ')}; it must be some of them with commas between, or none.`,
    );
  }
  return SCHEDULERS.filter((name) => words.has(name));
}

function isSchedulerName(word: string): word is SchedulerName {
  return SCHEDULERS.some((name) => name === word);
}

/** Port of the admin interface of a scheduler beside a master; 0: a free one. */
export function schedulerPort(name: SchedulerName, masterPort: number): number {
  return masterPort === 0 ? 0 : masterPort + FIRST_PORT + SCHEDULERS.indexOf(name);
}

/** The greatest distance of any port from that of the master. */
export const LAST_PORT_OFFSET = FIRST_PORT + SCHEDULERS.length - 1;

/**
 * An environment in which commands find this cluster and its schedulers, and no others.
 * @param base the environment to begin with; it is not changed.
 */
export function clusterEnvironment(
  base: Readonly<NodeJS.ProcessEnv>,
  masterUrl: string,
  schedulers: SchedulerUrls,
): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = { ...base, PLATEAU_MASTER: masterUrl };
  for (const name of SCHEDULERS) {
    const variable = `PLATEAU_${name.toUpperCase()}`;
    const url = schedulers.get(name);
    if (url === undefined) delete environment[variable];
    else environment[variable] = url;
  }
  return environment;
}

export interface SubscribedOptions {
  readonly name: SchedulerName;
  readonly url: string;
  readonly world: World;
  readonly withinMs: number;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
}

/**
 * Waits until a scheduler is subscribed at the master: commands find it by asking there.
 * @throws PlateauError `NOT_READY` when it is not within the time, or the waiting was ended.
 */
export async function untilSubscribed(options: SubscribedOptions): Promise<void> {
  const { name, url, world, withinMs, signal } = options;
  const endMs = world.clock.elapsed() + withinMs;
  for (let why = ''; ;) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- one look after the other
      const { status } = await fetch(`${url}/health`, { signal });
      if (status === 200) return;
      why = `its /health answers ${status}`;
    } catch (error) {
      why = errorMessage(error);
    }
    if (signal.aborted || world.clock.elapsed() >= endMs) {
      const seconds = withinMs / 1000;
      const message = `${name} was not subscribed at the master within ${seconds} s: ${why}`;
      throw new PlateauError('NOT_READY', message, { context: { scheduler: name, url } });
    }
    // oxlint-disable-next-line no-await-in-loop -- a pause between looks
    await new Promise<void>((resolve) => {
      world.clock.setTimer(LOOK_INTERVAL_MS, resolve);
    });
  }
}
