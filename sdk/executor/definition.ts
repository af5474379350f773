/** Reads an executor class, once, and judges it. */
import { PlateauError } from '../../core/base/index.js';
import { durationMs } from '../decisions/index.js';
import { type ExecutorDeclaration, type HandlerDeclaration, declarationOf } from './decorators.js';
import type { ExecutorHandlerKind } from './handlers.js';

/** Milliseconds that a killed task has to end, where nobody says otherwise. */
export const DEFAULT_KILL_GRACE_MS = 3_000;

export interface ExecutorHandlerDefinition {
  readonly kind: ExecutorHandlerKind;
  /** Name of the method, for messages. */
  readonly method: string;
  readonly invoke: (instance: object, args: readonly unknown[]) => unknown;
  /** For launches. */
  readonly reportRunning: boolean;
  /** For the others. */
  readonly onError: 'crash' | 'skip';
}

export interface ExecutorDefinition {
  readonly name: string;
  readonly killGraceMs: number;
  readonly onStuck: 'exit' | 'leave';
  /** Undefined: it stays. */
  readonly exitWhenIdleMs: number | undefined;
  /** At most one of each kind. */
  readonly handlers: ReadonlyMap<ExecutorHandlerKind, ExecutorHandlerDefinition>;
}

/**
 * The definition of a class with `@Executor`, or of an instance of one. Handlers of classes that it extends
 * count where it has none of the kind itself.
 * @throws PlateauError `INVALID_FRAMEWORK` or `INVALID_DURATION` when it is not valid.
 */
export function readExecutor(executor: object): ExecutorDefinition {
  const target = typeof executor === 'function' ? executor : executor.constructor;
  const { name } = target;
  const lineage = lineageOf(target);
  const options = lineage.find((declaration) => declaration.options !== undefined)?.options;
  if (options === undefined) throw invalid(name, 'it has no @Executor()');
  const handlers = new Map<ExecutorHandlerKind, ExecutorHandlerDefinition>();
  for (const declaration of lineage) {
    const own = ownHandlers(name, declaration);
    for (const [kind, definition] of own) if (!handlers.has(kind)) handlers.set(kind, definition);
  }
  if (!handlers.has('launch') && !handlers.has('launch-group')) {
    throw invalid(name, 'it runs no tasks: add a method with @OnLaunch()');
  }
  const { killGrace = DEFAULT_KILL_GRACE_MS, onStuck = 'exit', exitWhenIdle = false } = options;
  if (onStuck !== 'exit' && onStuck !== 'leave') {
    throw invalid(name, `onStuck is '${String(onStuck)}'; it must be 'exit' or 'leave'`);
  }
  return {
    name,
    killGraceMs: durationMs(killGrace, `${name}: killGrace`),
    onStuck,
    exitWhenIdleMs:
      exitWhenIdle === false ? undefined : durationMs(exitWhenIdle, `${name}: exitWhenIdle`),
    handlers,
  };
}

/** What was declared on the class and those above it, its own first. */
function lineageOf(target: object): readonly ExecutorDeclaration[] {
  const found: ExecutorDeclaration[] = [];
  for (let at: unknown = target; typeof at === 'function'; at = Object.getPrototypeOf(at)) {
    const declaration = declarationOf(at);
    if (declaration !== undefined) found.push(declaration);
  }
  return found;
}

function ownHandlers(
  name: string,
  { handlers }: ExecutorDeclaration,
): ReadonlyMap<ExecutorHandlerKind, ExecutorHandlerDefinition> {
  const own = new Map<ExecutorHandlerKind, ExecutorHandlerDefinition>();
  for (const declaration of handlers) {
    const { kind, decorator, key } = declaration;
    const other = own.get(kind);
    if (other !== undefined) {
      throw invalid(name, `${other.method} and ${String(key)} both have ${decorator}; one must do`);
    }
    own.set(kind, definitionOf(name, declaration));
  }
  return own;
}

function definitionOf(
  name: string,
  { kind, decorator, key, options }: HandlerDeclaration,
): ExecutorHandlerDefinition {
  const { reportRunning = true, onError = 'crash' } = options;
  if (onError !== 'crash' && onError !== 'skip') {
    throw invalid(
      name,
      `onError of ${decorator} is '${String(onError)}'; it must be 'crash' or 'skip'`,
    );
  }
  return {
    kind,
    method: `${name}.${String(key)}`,
    invoke: (instance, args) => {
      const method: unknown = Reflect.get(instance, key);
      if (typeof method !== 'function') {
        throw invalid(name, `${decorator} is on ${String(key)}, which is no method`);
      }
      return Reflect.apply(method, instance, args);
    },
    reportRunning,
    onError,
  };
}

function invalid(name: string, why: string): PlateauError {
  return new PlateauError('INVALID_FRAMEWORK', `The executor ${name} is not valid: ${why}.`, {
    context: { executor: name },
  });
}
