/**
 * Handlers from declarations. A class that declares a method again replaces what its parents declared of
 * it; one that only overrides the method keeps the declaration, and its own method is called.
 */
import { durationMs } from '../decisions/index.js';
import type { HandlerDefinition } from './definition.js';
import { type HandlerPolicy, daemonPolicyOf, policyOf, statusPolicyOf } from './handler-options.js';
import { type HandlerDeclaration, ownHandlers } from './metadata.js';
import { isDuration } from './options.js';
import type { Complain, Link } from './read-links.js';
import type { Checked } from './validation.js';

/** A declaration with the class that it stands in. */
interface Declared extends HandlerDeclaration {
  readonly owner: string;
}

/** Shortest interval of `@Every`: it is not meant for busy loops. */
export const MIN_EVERY_MS = 10;

export function readHandlers(
  chain: readonly Link[],
  complain: Complain,
): readonly HandlerDefinition[] {
  const declared = mergedHandlers(chain, complain);
  checkOffers(declared, chain.at(-1)?.name ?? '', complain);
  return declared.flatMap((each) => readHandler(each, complain));
}

function mergedHandlers(chain: readonly Link[], complain: Complain): readonly Declared[] {
  let merged: readonly Declared[] = [];
  for (const { theClass, prototype, name } of chain) {
    for (const { decorator, key } of ownHandlers(theClass)) {
      complain(
        `${name}.${String(key)}: ${decorator} is on a static method; handlers are methods of ` +
          `instances: remove 'static'`,
      );
    }
    const own = ownHandlers(prototype).map((each) => ({ ...each, owner: name }));
    const again = new Set(own.map(({ key }) => key));
    merged = [...merged.filter(({ key }) => !again.has(key)), ...own];
  }
  return merged;
}

/** There is exactly one handler of offers, and no decorator stands twice on a method without need. */
function checkOffers(declared: readonly Declared[], name: string, complain: Complain): void {
  const seen = new Set<string>();
  for (const each of declared) {
    if (each.kind === 'status') continue;
    const what = `${each.decorator} ${String(each.key)}`;
    if (seen.has(what)) complain(`${wordOf(each)} stands twice on the method: remove one`);
    seen.add(what);
  }
  const offers = [
    ...new Set(declared.filter(({ kind }) => kind === 'offers').map(({ key }) => String(key))),
  ];
  if (offers.length === 0) {
    complain(
      `${name} has no @OnOffers: add a method '@OnOffers() place(offers: Offers) { … }' that says ` +
        'what to run',
    );
  }
  if (offers.length > 1) {
    complain(
      `${name} has ${offers.length} methods with @OnOffers (${offers.join(', ')}): each offer can be used ` +
        'once, so one method has to decide; let it call the others',
    );
  }
}

function readHandler(declared: Declared, complain: Complain): readonly HandlerDefinition[] {
  const { kind, key, place } = declared;
  const word = wordOf(declared);
  if (place !== 'method') {
    complain(`${word} is on ${place === 'field' ? 'a field' : 'an accessor'}: put it on a method`);
    return [];
  }
  if (typeof key !== 'string') {
    complain(`${word} is on a method named by a symbol: give it a name that messages can show`);
    return [];
  }
  const everyMs = kind === 'every' ? readInterval(declared, complain) : undefined;
  const checked = readOptions(declared);
  if (checked.kind === 'bad') {
    for (const { path, message } of checked.problems) {
      complain(`${word}: ${path === '' ? 'its options' : `option '${path}'`} ${message}`);
    }
    return [];
  }
  return [{ kind, method: key, invoke: callerOf(key), ...checked.value, everyMs }];
}

function readOptions({ kind, options, states = [] }: Declared): Checked<HandlerPolicy> {
  if (kind === 'status') return statusPolicyOf(options, states);
  return kind === 'daemon' ? daemonPolicyOf(options) : policyOf(options);
}

function readInterval(declared: Declared, complain: Complain): number | undefined {
  const { every } = declared;
  const word = wordOf(declared);
  if (!isDuration(every)) {
    complain(
      `${word}: the interval '${String(every)}' is not a length of time: write one such as '30s'`,
    );
    return undefined;
  }
  const intervalMs = durationMs(every);
  if (intervalMs >= MIN_EVERY_MS) return intervalMs;
  complain(`${word}: the interval must be at least ${MIN_EVERY_MS} ms`);
  return undefined;
}

/** Calls the method of that name that the instance has: that of the lowest class. */
function callerOf(method: string): HandlerDefinition['invoke'] {
  return (instance, given) => {
    const found: unknown = Reflect.get(instance, method);
    return typeof found === 'function' ? Reflect.apply(found, instance, given) : undefined;
  };
}

function wordOf({ owner, key, decorator }: Declared): string {
  return `${owner}.${String(key)}: ${decorator}`;
}
