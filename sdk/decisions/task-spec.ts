/** What a framework wants to run: a description without anything that only an offer can tell. */
import type {
  CheckInfo,
  CommandInfoURI,
  ContainerInfo,
  ExecutorInfo,
  HealthCheck,
  Offer,
  TaskInfo,
} from '../../core/api/index.js';
import type { Constraint, Preference } from './constraints.js';
import type { Duration } from './duration.js';

/** Data of the framework's own that is stored with a task. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

/** A port that a task is given. */
export interface PortSpec {
  /** Name in the discovery information, and in the variable `PORT_<NAME>`. */
  readonly name?: string;
  /** This port and no other; without it, any that is offered. */
  readonly port?: number;
  readonly protocol?: 'tcp' | 'udp';
}

/**
 * A task as the framework describes it. Plain data, so that it can be stored and compared. `task()`
 * checks it.
 */
export interface TaskSpec {
  /** What the task is, such as `web`: tasks of one name are alike. Ids of tasks begin with it. */
  readonly name: string;
  /**
   * Which one it is among those of its name: work that has an identity, such as index 17 of an array.
   * `Offers.complete` runs each key once.
   */
  readonly key?: string;
  readonly cpus: number;
  readonly memMiB: number;
  readonly diskMiB?: number;
  readonly gpus?: number;
  /** Other scalar resources by name. */
  readonly scalars?: Readonly<Record<string, number>>;
  /** How many ports, or which. The task finds them in `PORT0`, `PORT1`, … and `PORT_<NAME>`. */
  readonly ports?: number | readonly (number | PortSpec)[];
  /** A text is run by a shell, a list is a program with its arguments. */
  readonly command?: string | readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** What is fetched into the sandbox first. */
  readonly uris?: readonly (string | CommandInfoURI)[];
  readonly user?: string;
  readonly container?: ContainerInfo;
  /** An executor of the framework's own; `command` must be absent then. */
  readonly executor?: ExecutorInfo;
  /** Text handed to the executor with the task. */
  readonly payload?: string;
  /** Kept in the framework's store with the task and given back with each of its updates. */
  readonly data?: Json;
  readonly labels?: Readonly<Record<string, string>>;
  /** Between SIGTERM and SIGKILL. Default: that of the agent, 3 s. */
  readonly killGrace?: Duration;
  /** Longer runs fail with `REASON_MAX_COMPLETION_TIME_REACHED`. */
  readonly maxRunTime?: Duration;
  readonly healthCheck?: HealthCheck;
  readonly check?: CheckInfo;
  /** What an agent must be like; all of them have to hold. */
  readonly constraints?: readonly Constraint[];
  /** What an agent should be like; the best sum of weights wins. */
  readonly preferences?: readonly Preference[];
  /** Take only offers of this role. Default: any role of the framework. */
  readonly role?: string;
  /** Whether resources may be used that can be revoked. Default false. */
  readonly revocable?: boolean;
  /** Has the last word about the message that is sent. Not stored. */
  readonly adapt?: (info: TaskInfo, offer: Offer) => TaskInfo;
}
