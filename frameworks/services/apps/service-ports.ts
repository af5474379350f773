/** Gives apps service ports that no other app has: where an app says 0. */
import { type App, type AppDraft, portsOf } from './app.js';

/** First and last of the numbers that are given out. */
export const FIRST_SERVICE_PORT = 10_000;
export const LAST_SERVICE_PORT = 20_000;

export interface ServicePortFacts {
  /** Whether another app has the port. */
  readonly isTaken: (port: number) => boolean;
  /** What the app was before: it keeps its numbers. */
  readonly before?: App | undefined;
  /** Where to begin to look. Default: the first. */
  readonly from?: number;
}

/** The app with a number for each service port; undefined: there are too few left. */
export function withServicePorts(draft: AppDraft, facts: ServicePortFacts): AppDraft | undefined {
  const { isTaken, before, from = FIRST_SERVICE_PORT } = facts;
  if (portsOf(draft).every(({ service }) => service !== 0)) return draft;
  const own = new Set(portsOf(draft).map(({ service }) => service));
  const known = before === undefined ? [] : portsOf(before).map(({ service }) => service);
  let next = Math.max(from, FIRST_SERVICE_PORT);
  let isFull = false;
  const numberFor = (port: number, index: number): number => {
    if (port !== 0) return port;
    const old = known[index];
    if (old !== undefined && !own.has(old) && !isTaken(old)) {
      own.add(old);
      return old;
    }
    while (next <= LAST_SERVICE_PORT && (own.has(next) || isTaken(next))) next++;
    if (next > LAST_SERVICE_PORT) isFull = true;
    own.add(next);
    return next;
  };
  const { portDefinitions, container } = draft;
  const mappings = container?.portMappings;
  const filled: AppDraft = {
    ...draft,
    ...(portDefinitions === undefined
      ? {}
      : {
          portDefinitions: portDefinitions.map((each, index) => ({
            ...each,
            port: numberFor(each.port, index),
          })),
        }),
    ...(container === undefined || mappings === undefined
      ? {}
      : {
          container: {
            ...container,
            portMappings: mappings.map((each, index) => ({
              ...each,
              servicePort: numberFor(each.servicePort, index),
            })),
          },
        }),
  };
  return isFull ? undefined : filled;
}
