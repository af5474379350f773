/** The end of a simulation: its frameworks come to rest, are looked at, and are closed. */
import { PlateauError, errorMessage } from '../../core/base/index.js';
import type { SimulatedCluster } from '../../core/simulation/index.js';
import { complaintsAbout, daemonComplaints, reservationComplaints } from './hygiene.js';
import type { SimulatedFramework } from './simulated-framework.js';

/** How long a framework may take to come to rest before its hygiene is looked at. */
const REST_MS = 30_000;
const STEP_MS = 100;

export interface Closing {
  readonly cluster: SimulatedCluster;
  readonly frameworks: readonly SimulatedFramework[];
  readonly keepsReservations: boolean;
  /** Lets time pass; fails when a framework has failed. */
  readonly advance: (durationMs: number) => Promise<void>;
}

/** @throws PlateauError `HYGIENE` with all that was found. */
export async function closeFrameworks(closing: Closing): Promise<void> {
  const { cluster, frameworks, keepsReservations } = closing;
  const complaints = [...(await complaintsAtRest(closing))];
  if (!keepsReservations) {
    complaints.push(
      ...frameworks.flatMap((framework) => reservationComplaints(cluster, framework)),
    );
  }
  for (const framework of frameworks) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await close(framework, closing).catch((error: unknown) => complaints.push(errorMessage(error)));
  }
  complaints.push(...frameworks.flatMap(daemonComplaints));
  if (complaints.length === 0) return;
  const { seed } = cluster.world;
  throw new PlateauError(
    'HYGIENE',
    `seed '${seed}': the test left behind:\n${complaints.map((one) => `  ${one}`).join('\n')}`,
    { context: { seed } },
  );
}

/** What is wrong at a moment of rest; empty as soon as there is a moment without. */
async function complaintsAtRest(closing: Closing): Promise<readonly string[]> {
  const { cluster, frameworks, advance } = closing;
  const look = (): readonly string[] =>
    frameworks.flatMap((framework) => complaintsAbout(cluster, framework));
  let complaints = look();
  for (let passedMs = 0; complaints.length > 0 && passedMs < REST_MS; passedMs += STEP_MS) {
    // oxlint-disable-next-line no-await-in-loop -- time passes step by step
    await advance(STEP_MS);
    complaints = look();
  }
  return complaints;
}

async function close(framework: SimulatedFramework, { cluster }: Closing): Promise<void> {
  const outcome = { isOver: false };
  const closed = framework.close().finally(() => {
    outcome.isOver = true;
  });
  // Marked as handled: time passes before anybody waits for it.
  closed.catch(() => {});
  for (let passedMs = 0; !outcome.isOver && passedMs < REST_MS; passedMs += STEP_MS) {
    // oxlint-disable-next-line no-await-in-loop -- closing takes time of the world
    await cluster.advance(STEP_MS);
  }
  if (outcome.isOver) return closed;
  throw new PlateauError('HYGIENE', `${framework.name} did not close within ${REST_MS / 1000} s`);
}
