/** `npm run conformance -- --fuzz`: mutated requests for each family, or one of them again. */
import { WireCluster } from '../cluster.js';
import { FAMILIES } from './families.js';
import { GROWTH_LIMIT_BYTES, PROBED, fuzzFamily } from './fuzz.js';

export interface FuzzMainOptions {
  readonly seed: string;
  /** For each family. */
  readonly requests: string;
  /** Only this one. */
  readonly family?: string | undefined;
}

/** Returns the exit status. @throws Error when there is no such family. */
export async function main({ seed, requests, family }: FuzzMainOptions): Promise<number> {
  const chosen = FAMILIES.filter(({ name }) => family === undefined || name === family);
  if (chosen.length === 0) {
    throw new Error(`--family is one of ${FAMILIES.map(({ name }) => name).join(', ')}`);
  }
  let failed = 0;
  for (const one of chosen) {
    const cluster = await WireCluster.start(PROBED);
    try {
      const options = { cluster, family: one, seed, requests: Number(requests) };
      const { failures, grownBytes, statuses } = await fuzzFamily(options);
      for (const line of failures) say(line);
      const counts = [...statuses].map(([status, count]) => `${status}: ${count}`).toSorted();
      const megabytes = (grownBytes / 1024 / 1024).toFixed(1);
      const isBad = failures.length > 0 || grownBytes > GROWTH_LIMIT_BYTES;
      if (isBad) failed += 1;
      say(
        `${one.name}: ${isBad ? 'FAIL' : 'pass'}, grown by ${megabytes} MB, ${counts.join(', ')}`,
      );
    } finally {
      await cluster.stop();
    }
  }
  say(`${chosen.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
