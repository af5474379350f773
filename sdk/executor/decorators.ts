/**
 * The decorators of an executor class. They are inert: they write down what `readExecutor` reads. The type
 * of each refuses methods of another signature, with an error that spells out the expected one.
 */
import { PlateauError } from '../../core/base/index.js';
import type { Duration } from '../decisions/index.js';
import type {
  ExecutorEventHandler,
  ExecutorHandlerKind,
  LaunchGroupHandler,
  LaunchHandler,
} from './handlers.js';

/** Options of `@Executor`. */
export interface ExecutorOptions {
  /**
   * How long a task that is killed may take to end, where neither the kill nor the task says. Default 3 s, as
   * for command tasks.
   */
  readonly killGrace?: Duration;
  /**
   * What happens when a handler has not returned by the end of its grace period. `exit` (default): its task is
   * told as killed, all others as failed, and the process ends, for nothing else can stop the handler.
   * `leave`: its task is told as killed, and the handler goes on unseen.
   */
  readonly onStuck?: 'exit' | 'leave';
  /**
   * End the process this long after the last task has ended. Default false: custom executors stay, so that
   * later tasks start at once; the framework or the agent shuts them down.
   */
  readonly exitWhenIdle?: Duration | false;
}

/** Options of `@OnLaunch` and `@OnLaunchGroup`. */
export interface LaunchOptions {
  /**
   * Whether RUNNING is told when the handler is called (default). Otherwise STARTING is, and the handler tells
   * RUNNING itself.
   */
  readonly reportRunning?: boolean;
}

/** Options of the other handlers. */
export interface ExecutorHandlerOptions {
  /**
   * What happens when the handler throws. `crash` (default): all tasks are told as failed and the process
   * ends with status 1. `skip`: it is logged.
   */
  readonly onError?: 'crash' | 'skip';
}

/** One use of a decorator. */
export interface HandlerDeclaration {
  readonly kind: ExecutorHandlerKind;
  readonly decorator: string;
  readonly key: PropertyKey;
  readonly options: LaunchOptions & ExecutorHandlerOptions;
}

/** What decorators wrote down for a class, unchecked. */
export interface ExecutorDeclaration {
  options?: ExecutorOptions;
  readonly handlers: HandlerDeclaration[];
}

const DECLARATIONS = new WeakMap<object, ExecutorDeclaration>();

/** What was written down for a class itself, not for those that it extends. */
export function declarationOf(target: object): ExecutorDeclaration | undefined {
  return DECLARATIONS.get(target);
}

function declare(target: object): ExecutorDeclaration {
  const declaration = DECLARATIONS.get(target) ?? { handlers: [] };
  DECLARATIONS.set(target, declaration);
  return declaration;
}

/** What classes have and instances have not: handlers are no static methods. */
type OnInstance<I> = I extends { readonly prototype: unknown }
  ? 'an instance: handlers are not static'
  : I;

/** Of what nothing is known, as of the descriptor that a field has not. */
type IsUnknown<T> = unknown extends T ? ([keyof T] extends [never] ? true : false) : false;

/** Decorates methods of the type `H`; for others the compiler prints `Expected`. */
export type ExecutorDecorator<H, Expected extends string> = <T, I>(
  target: IsUnknown<T> extends true ? `a method, not a field: ${Expected}` : OnInstance<I>,
  key: PropertyKey,
  descriptor?: T extends H ? TypedPropertyDescriptor<T> : Expected,
) => void;

/** Makes a class an executor. Options are checked when it is read, not here. */
export function Executor(options: ExecutorOptions = {}): (target: object) => void {
  return (target: object, ...rest: readonly unknown[]) => {
    refuseStandard('@Executor', rest[0]);
    declare(target).options = options;
  };
}

/**
 * Runs a task. Returning says FINISHED, throwing FAILED with the message; after a kill or during a shutdown both
 * say KILLED. Called for each task on its own; tasks of a group come here too if there is no
 * `@OnLaunchGroup`.
 */
export function OnLaunch(
  options: LaunchOptions = {},
): ExecutorDecorator<
  LaunchHandler,
  '(task: ExecutorTask, context: ExecutorContext) => void | TaskResult | Promise<void | TaskResult>'
> {
  return handler('launch', '@OnLaunch', options);
}

/** Runs a task group as one: what is returned or thrown is said of all tasks that have not ended. */
export function OnLaunchGroup(
  options: LaunchOptions = {},
): ExecutorDecorator<
  LaunchGroupHandler,
  '(group: TaskGroup, context: ExecutorContext) => void | TaskResult | Promise<void | TaskResult>'
> {
  return handler('launch-group', '@OnLaunchGroup', options);
}

/** A task is killed: for what its signal cannot express. It has ended when its launch handler returns. */
export function OnKill(
  options: ExecutorHandlerOptions = {},
): ExecutorDecorator<
  ExecutorEventHandler<'kill'>,
  '(request: KillRequest, context: ExecutorEventContext) => void | Promise<void>'
> {
  return handler('kill', '@OnKill', options);
}

/** The scheduler has sent a message. */
export function OnMessage(
  options: ExecutorHandlerOptions = {},
): ExecutorDecorator<
  ExecutorEventHandler<'message'>,
  '(message: SchedulerMessage, context: ExecutorEventContext) => void | Promise<void>'
> {
  return handler('message', '@OnMessage', options);
}

/** The executor is about to end; it waits for the handler within the grace period. Called once. */
export function OnShutdown(
  options: ExecutorHandlerOptions = {},
): ExecutorDecorator<
  ExecutorEventHandler<'shutdown'>,
  '(shutdown: ExecutorShutdown, context: ExecutorEventContext) => void | Promise<void>'
> {
  return handler('shutdown', '@OnShutdown', options);
}

/** The executor has subscribed at the agent: at its start, and after each loss of the agent. */
export function OnConnected(
  options: ExecutorHandlerOptions = {},
): ExecutorDecorator<
  ExecutorEventHandler<'connected'>,
  '(connected: AgentConnected, context: ExecutorEventContext) => void | Promise<void>'
> {
  return handler('connected', '@OnConnected', options);
}

/** The agent is gone. Tasks go on; updates wait. */
export function OnDisconnected(
  options: ExecutorHandlerOptions = {},
): ExecutorDecorator<
  ExecutorEventHandler<'disconnected'>,
  '(disconnected: AgentDisconnected, context: ExecutorEventContext) => void | Promise<void>'
> {
  return handler('disconnected', '@OnDisconnected', options);
}

function handler(
  kind: ExecutorHandlerKind,
  decorator: string,
  options: LaunchOptions & ExecutorHandlerOptions,
): (target: unknown, key: PropertyKey) => void {
  return (decorated, key: unknown) => {
    const target: object = Object(decorated);
    refuseStandard(decorator, key);
    if (typeof key !== 'string' && typeof key !== 'symbol') return;
    declare(target.constructor).handlers.push({ kind, decorator, key, options });
  };
}

/** Standard decorators are given a context where ours are given a key, or nothing. */
function refuseStandard(decorator: string, given: unknown): void {
  if (typeof given !== 'object' || given === null) return;
  throw new PlateauError(
    'INVALID_FRAMEWORK',
    `${decorator}: the module was compiled with standard decorators; set "experimentalDecorators": true ` +
      'in the compilerOptions of tsconfig.json.',
    { context: { decorator } },
  );
}
