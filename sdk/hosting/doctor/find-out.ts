/**
 * Collects what the doctor goes by: from the master, from the admin interface that the master names, and from the
 * store. It only looks. What cannot be reached is a fact as well.
 */
import type { MasterResponseGetFrameworksFramework } from '../../../core/api/index.js';
import { PlateauError, errorMessage, isRecord } from '../../../core/base/index.js';
import { OperatorClient } from '../../../core/client/index.js';
import { lmdbLeaseHolder } from '../../../core/election/index.js';
import { openStoreForReading } from '../../../core/store/index.js';
import type { FrameworkDefinition } from '../../framework/index.js';
import { FRAMEWORK_ID_KEY } from '../../runtime/index.js';
import { checkState } from '../check-state.js';
import { LEASE_NAME, leasePathOf } from '../state.js';
import { choose } from './choose.js';
import type {
  AgentFacts,
  Choice,
  DoctorFacts,
  FrameworkFacts,
  MasterFacts,
  StoreFacts,
  WhyFacts,
} from './facts.js';
import { firstOf } from './finding.js';
import { readAdmin } from './read-admin.js';

export interface FindOutOptions {
  /** Addresses of masters with commas between. */
  readonly masters: string;
  /** Name or id of the framework; undefined: the one in the store, else the only one there is. */
  readonly word: string | undefined;
  /** URL of its store. */
  readonly store: string | undefined;
  /** What the code says of itself. */
  readonly definition: FrameworkDefinition | undefined;
  /** Wall time in milliseconds since 1970. */
  readonly nowMs: number;
}

/** @throws PlateauError `INVALID_FLAG` when an address is none, or when it is not said which framework is meant. */
export async function findOut(options: FindOutOptions): Promise<DoctorFacts> {
  const { masters, word, nowMs } = options;
  const client = new OperatorClient({ address: masters });
  const store = await readStore(options);
  const master = await readMaster(client);
  const asked = { word, storedId: store?.frameworkId };
  const choice: Choice =
    master.kind === 'silent' ? { kind: 'none' } : choose(master.frameworks, asked);
  if (master.kind === 'answers' && choice.kind === 'none' && word === undefined) {
    refuseMany(master.frameworks, asked.storedId);
  }
  const framework = choice.kind === 'one' ? choice.framework : undefined;
  const isConnected = framework?.state === 'connected';
  const why = framework === undefined ? undefined : await readWhy(client, framework.id);
  const admin = isConnected ? await readAdmin(framework.url) : undefined;
  return { nowMs, asked, master, choice, why, admin, store };
}

function refuseMany(frameworks: readonly FrameworkFacts[], storedId: string | undefined): void {
  const names = frameworks.filter(({ state }) => state !== 'removed').map(({ name }) => name);
  if (names.length < 2 || storedId !== undefined) return;
  throw new PlateauError(
    'INVALID_FLAG',
    `name the framework that is meant, or its --store: the master knows ${firstOf([...new Set(names)].toSorted())}`,
    { context: { frameworks: names.length } },
  );
}

async function readMaster(client: OperatorClient): Promise<MasterFacts> {
  try {
    const [frameworks, agents] = await Promise.all([readFrameworks(client), readAgents(client)]);
    return { kind: 'answers', frameworks, agents };
  } catch (error) {
    if (!(error instanceof PlateauError)) throw error;
    const { failures } = error.context;
    const problem = failures === undefined ? error.message : `No master answers: ${failures}.`;
    return { kind: 'silent', problem };
  }
}

async function readFrameworks(client: OperatorClient): Promise<readonly FrameworkFacts[]> {
  const found = (await client.call({ type: 'GET_FRAMEWORKS' }))?.get_frameworks;
  return [
    ...(found?.frameworks ?? []).map((each) => factsOf(each, stateOf(each))),
    ...(found?.completed_frameworks ?? []).map((each) => factsOf(each, 'removed')),
  ];
}

function stateOf(found: MasterResponseGetFrameworksFramework): FrameworkFacts['state'] {
  if (found.connected) return 'connected';
  return found.recovered ? 'recovered' : 'disconnected';
}

function factsOf(
  found: MasterResponseGetFrameworksFramework,
  state: FrameworkFacts['state'],
): FrameworkFacts {
  const { framework_info: info, reregistered_time, unregistered_time } = found;
  const url = info.webui_url?.replace(/\/+$/, '');
  return {
    id: info.id?.value ?? '',
    name: info.name,
    state,
    url: url === '' ? undefined : url,
    failoverTimeoutMs: (info.failover_timeout ?? 0) * 1000,
    subscribedMs: millisecondsOf(reregistered_time),
    removedMs: millisecondsOf(unregistered_time),
  };
}

function millisecondsOf(time: { readonly nanoseconds: bigint } | undefined): number | undefined {
  return time === undefined ? undefined : Number(time.nanoseconds / 1_000_000n);
}

async function readAgents(client: OperatorClient): Promise<AgentFacts> {
  const found = (await client.call({ type: 'GET_AGENTS' }))?.get_agents;
  const agents = found?.agents ?? [];
  const figures = await client.get('/metrics/snapshot');
  const unreachable = isRecord(figures) ? figures['master/slaves_unreachable'] : undefined;
  return {
    registered: agents.length,
    active: agents.filter(({ active }) => active).length,
    deactivated: agents.filter(({ deactivated }) => deactivated === true).length,
    unreachable: typeof unreachable === 'number' ? unreachable : 0,
  };
}

/** Undefined when the master does not tell, such as one of another kind. */
async function readWhy(client: OperatorClient, framework: string): Promise<WhyFacts | undefined> {
  try {
    const page = await client.get('/plateau/v1/why', { framework });
    if (!isRecord(page)) return undefined;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own page; `FrameworkExplanation` of the master
    const { allocation, ...told } = page as unknown as Omit<WhyFacts, 'roles'> & {
      readonly allocation?: Pick<WhyFacts, 'roles'>;
    };
    return { ...told, roles: allocation?.roles ?? [] };
  } catch (error) {
    if (error instanceof PlateauError) return undefined;
    throw error;
  }
}

async function readStore({
  store: url,
  definition,
}: FindOutOptions): Promise<StoreFacts | undefined> {
  if (url === undefined) return undefined;
  const nothing = {
    url,
    problem: undefined,
    frameworkId: undefined,
    holder: undefined,
    report: undefined,
  };
  try {
    const leasePath = leasePathOf(url);
    const report = definition && (await checkState(url, definition));
    const frameworkId = report === undefined ? await storedId(url) : report.frameworkId;
    const holder = leasePath && (await lmdbLeaseHolder({ path: leasePath, name: LEASE_NAME }));
    return { ...nothing, frameworkId, holder: holder || undefined, report };
  } catch (error) {
    if (error instanceof PlateauError && error.code === 'INVALID_FLAG') throw error;
    return { ...nothing, problem: errorMessage(error) };
  }
}

async function storedId(url: string): Promise<string | undefined> {
  const store = openStoreForReading(url);
  try {
    return (await store.get(FRAMEWORK_ID_KEY))?.value;
  } finally {
    await store.close();
  }
}
