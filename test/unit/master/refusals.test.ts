/** Operations and tasks that are refused, each with its reason, and without changing anything. */
import { expect } from 'chai';
import type {
  FrameworkInfo,
  Offer,
  OfferOperation,
  Resource,
  ResourceDiskInfoSource,
  ResourceReservationInfo,
} from '../../../core/api/index.js';
import { at } from '../../../core/base/index.js';
import { Resources } from '../../../core/resources/index.js';
import {
  AGENT_INFO,
  CAPABILITIES,
  FRAMEWORK_INFO,
  FakeConnection,
  Harness,
  ROLE,
  type Scheduler,
  amounts,
  scalar,
  task,
} from './harness.js';

const NESTED = `${ROLE}/blog`;
const PATH: ResourceDiskInfoSource = { type: 'PATH', path: { root: '/ssd' } };
const MOUNT: ResourceDiskInfoSource = { type: 'MOUNT', mount: { root: '/mnt/a' } };
const FOR_ROLE: ResourceReservationInfo = { type: 'DYNAMIC', role: ROLE };

const ABLE: FrameworkInfo = {
  ...FRAMEWORK_INFO,
  capabilities: [
    ...(FRAMEWORK_INFO.capabilities ?? []),
    { type: 'GPU_RESOURCES' },
    { type: 'REVOCABLE_RESOURCES' },
  ],
};

const RESOURCES: readonly Resource[] = [
  ...(AGENT_INFO.resources ?? []),
  scalar('gpus', 2),
  scalar('cpus', 1, { reservations: [{ type: 'STATIC', role: ROLE }] }),
  scalar('disk', 1000),
  scalar('disk', 500, { disk: { source: PATH } }),
  scalar('disk', 200, { disk: { source: MOUNT } }),
];

function disk(value: number, more: Partial<Resource> = {}): Resource {
  return scalar('disk', value, { reservations: [FOR_ROLE], ...more });
}

type Disk = NonNullable<Resource['disk']>;

function volume(id: string, value: number, more: Partial<Disk> = {}): Resource {
  return disk(value, {
    disk: { persistence: { id }, volume: { mode: 'RW', container_path: 'data' }, ...more },
  });
}

const reserve = (...resources: Resource[]): OfferOperation => ({
  type: 'RESERVE',
  reserve: { resources },
});
const create = (...volumes: Resource[]): OfferOperation => ({
  type: 'CREATE',
  create: { volumes },
});

interface Place {
  readonly harness: Harness;
  readonly agent: FakeConnection;
  readonly scheduler: Scheduler;
}

/** A framework and an agent with reserved disks, a volume `taken`, and revocable cpus. */
async function place(
  info: FrameworkInfo = ABLE,
  capabilities: typeof CAPABILITIES = CAPABILITIES,
): Promise<Place> {
  const harness = await Harness.started();
  const agent = new FakeConnection();
  harness.agentMessage(agent, {
    type: 'REGISTER',
    register: {
      agent_info: { ...AGENT_INFO, resources: RESOURCES },
      version: '1.11.0',
      capabilities,
      oversubscribed_resources: [scalar('cpus', 2, { revocable: {} })],
    },
  });
  await harness.world.settle();
  const scheduler = await harness.subscribe(info);
  const ready = [
    disk(300),
    disk(200, { disk: { source: MOUNT } }),
    disk(100, { disk: { source: PATH } }),
  ];
  scheduler.accept([await scheduler.offer()], [reserve(...ready), create(volume('taken', 64))]);
  return { harness, agent, scheduler };
}

async function nextOffer({ harness, scheduler }: Place): Promise<Offer> {
  await harness.world.advance(2000);
  return at(scheduler.stream.offers, scheduler.stream.offers.length - 1);
}

/** All that the agent has and that is held of it, and what it remembers. */
function books({ harness, agent }: Place): unknown {
  const answer = harness.master.operatorCall({ type: 'GET_AGENTS' });
  if (answer instanceof Promise || 'status' in answer) return undefined;
  const [shown] = answer.get_agents?.agents ?? [];
  return {
    total: Resources.fromWire(shown?.total_resources ?? []).toString(),
    used: Resources.fromWire(shown?.allocated_resources ?? []).toString(),
    told: agent.remembers.length,
    launched: agent.launched.length,
  };
}

/** Tries an operation on the next offer; returns the answer, after a look at the books. */
async function refusal(here: Place, operation: OfferOperation): Promise<string> {
  const offer = await nextOffer(here);
  const offered = Resources.fromWire(offer.resources ?? []).toString();
  const before = books(here);
  here.scheduler.stream.clear();
  here.scheduler.accept([offer], [{ ...operation, id: { value: 'it' } }]);
  const [told] = here.scheduler.stream.of('UPDATE_OPERATION_STATUS');
  const status = told?.update_operation_status?.status;
  expect(status?.state).to.equal('OPERATION_ERROR');
  expect(books(here)).to.deep.equal(before);
  const again = await nextOffer(here);
  expect(Resources.fromWire(again.resources ?? []).toString(), 'offered again').to.equal(offered);
  expect(here.harness.fatal).to.deep.equal([]);
  return status?.message ?? '';
}

const CREATES: readonly (readonly [string, readonly Resource[], RegExp])[] = [
  [
    'a disk that is not reserved',
    [scalar('disk', 1, { disk: volume('v', 1).disk })],
    /not reserved/,
  ],
  ['more than is there', [volume('v', 400)], /is needed and .* is available$/],
  ['an id that is taken', [volume('taken', 10)], /id of another volume of role 'web'/],
  [
    'a part of a MOUNT disk',
    [volume('v', 100, { source: MOUNT })],
    /is needed and .* taken as a whole$/,
  ],
  [
    'another PATH disk',
    [volume('v', 1, { source: { type: 'PATH', path: { root: '/hdd' } } })],
    /is needed/,
  ],
  ['a RAW disk', [volume('v', 1, { source: { type: 'RAW' } })], /type RAW/],
  [
    'a disk of no known type',
    [volume('v', 1, { source: { type: 'UNKNOWN' } })],
    /'disk.source.type'/,
  ],
  [
    'a PATH disk with the fields of MOUNT',
    [volume('v', 1, { source: { type: 'PATH', mount: { root: '/m' } } })],
    /'disk.source.mount' is set/,
  ],
  [
    'a read-only volume',
    [volume('v', 1, { volume: { mode: 'RO', container_path: 'd' } })],
    /must be RW/,
  ],
  [
    'a folder of the host',
    [volume('v', 1, { volume: { mode: 'RW', container_path: 'd', host_path: '/etc' } })],
    /'disk.volume.host_path' must not be set/,
  ],
  ['no volume', [disk(1, { disk: { persistence: { id: 'v' } } })], /'disk.volume' is not set/],
  ['an id with a slash', [volume('a/b', 1)], /'disk.persistence.id' 'a\/b'/],
  ['something that is no disk', [{ ...volume('v', 1), name: 'mem' }], /resource 'disk' only/],
  ['a negative size', [volume('v', -1)], /'scalar.value'/],
  ['a revocable volume', [{ ...volume('v', 1), revocable: {} }], /'revocable' must not be set/],
  ['a shared one, without the capability', [{ ...volume('v', 1), shared: {} }], /SHARED_RESOURCES/],
  ['one id twice', [volume('v', 1), volume('v', 2)], /occurs twice/],
];

const RESERVES: readonly (readonly [string, Resource, RegExp])[] = [
  [
    'for another role',
    scalar('cpus', 1, { reservations: [{ type: 'DYNAMIC', role: 'db' }] }),
    /role 'db'/,
  ],
  [
    'for everybody',
    scalar('cpus', 1, { reservations: [{ type: 'DYNAMIC', role: '*' }] }),
    /cannot be reserved/,
  ],
  ['without a reservation', scalar('cpus', 1), /not dynamically reserved/],
  [
    'statically',
    scalar('cpus', 1, { reservations: [{ type: 'STATIC', role: ROLE }] }),
    /not dynamically/,
  ],
  [
    'what is revocable',
    scalar('cpus', 1, { reservations: [FOR_ROLE], revocable: {} }),
    /'revocable'/,
  ],
  ['half a gpu', scalar('gpus', 0.5, { reservations: [FOR_ROLE] }), /gpus come as whole numbers/],
  ['more than is there', scalar('gpus', 3, { reservations: [FOR_ROLE] }), /is needed and/],
  ['a part of a MOUNT disk', disk(10, { disk: { source: MOUNT } }), /is needed and/],
  ['what is shared', scalar('cpus', 1, { reservations: [FOR_ROLE], shared: {} }), /'shared'/],
  ['a volume', volume('taken', 64), /persistent volume, which cannot be reserved/],
  [
    'in both forms',
    scalar('cpus', 1, { role: ROLE, reservations: [{ type: 'DYNAMIC', role: 'db' }] }),
    /'role' must not be set/,
  ],
  [
    'under a role that is not below',
    scalar('cpus', 1, { reservations: [FOR_ROLE, { type: 'DYNAMIC', role: 'db' }] }),
    /is not below 'web'/,
  ],
];

describe('Master: refused operations', () => {
  for (const [what, volumes, reason] of CREATES) {
    it(`CREATE: ${what}`, async () => {
      expect(await refusal(await place(), create(...volumes))).to.match(reason);
    });
  }

  for (const [what, resource, reason] of RESERVES) {
    it(`RESERVE: ${what}`, async () => {
      expect(await refusal(await place(), reserve(resource))).to.match(reason);
    });
  }

  it('RESERVE with source, which is for operators', async () => {
    const operation: OfferOperation = {
      type: 'RESERVE',
      reserve: { source: [scalar('cpus', 1)], resources: [scalar('cpus', 1)] },
    };
    expect(await refusal(await place(), operation)).to.match(/'reserve.source'/);
  });

  it('RESERVE on top of a reservation, by a framework that does not know of it', async () => {
    const info = {
      ...ABLE,
      roles: [NESTED],
      capabilities: (ABLE.capabilities ?? []).filter(
        ({ type }) => type !== 'RESERVATION_REFINEMENT',
      ),
    };
    const here = await place(ABLE);
    here.scheduler.call({ type: 'TEARDOWN' });
    const other = await here.harness.subscribe(info);
    const refined = scalar('cpus', 1, {
      reservations: [
        { type: 'STATIC', role: ROLE },
        { type: 'DYNAMIC', role: NESTED },
      ],
    });
    const reason = await refusal({ ...here, scheduler: other }, reserve(refined));
    expect(reason).to.match(/needs the capability RESERVATION_REFINEMENT/);
  });

  it('RESERVE of what an old agent would not understand', async () => {
    const old = await place(ABLE, [{ type: 'MULTI_ROLE' }, { type: 'HIERARCHICAL_ROLE' }]);
    const agent_id = { value: old.agent.agentId };
    const reserveAs = (here: Place, ...reservations: readonly ResourceReservationInfo[]) =>
      here.harness.master.operatorCall({
        type: 'RESERVE_RESOURCES',
        reserve_resources: { agent_id, resources: [scalar('gpus', 1, { reservations })] },
      });
    const refined = await reserveAs(old, FOR_ROLE, { type: 'DYNAMIC', role: NESTED });
    expect(refined).to.include({ status: 400 });
    const older = await place(ABLE, [{ type: 'MULTI_ROLE' }]);
    const nested = await older.harness.master.operatorCall({
      type: 'RESERVE_RESOURCES',
      reserve_resources: {
        agent_id: { value: older.agent.agentId },
        resources: [scalar('gpus', 1, { reservations: [{ type: 'DYNAMIC', role: NESTED }] })],
      },
    });
    expect(nested).to.include({ status: 400 });
    expect('message' in nested && nested.message).to.match(/nested role 'web\/blog'/);
  });

  it('DESTROY and UNRESERVE of what is something else', async () => {
    const here = await place();
    const destroy = (...volumes: Resource[]): OfferOperation => ({
      type: 'DESTROY',
      destroy: { volumes },
    });
    const unreserve = (...resources: Resource[]): OfferOperation => ({
      type: 'UNRESERVE',
      unreserve: { resources },
    });
    for (const [operation, reason] of [
      [destroy(volume('nobody', 64)), /does not exist/],
      [destroy(volume('taken', 65)), /differs from/],
      [destroy({ ...volume('taken', 64), shared: {} }), /differs from/],
      [destroy(disk(64)), /not a persistent volume/],
      [unreserve(volume('taken', 64)), /DESTROY it first/],
      [unreserve(scalar('cpus', 1)), /not dynamically reserved/],
      [
        unreserve(scalar('cpus', 1, { reservations: [{ type: 'STATIC', role: ROLE }] })),
        /stays as it is/,
      ],
      [unreserve(disk(900)), /is needed and/],
    ] as const) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect(await refusal(here, operation)).to.match(reason);
    }
  });
});

describe('Master: refused resources of tasks', () => {
  const cases: readonly (readonly [string, readonly Resource[], RegExp])[] = [
    ['half a gpu', [...amounts(1, 32), scalar('gpus', 0.5)], /gpus come as whole numbers/],
    ['more gpus than there are', [...amounts(1, 32), scalar('gpus', 3)], /more resources/],
    ['a volume that is not there', [...amounts(1, 32), volume('nobody', 64)], /more resources/],
    ['a volume of another size', [...amounts(1, 32), volume('taken', 63)], /more resources/],
    [
      'one volume twice',
      [...amounts(1, 32), volume('taken', 64), volume('taken', 64)],
      /occurs twice/,
    ],
    [
      'a volume to read only',
      [...amounts(1, 32), volume('taken', 64, { volume: { mode: 'RO', container_path: 'd' } })],
      /'disk.volume.mode' is RO/,
    ],
    [
      'a part of a MOUNT disk',
      [...amounts(1, 32), disk(10, { disk: { source: MOUNT } })],
      /more resources/,
    ],
    ['another role', amounts(1, 32, { allocation_info: { role: 'db' } }), /allocated to role 'db'/],
    [
      'revocable and other cpus',
      [...amounts(1, 32), scalar('cpus', 1, { revocable: {} })],
      /'revocable' must be set for all/,
    ],
  ];
  for (const [what, resources, reason] of cases) {
    it(`names what is wrong with ${what}`, async () => {
      const here = await place();
      const offer = await nextOffer(here);
      const before = books(here);
      here.scheduler.launch(offer, task(offer, { resources }));
      const [status] = here.scheduler.stream.updates;
      expect(status).to.include({ state: 'TASK_ERROR', reason: 'REASON_TASK_INVALID' });
      expect(status?.message).to.match(reason);
      expect(books(here)).to.deep.equal(before);
    });
  }
});

describe('Master: agents with gpus', () => {
  it('are offered to frameworks that can use gpus, which get whole ones', async () => {
    const harness = await Harness.started();
    const plain = await harness.subscribe();
    const agent = await harness.register({ ...AGENT_INFO, resources: RESOURCES });
    await harness.world.advance(5000);
    expect(plain.stream.offers).to.have.length(0);
    const able = await harness.subscribe({ ...ABLE, name: 'able' });
    const offer = await able.offer();
    able.launch(offer, task(offer, { resources: [...amounts(1, 32), scalar('gpus', 1)] }));
    expect(agent.launched).to.have.length(1);
    expect(harness.counter('gpus_used')).to.equal(1);
    expect(harness.counter('gpus_total')).to.equal(2);
  });

  it('are not admitted with a part of one', async () => {
    const harness = await Harness.started();
    const agent = await harness.register({ ...AGENT_INFO, resources: [scalar('gpus', 1.5)] });
    expect(agent.of('REFUSED')[0]?.refused?.message).to.match(/gpus come as whole numbers/);
  });
});
