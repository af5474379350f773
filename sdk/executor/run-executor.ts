/** The entry of an executor program. */
import { type World, systemWorld } from '../../core/base/index.js';
import { readExecutor } from './definition.js';
import { type Environment, readEnvironment } from './environment.js';
import { type ExecutorEnd, ExecutorRuntime } from './executor-runtime.js';
import { HttpAgentLink } from './http-link.js';
import type { AgentLink } from './link.js';
import { sandboxLogger } from './sandbox-log.js';

export interface RunExecutorOptions {
  /** What the agent has set. Default: the environment of the process. */
  readonly env?: Environment;
  /** Default: that of the machine, with a log on stderr. */
  readonly world?: World;
  /** The way to the agent. Default: HTTP. */
  readonly link?: AgentLink;
  /**
   * What is called at the end with the status. Default: ends the process, as handlers that do not return would
   * keep it alive. SIGTERM and SIGINT shut the executor down in order if this is left out.
   */
  readonly exit?: (code: number) => void;
}

/**
 * Runs an executor to its end: the last line of its program. Subscribes at the agent that started the
 * process, runs what is launched, and goes on when the agent is started anew, if the framework checkpoints.
 * @param executor a class with `@Executor()` that is made without arguments, or an instance of one.
 * @throws PlateauError `INVALID_FRAMEWORK`, `INVALID_DURATION` when the class is not valid, `INVALID_FLAG` when the
 *   environment is not that of an executor.
 */
export async function runExecutor(
  executor: object | (new () => object),
  options: RunExecutorOptions = {},
): Promise<ExecutorEnd> {
  const definition = readExecutor(executor);
  const settings = readEnvironment(options.env ?? process.env);
  const world = options.world ?? systemWorld(sandboxLogger());
  const link = options.link ?? new HttpAgentLink({ clock: world.clock, settings });
  const instance = isClass(executor) ? new executor() : executor;
  const runtime = new ExecutorRuntime({ definition, instance, settings, world, link });
  const stopListening =
    options.exit === undefined ? onSignals((signal) => runtime.stop(signal)) : () => undefined;
  const end = await runtime.run();
  stopListening();
  world.log.info('the executor has ended', { ...end });
  (options.exit ?? exitProcess)(end.code);
  return end;
}

function isClass(executor: object): executor is new () => object {
  return typeof executor === 'function';
}

function onSignals(listener: (signal: string) => void): () => void {
  process.on('SIGTERM', listener);
  process.on('SIGINT', listener);
  return () => {
    process.off('SIGTERM', listener);
    process.off('SIGINT', listener);
  };
}

function exitProcess(code: number): void {
  process.exit(code);
}
