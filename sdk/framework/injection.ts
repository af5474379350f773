/**
 * What a framework needs from outside: named by tokens, asked for by `inject` in constructors and field
 * initialisers, and provided by whoever runs it. Nothing is looked up later on: once made, an object has
 * plain properties, and a unit test gives plain arguments.
 */
import {
  type Clock,
  type Logger,
  PlateauError,
  SILENT_LOGGER,
  type World,
  errorMessage,
} from '../../core/base/index.js';

/** Stands for something of type `T` that somebody provides. Made by `token`; two of one name are two. */
export interface Token<T> {
  readonly id: symbol;
  /** For messages. */
  readonly name: string;
  /** Makes it where nobody provides it. */
  readonly make: (() => T) | undefined;
}

/** Something for a token. Made by `provide`. */
export interface Provided {
  readonly token: Token<unknown>;
  readonly by: { readonly value: unknown } | { readonly make: () => unknown };
}

/** How something is provided: it is there and stays its owner's, or it is made, and closed when the term ends. */
export type ProvidedBy<T> = { readonly value: T } | { readonly make: () => T };

/**
 * A new token.
 * @param name for messages, such as `prices`.
 * @param options `make` makes it where nobody provides it; it may `inject` what it needs.
 */
export function token<T>(name: string, options: { readonly make?: () => T } = {}): Token<T> {
  return { id: Symbol(name), name, make: options.make };
}

/** The log of whoever runs the framework; outside of one it is silent. */
export const LOG: Token<Logger> = {
  id: Symbol.for('plateau.log'),
  name: 'log',
  make: () => SILENT_LOGGER,
};

/**
 * Says what a token stands for. Of several for one token the last counts.
 * @param by `{ value }`: what is there, and is not closed; `{ make }`: makes it once for each term, may
 *   `inject` what it needs, and what it made is closed at the end of the term.
 */
export function provide<T>(wanted: Token<T>, by: ProvidedBy<NoInfer<T>>): Provided {
  return { token: wanted, by };
}

/** Shared by all copies of this package in a process: the command and a module may come with one each. */
const CURRENT = Symbol.for('plateau.injector');
const shared: { [CURRENT]?: Injector | undefined } = Object(globalThis);

/**
 * What a token stands for. For default values of constructor parameters, for field initialisers, and for the
 * `make` of others: wherever a framework makes something. Elsewhere it is what the token itself makes.
 * @throws PlateauError `INVALID_FRAMEWORK` when nobody provides it, or when making it needs itself.
 */
export function inject<T>(wanted: Token<T>): T {
  return (shared[CURRENT] ?? new Injector([])).get(wanted);
}

/** How long the end of a term waits for each thing that it closes. */
export const INJECTED_CLOSE_MS = 10_000;

/** Makes what is injected, each thing once, and closes it in reverse order. */
export class Injector {
  readonly #provided: ReadonlyMap<symbol, Provided>;
  readonly #made = new Map<symbol, unknown>();
  /** Names of what is being made now, the outermost first. */
  readonly #path: { readonly id: symbol | undefined; readonly name: string }[] = [];

  constructor(provided: readonly Provided[]) {
    this.#provided = new Map(provided.map((each) => [each.token.id, each]));
  }

  /**
   * Runs code that makes something, synchronously: `inject` finds what is provided here meanwhile.
   * @param name of what is made, for messages.
   */
  run<T>(name: string, make: () => T): T {
    return this.#make({ id: undefined, name }, make);
  }

  /** @throws PlateauError `INVALID_FRAMEWORK`. */
  get<T>(wanted: Token<T>): T {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `provide` and `token` take no other
    return this.#get(wanted) as T;
  }

  /** Closes what was made here. What does not let itself be closed is logged. Never rejects. */
  async close({ clock, log }: Pick<World, 'clock' | 'log'>): Promise<void> {
    for (const thing of this.#toClose()) {
      // oxlint-disable-next-line no-await-in-loop -- what was made later may need what was made before
      const problem = await problemOfClosing(thing, clock);
      if (problem !== undefined) log.warn('what was injected is not closed', { error: problem });
    }
  }

  #get(wanted: Token<unknown>): unknown {
    const by = this.#provided.get(wanted.id)?.by ?? wanted;
    if ('value' in by) return by.value;
    if (this.#made.has(wanted.id)) return this.#made.get(wanted.id);
    this.#refuseCycle(wanted);
    const { make } = by;
    if (make === undefined) throw this.#missing(wanted);
    const made = this.#make(wanted, make);
    this.#made.set(wanted.id, made);
    // Whoever awaits a promise gets its error; nobody may, or not yet.
    if (made instanceof Promise) made.catch(() => undefined);
    return made;
  }

  #make<T>(what: { readonly id: symbol | undefined; readonly name: string }, make: () => T): T {
    const outer = shared[CURRENT];
    shared[CURRENT] = this;
    this.#path.push(what);
    try {
      return make();
    } finally {
      this.#path.pop();
      shared[CURRENT] = outer;
    }
  }

  #refuseCycle({ id, name }: Token<unknown>): void {
    const start = this.#path.findIndex((each) => each.id === id);
    if (start < 0) return;
    const names = [...this.#path.slice(start).map((each) => each.name), name];
    throw new PlateauError(
      'INVALID_FRAMEWORK',
      `What is injected needs itself: ${names.join(' -> ')}. Let one of them do without the next, or look it ` +
        'up when it is used.',
    );
  }

  #missing({ name }: Token<unknown>): PlateauError {
    const asker = this.#path.at(-1)?.name;
    const problem =
      asker === undefined
        ? `inject(…) of '${name}' was called while no framework makes anything, and the token has no 'make': ` +
          'call it in a constructor, a field initialiser or a make, before any await; in a unit test give ' +
          'the constructor its argument'
        : `${asker} needs '${name}', and nobody provides it: add provide(…) for this token to the option ` +
          "'provide', or for 'plateau framework run' to the export 'providers', or give the token a 'make'";
    const isNamesake = [...this.#provided.values()].some((each) => each.token.name === name);
    const hint = isNamesake
      ? '. Another token of that name is provided: make it once, and import it where it is used'
      : '';
    return new PlateauError('INVALID_FRAMEWORK', `${problem}${hint}.`, {
      context: { token: name },
    });
  }

  /** The last first. What is known by several tokens counts where it was made; what was given is its owner's. */
  #toClose(): readonly unknown[] {
    const given = new Set<unknown>();
    for (const { by } of this.#provided.values()) if ('value' in by) given.add(by.value);
    const things = [...new Set(this.#made.values())].filter((thing) => !given.has(thing));
    this.#made.clear();
    return things.toReversed();
  }
}

/**
 * Checks what is provided for a framework.
 * @param target its class, a function that makes it, or the object.
 * @throws PlateauError `INVALID_FRAMEWORK`.
 */
export function checkProvided(target: unknown, provided: unknown): void {
  if (!isProvidedList(provided)) {
    throw new PlateauError(
      'INVALID_FRAMEWORK',
      "What is provided has to be a list, and each of it made by provide(…): write [provide(TOKEN, { value: '…' })].",
    );
  }
  if (provided.length === 0 || typeof target === 'function') return;
  throw new PlateauError(
    'INVALID_FRAMEWORK',
    'Nothing can be provided for an object: it is made already. Give the class of the framework.',
  );
}

/** Whether a value is a list of what `provide` gave. */
export function isProvidedList(value: unknown): value is readonly Provided[] {
  return Array.isArray(value) && value.every((each) => isProvided(each));
}

function isProvided(value: unknown): value is Provided {
  const { token: named, by }: { readonly token?: unknown; readonly by?: unknown } = Object(value);
  const { id }: { readonly id?: unknown } = Object(named);
  return typeof id === 'symbol' && typeof by === 'object' && by !== null;
}

/** Under the first of these names that it has, a thing is closed. */
const CLOSERS = [Symbol.asyncDispose, Symbol.dispose, 'close', 'dispose'] as const;

/** Why a thing is not closed, if it is not. */
async function problemOfClosing(thing: unknown, clock: Clock): Promise<string | undefined> {
  let release = (): void => {};
  const late = new Promise<string>((resolve) => {
    const tooLong = `it takes longer than ${INJECTED_CLOSE_MS / 1000} s`;
    const timer = clock.setTimer(INJECTED_CLOSE_MS, () => resolve(tooLong));
    release = () => timer.dispose();
  });
  const closed = closeThing(thing).then(() => undefined, errorMessage);
  return Promise.race([closed, late]).finally(release);
}

async function closeThing(made: unknown): Promise<void> {
  const thing: unknown = await made;
  if (typeof thing !== 'object' || thing === null) return;
  for (const name of CLOSERS) {
    const close: unknown = Reflect.get(thing, name);
    if (typeof close !== 'function') continue;
    await Reflect.apply(close, thing, []);
    return;
  }
}
