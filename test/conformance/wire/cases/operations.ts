/** Offer operations other than LAUNCH, what is told about them, and what operators can do. */
import { casesOf } from '../lib/case.js';
import {
  ABSENT,
  A_STRING,
  A_UUID,
  expectStatus,
  expectThat,
  expectValue,
  findIn,
  get,
  listAt,
  near,
} from '../lib/check.js';
import type { Context } from '../lib/context.js';
import {
  type Message,
  amountsOf,
  commandTask,
  idOf,
  offered,
  scalar,
  totalOf,
} from '../lib/messages.js';
import type { Scheduler } from '../lib/scheduler.js';

const CAPABILITIES = ['MULTI_ROLE', 'RESERVATION_REFINEMENT', 'PARTITION_AWARE'];
const SOON = { timeoutMs: 8000 };

/** What a case does with resources that it reserves for a role of its own. */
class Reserving {
  readonly scheduler: Scheduler;
  readonly role: string;

  private constructor(scheduler: Scheduler, role: string) {
    this.scheduler = scheduler;
    this.role = role;
  }

  static async start(context: Context): Promise<Reserving> {
    const role = context.unique('role');
    context.releaseLater(role);
    const scheduler = await context.scheduler({
      capabilities: CAPABILITIES,
      info: { roles: [role] },
    });
    return new Reserving(scheduler, role);
  }

  reserved(name: string, value: number): Message {
    return reservedFor(this.role, name, value);
  }

  /** Whether a resource is reserved for this role. */
  readonly isOurs = (resource: unknown): boolean =>
    findIn(listAt(resource, 'reservations'), 'role', this.role) !== undefined;

  readonly hasOurs = (offer: unknown): boolean => listAt(offer, 'resources').some(this.isOurs);

  /** The status of one of our operations. */
  async operation(id: string): Promise<unknown> {
    const path = 'update_operation_status.status';
    const event = await this.scheduler.next(
      (one) => get(one, `${path}.operation_id.value`) === id,
      { what: `the status of ${id}` },
    );
    return get(event, path);
  }
}

function reservedFor(role: string, name: string, value: number): Message {
  return scalar(name, value, { reservations: [{ type: 'DYNAMIC', role }] });
}

function volumeOn(disk: Message, id: string): Message {
  const volume = { container_path: 'data', mode: 'RW' };
  return { ...disk, disk: { persistence: { id }, volume } };
}

type Resources = readonly Message[];

function withId(id: string | undefined): Message {
  return id === undefined ? {} : { id: { value: id } };
}

const reserve = (resources: Resources, id?: string): Message => ({
  type: 'RESERVE',
  ...withId(id),
  reserve: { resources },
});
const unreserve = (resources: Resources, id?: string): Message => ({
  type: 'UNRESERVE',
  ...withId(id),
  unreserve: { resources },
});
const create = (volumes: Resources): Message => ({ type: 'CREATE', create: { volumes } });
const launch = (task: Message): Message => ({ type: 'LAUNCH', launch: { task_infos: [task] } });

async function thereAndBack(context: Context): Promise<void> {
  const ours = await Reserving.start(context);
  const { scheduler } = ours;
  const before = await scheduler.offer({ cpus: 1, mem: 128 });
  const resources = [ours.reserved('cpus', 0.5), ours.reserved('mem', 64)];
  await scheduler.accept(before, [reserve(resources)], 0);
  const after = await scheduler.offer({}, { ...SOON, where: ours.hasOurs });
  expectThat(
    {
      cpus: offered(after, 'cpus', ours.isOurs),
      mem: offered(after, 'mem', ours.isOurs),
      allCpus: offered(after, 'cpus'),
      reservations: get(listAt(after, 'resources').find(ours.isOurs), 'reservations'),
    },
    {
      cpus: near(0.5),
      mem: near(64),
      allCpus: near(offered(before, 'cpus')),
      reservations: [{ type: 'DYNAMIC', role: ours.role }],
    },
    'the offer with the reservation',
  );
  await scheduler.accept(after, [unreserve(resources)], 0);
  await scheduler.offer({}, { ...SOON, where: (offer) => !ours.hasOurs(offer) });
}

async function reserveAndLaunch(context: Context): Promise<void> {
  const ours = await Reserving.start(context);
  const { scheduler } = ours;
  const offer = await scheduler.offer({ cpus: 1, mem: 128 });
  const resources = [ours.reserved('cpus', 0.5), ours.reserved('mem', 64)];
  const id = context.unique('task');
  const task = commandTask(id, offer, 'sleep 300', { resources });
  await scheduler.accept(offer, [reserve(resources), launch(task)], 0);
  await scheduler.until(id, 'TASK_RUNNING');
  const shown = listAt(await context.task(id), 'resources');
  expectValue(totalOf(shown, 'cpus', ours.isOurs), near(0.5), 'reserved cpus of the task');
  await scheduler.kill(id);
  await scheduler.until(id, 'TASK_KILLED');
}

async function volumeKept(context: Context): Promise<void> {
  const ours = await Reserving.start(context);
  const { scheduler } = ours;
  const offer = await scheduler.offer({ cpus: 1, mem: 128, disk: 64 });
  const disk = ours.reserved('disk', 32);
  const volumeId = context.unique('volume');
  const volume = volumeOn(disk, volumeId);
  const base = [ours.reserved('cpus', 0.2), ours.reserved('mem', 32)];
  const task = (from: unknown, command: string): Message =>
    commandTask(context.unique('task'), from, command, { resources: [...base, volume] });
  const writer = task(offer, 'echo kept > data/file');
  const operations = [reserve([...base, disk]), create([volume]), launch(writer)];
  await scheduler.accept(offer, operations, 0);
  await scheduler.until(idOf(writer), 'TASK_FINISHED');
  const isVolume = (one: unknown): boolean => get(one, 'disk.persistence.id') === volumeId;
  const next = await scheduler.offer(
    {},
    {
      timeoutMs: 15_000,
      where: (one) =>
        listAt(one, 'resources').some(isVolume) && offered(one, 'cpus', ours.isOurs) > 0.19,
    },
  );
  const shown = get(listAt(next, 'resources').find(isVolume), 'disk.volume');
  expectThat(shown, { container_path: 'data', mode: 'RW' }, 'the volume');
  const reader = task(next, 'test "$(cat data/file)" = kept && exit 17');
  await scheduler.accept(next, [launch(reader)], 0);
  const failed = await scheduler.until(idOf(reader), 'TASK_FAILED');
  expectThat(failed, { message: /status 17/ }, 'the reader');
}

async function feedback(context: Context): Promise<void> {
  context.needAgentCapability('AGENT_OPERATION_FEEDBACK');
  const ours = await Reserving.start(context);
  const offer = await ours.scheduler.offer({ cpus: 1 });
  const id = context.unique('operation');
  await ours.scheduler.accept(offer, [reserve([ours.reserved('cpus', 0.5)], id)], 0);
  expectThat(
    await ours.operation(id),
    {
      state: 'OPERATION_FINISHED',
      'uuid.value': A_UUID,
      agent_id: get(offer, 'agent_id'),
    },
    'the status',
  );
}

const OPERATION_REFUSED = { state: 'OPERATION_ERROR', message: A_STRING, uuid: ABSENT };

async function refusedWithId(context: Context): Promise<void> {
  const ours = await Reserving.start(context);
  const { scheduler } = ours;
  const offer = await scheduler.offer({ cpus: 1 });
  const ids = [1, 2, 3].map(() => context.unique('operation'));
  const operations = [
    reserve([ours.reserved('cpus', 1e6)], ids[0]),
    reserve([reservedFor('some-other-role', 'cpus', 0.5)], ids[1]),
    unreserve(amountsOf({ cpus: 0.5 }), ids[2]),
  ];
  await scheduler.accept(offer, operations, 0);
  for (const id of ids) expectThat(await ours.operation(id), OPERATION_REFUSED, id);
  const next = await scheduler.offer({}, SOON);
  expectValue(listAt(next, 'resources').filter(ours.isOurs), [], 'reserved resources');
}

async function refusedWithoutId(context: Context): Promise<void> {
  const ours = await Reserving.start(context);
  const { scheduler } = ours;
  const offer = await scheduler.offer({ cpus: 1 });
  const operations = [1e6, 0.25].map((amount) => reserve([ours.reserved('cpus', amount)]));
  await scheduler.accept(offer, operations, 0);
  const next = await scheduler.offer({}, { ...SOON, where: ours.hasOurs });
  expectValue(offered(next, 'cpus', ours.isOurs), near(0.25), 'reserved cpus');
  await scheduler.none('UPDATE_OPERATION_STATUS', 2000, 'a status');
}

async function idOnLaunch(context: Context): Promise<void> {
  const { scheduler } = await Reserving.start(context);
  const offer = await scheduler.offer({ cpus: 0.5, mem: 64 });
  const id = context.unique('task');
  const operation = launch(commandTask(id, offer, 'true'));
  await scheduler.accept(offer, [{ ...operation, ...withId(context.unique('operation')) }]);
  const refused = { state: 'TASK_ERROR', source: 'SOURCE_MASTER' };
  expectThat(await scheduler.status(id), refused, 'the task');
}

async function unknownOperations(context: Context): Promise<void> {
  const ours = await Reserving.start(context);
  const operations = [undefined, context.agentId, 'no-such-agent'].map((agentId) => ({
    operation_id: { value: context.unique('operation') },
    ...(agentId === undefined ? {} : { agent_id: { value: agentId } }),
  }));
  await ours.scheduler.call('RECONCILE_OPERATIONS', { reconcile_operations: { operations } });
  const unknown = { state: 'OPERATION_UNKNOWN', uuid: ABSENT };
  for (const { operation_id } of operations) {
    expectThat(await ours.operation(operation_id.value), unknown, 'the answer');
  }
}

async function onlyForTheRole(context: Context): Promise<void> {
  const ours = await Reserving.start(context);
  const { scheduler } = ours;
  const offer = await scheduler.offer({ cpus: 2 });
  await scheduler.accept(offer, [reserve([ours.reserved('cpus', 1)])], 0);
  const mine = await scheduler.offer({}, { ...SOON, where: ours.hasOurs });
  await scheduler.decline(mine, 3600);
  const other = await context.scheduler({ capabilities: CAPABILITIES });
  const theirs = await other.offer({}, SOON);
  expectValue(offered(theirs, 'cpus'), near(offered(offer, 'cpus') - 1), 'cpus of the other');
  const reserved = listAt(theirs, 'resources').filter(
    (one) => listAt(one, 'reservations').length > 0,
  );
  expectValue(reserved, [], 'reserved resources of the other');
}

async function byOperators(context: Context): Promise<void> {
  const role = context.unique('role');
  context.releaseLater(role);
  const disk = reservedFor(role, 'disk', 64);
  const volume = volumeOn(disk, context.unique('volume'));
  const agent_id = { value: context.agentId };
  const { operator } = context;
  const shows = (what: string, expected: readonly unknown[]): Promise<unknown> =>
    context.eventually(what, async () => {
      const now = await context.reservedFor(role);
      const ids = now.map((one) => get(one, 'disk.persistence.id') ?? get(one, 'scalar.value'));
      expectValue(ids, expected, what);
      return true;
    });
  const request = { agent_id, resources: [disk] };
  const volumes = { agent_id, volumes: [volume] };
  await operator.call('RESERVE_RESOURCES', { reserve_resources: request }, 202);
  await shows('after RESERVE_RESOURCES', [64]);
  await operator.call('CREATE_VOLUMES', { create_volumes: volumes }, 202);
  await shows('after CREATE_VOLUMES', [get(volume, 'disk.persistence.id')]);
  const unreserveNow = { type: 'UNRESERVE_RESOURCES', unreserve_resources: request };
  expectStatus(await operator.send(unreserveNow), 409, 'UNRESERVE_RESOURCES below a volume');
  await operator.call('DESTROY_VOLUMES', { destroy_volumes: volumes }, 202);
  await operator.call('UNRESERVE_RESOURCES', { unreserve_resources: request }, 202);
  await shows('after UNRESERVE_RESOURCES', []);
}

async function refusedOperators(context: Context): Promise<void> {
  const role = context.unique('role');
  context.releaseLater(role);
  const attempts: readonly (readonly [string, number, Message, string?])[] = [
    ['too much', 409, reservedFor(role, 'cpus', 1e6)],
    ['an unknown agent', 400, reservedFor(role, 'cpus', 1), 'no-such-agent'],
    ['a reservation for *', 400, reservedFor('*', 'cpus', 1)],
    ['no reservation', 400, scalar('cpus', 1)],
    ['less than nothing', 400, reservedFor(role, 'cpus', -1)],
  ];
  for (const [what, status, resource, agentId = context.agentId] of attempts) {
    const reserve_resources = { agent_id: { value: agentId }, resources: [resource] };
    const answer = await context.operator.send({ type: 'RESERVE_RESOURCES', reserve_resources });
    expectStatus(answer, status, what);
  }
}

async function onUnknownOffer(context: Context): Promise<void> {
  const ours = await Reserving.start(context);
  const id = context.unique('operation');
  const offer = { id: { value: 'no-such-offer' } };
  await ours.scheduler.accept(offer, [reserve([ours.reserved('cpus', 0.5)], id)]);
  expectThat(await ours.operation(id), OPERATION_REFUSED, 'the status');
}

export const cases = casesOf('operations', [
  ['OP-01', 'P0', 'RESERVE shows in the next offer, UNRESERVE takes it back', thereAndBack],
  ['OP-02', 'P0', 'a task runs on what the same ACCEPT reserves', reserveAndLaunch],
  ['OP-03', 'P1', 'a persistent volume keeps its files', volumeKept, 90],
  ['OP-05', 'P1', 'an operation with an id is told when it is done', feedback],
  ['OP-06', 'P1', 'an invalid operation with an id is told, and changes nothing', refusedWithId],
  ['OP-07', 'P1', 'an invalid operation without id leaves the others', refusedWithoutId],
  ['OP-09', 'P1', 'an id on LAUNCH makes its tasks TASK_ERROR', idOnLaunch],
  ['OP-10', 'P1', 'RECONCILE_OPERATIONS of unknown ones', unknownOperations],
  ['OP-12', 'P0', 'reserved resources are offered to their role only', onlyForTheRole, 60],
  ['OP-14', 'P1', 'operators reserve, create, destroy and unreserve', byOperators],
  ['OP-17', 'P1', 'what operators cannot do is 409 or 400', refusedOperators],
  ['OP-18', 'P2', 'an operation with an id on an invalid offer is told', onUnknownOffer],
]);
