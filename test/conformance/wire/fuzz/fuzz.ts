/** Sends the mutated requests of a family to a cluster of its own and watches what comes of it. */
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { WireCluster } from '../cluster.js';
import { learnTarget } from '../lib/target.js';
import { type Outcome, type SentRequest, sendBytes } from './exchange.js';
import type { Family } from './families.js';
import { LiveState } from './live.js';
import { Choices } from './random.js';

/** Flags of the processes under test, so that what they hold can be measured. */
export const PROBED: readonly string[] = [
  '--expose-gc',
  `--import=${new URL('./memory-probe.js', import.meta.url).href}`,
];

/** How much more a server may hold after the requests than before them. */
export const GROWTH_LIMIT_BYTES = 50 * 1024 * 1024;
const BATCH = 100;
const AT_A_TIME = 10;
const SETTLE_MS = 500;

export interface FuzzOptions {
  readonly cluster: WireCluster;
  readonly family: Family;
  readonly seed: string;
  readonly requests: number;
}

export interface FuzzResult {
  /** One line for each request that was answered wrongly, with what sends it again. */
  readonly failures: readonly string[];
  readonly grownBytes: number;
  readonly statuses: ReadonlyMap<string, number>;
}

/** Resolves when all requests were sent and the servers were asked whether they are well. */
export async function fuzzFamily(options: FuzzOptions): Promise<FuzzResult> {
  const { cluster, family, requests, seed } = options;
  const program = cluster[family.server];
  const notes: string[] = [];
  const target = await learnTarget(cluster.urls, (note) => void notes.push(note));
  const state = new LiveState(target);
  const failures: string[] = [];
  const statuses = new Map<string, number>();
  let before: number | undefined;
  for (let first = 0; first < requests; first += BATCH) {
    const live = await state.refresh();
    before ??= await heldBytes(cluster, family);
    const numbers = Array.from({ length: Math.min(BATCH, requests - first) }, (_, i) => first + i);
    const send = async (): Promise<void> => {
      for (let number = numbers.shift(); number !== undefined; number = numbers.shift()) {
        const request = family.make(live, new Choices(`${seed}/${family.name}/${number}`));
        const outcome = await sendBytes(program.url, request);
        const name =
          outcome.kind === 'status' ? String(outcome.status) : unanswered(request, outcome);
        statuses.set(name, (statuses.get(name) ?? 0) + 1);
        if (isWrong(family, request, outcome))
          failures.push(lineOf(number, family, request, outcome));
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, send));
    if (!cluster.master.isRunning || !cluster.agent.isRunning) {
      failures.push(`a process ended in requests ${first} to ${first + BATCH} of ${family.name}`);
      return { failures, grownBytes: 0, statuses };
    }
  }
  await state.close();
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const grownBytes = (await heldBytes(cluster, family)) - (before ?? 0);
  await program.page('/version');
  return { failures, grownBytes, statuses };
}

function unanswered(request: SentRequest, { kind }: Outcome): string {
  return kind === 'closed' && request.bytes.length === 0 ? 'nothing asked' : kind;
}

function isWrong(family: Family, request: SentRequest, outcome: Outcome): boolean {
  if (outcome.kind === 'status') return !family.statuses.has(outcome.status);
  // A client that leaves without having said anything is owed nothing; any other is answered.
  return outcome.kind !== 'closed' || request.bytes.length > 0;
}

function lineOf(number: number, family: Family, request: SentRequest, outcome: Outcome): string {
  const sent = request.bytes.toString('base64');
  const after = request.after === undefined ? '' : ` then ${request.after.toString('base64')}`;
  return `${family.name} ${number}: ${JSON.stringify(outcome)}: ${sent}${after}`;
}

/** What the server holds after a full collection. */
async function heldBytes(cluster: WireCluster, { server }: Family): Promise<number> {
  const answer = await text(connect(cluster.memorySocket(server)));
  const { held } = JSON.parse(answer) as { readonly held: number };
  return held;
}
