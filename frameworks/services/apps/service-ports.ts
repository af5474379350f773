/** Gives apps service ports that no other app has: where an app says 0. */
import { type App, type AppDraft, portsOf } from './app.js';

/** First and last of the numbers that are given out. */
export const FIRST_SERVICE_PORT = 10_000;
export const LAST_SERVICE_PORT = 20_000;

/** The app with a number for each service port; undefined: there are too few left. */
export function withServicePorts(
  draft: AppDraft,
  others: readonly App[],
  before: App | undefined,
): AppDraft | undefined {
  if (portsOf(draft).every(({ service }) => service !== 0)) return draft;
  const taken = new Set(others.flatMap((app) => portsOf(app).map(({ service }) => service)));
  for (const { service } of portsOf(draft)) taken.add(service);
  const known = before === undefined ? [] : portsOf(before).map(({ service }) => service);
  let next = FIRST_SERVICE_PORT;
  let isFull = false;
  const numberFor = (port: number, index: number): number => {
    if (port !== 0) return port;
    const old = known[index];
    if (old !== undefined && !taken.has(old)) {
      taken.add(old);
      return old;
    }
    while (taken.has(next)) next++;
    if (next > LAST_SERVICE_PORT) isFull = true;
    taken.add(next);
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
