import { expect } from 'chai';
import { MAX_CALL_BYTES, type TaskInfo, encodeJson } from '../../../../core/api/index.js';
import { Resources } from '../../../../core/resources/index.js';
import type { TaskSpec } from '../../../../sdk/decisions/index.js';
import {
  MAX_ACCEPT_BYTES,
  type Placement,
  localFitness,
  match,
  mixFitness,
  packFitness,
  spreadFitness,
  viewOf,
} from '../../../../sdk/matching/index.js';
import { NOW_MS, WEB, offer, offersFor, portRange, record, reserved, scalar } from './support.js';

function infosOf({ actions }: Placement): readonly TaskInfo[] {
  return actions.flatMap((action) =>
    action.kind === 'accept'
      ? action.operations.flatMap(({ launch }) => launch?.task_infos ?? [])
      : [],
  );
}

function onlyInfo(placement: Placement): TaskInfo {
  const [info, ...others] = infosOf(placement);
  if (info === undefined || others.length > 0) throw new Error('expected one task');
  return info;
}

/** Amounts by name and reservation, as text. */
function resourcesOf(info: TaskInfo): string {
  return Resources.fromWire(info.resources ?? [])
    .unallocated()
    .toString();
}

function hostsOf({ placed }: Placement): readonly string[] {
  return placed.map(({ view }) => view.hostname);
}

function variablesOf(info: TaskInfo): Readonly<Record<string, string>> {
  const variables = info.command?.environment?.variables ?? [];
  return Object.fromEntries(variables.map(({ name, value = '' }) => [name, value]));
}

describe('an ACCEPT of very many tasks', () => {
  const huge = (): ReturnType<typeof offer> => offer('huge', { cpus: 100_000, mem: 9_999_999 });
  const shapes: Readonly<Record<string, (index: number) => TaskSpec>> = {
    'short ones': (index) => ({
      name: 'a',
      key: String(index),
      cpus: 0.01,
      memMiB: 1,
      command: 'x',
    }),
    'with variables': (index) => ({
      ...WEB,
      key: String(index),
      env: Object.fromEntries(Array.from({ length: 40 }, (_, each) => [`V${each}`, String(index)])),
      labels: { some: 'label' },
    }),
    'with long commands': (index) => ({ ...WEB, key: String(index), command: 'x'.repeat(9_000) }),
    'with wide characters': (index) => ({ ...WEB, key: String(index), command: '€'.repeat(900) }),
    'with 64-bit numbers': (index) => ({
      name: 'b',
      cpus: 0.1,
      memMiB: 32,
      key: String(index),
      healthCheck: { type: 'COMMAND', command: { value: 'true' }, grace_period_seconds: 1 },
      executor: {
        type: 'CUSTOM',
        executor_id: { value: 'e' },
        command: { value: 'run' },
        shutdown_grace_period: { nanoseconds: 5_000_000_000n },
      },
    }),
  };
  for (const [name, specOf] of Object.entries(shapes)) {
    it(`fits into a call, ${name}`, () => {
      const specs = Array.from({ length: 5_000 }, (_, index) => specOf(index));
      const placement = offersFor([huge()]).fit(specs);
      const [accept, ...others] = placement.actions.filter(({ kind }) => kind === 'accept');
      if (accept?.kind !== 'accept' || others.length > 0) throw new Error('expected one accept');
      const call = {
        type: 'ACCEPT',
        framework_id: { value: 'framework' },
        accept: { offer_ids: accept.offerIds, operations: accept.operations, filters: {} },
      } as const;
      const bytes = Buffer.byteLength(encodeJson('SchedulerCall', call));
      expect(bytes).to.be.within(MAX_ACCEPT_BYTES / 3, MAX_CALL_BYTES);
      const left = placement.unplaced.reduce((sum, { count }) => sum + count, 0);
      expect(placement.placed.length + left).to.equal(5_000);
    });
  }

  it('leaves other offers to the tasks that follow', () => {
    const specs = Array.from({ length: 3_000 }, () => WEB);
    const roomy = { cpus: 100_000, mem: 9_999_999 };
    const { placed } = offersFor([offer('a', roomy), offer('b', roomy), offer('c', roomy)]).fit(
      specs,
    );
    expect(placed).to.have.lengthOf(3_000);
    expect(new Set(placed.map(({ view }) => view.hostname)).size).to.be.greaterThan(1);
  });
});

describe('fit', () => {
  it('launches the tasks of one offer in one operation', () => {
    const placement = offersFor([offer('a')]).fit(WEB, { count: 3 });
    const [accept, want, ...others] = placement.actions;
    expect(others).to.deep.equal([]);
    expect(want).to.deep.equal({ kind: 'want', replaces: 'all', wants: [] });
    if (accept?.kind !== 'accept') throw new Error('expected an accept');
    expect(accept.offerIds).to.deep.equal([{ value: 'offer-a' }]);
    expect(accept.operations).to.have.lengthOf(1);
    expect(accept.tasks.map(({ id }) => id)).to.deep.equal(
      infosOf(placement).map(({ task_id: id }) => id.value),
    );
    expect(new Set(accept.tasks.map(({ id }) => id)).size).to.equal(3);
    expect(accept.tasks[0]).to.deep.include({ name: 'web', hostname: 'host-a', role: 'web' });
    expect(accept.tasks[0]?.attributes).to.deep.equal({ '@hostname': 'host-a' });
  });

  it('names tasks by name and key', () => {
    const { placed } = offersFor([offer('a')]).fit({ ...WEB, key: 'k17' });
    expect(placed[0]?.id).to.match(/^web\.k17\.[0-9a-f]{12}$/);
  });

  it('takes from the view what it has placed, and never too much', () => {
    const offers = offersFor([offer('a', { cpus: 0.3, mem: 1000 })]);
    const spec = { ...WEB, cpus: 0.1, memMiB: 1 };
    expect(offers.fit(spec, { count: 2 }).placed).to.have.lengthOf(2);
    const [view] = offers;
    expect(view?.cpus).to.equal(0.1);
    const last = offers.fit(spec, { count: 2 });
    expect(last.placed).to.have.lengthOf(1);
    expect(last.unplaced[0]?.count).to.equal(1);
    expect(view?.cpus).to.equal(0);
    expect(view?.left('mem')).to.equal(997);
  });

  it('uses what is reserved for the role first, the nearest reservation before the others', () => {
    const more = [
      reserved(scalar('cpus', 1), 'eng'),
      reserved(scalar('cpus', 0.5), 'eng', 'eng/web'),
    ];
    const view = offer('a', { role: 'eng/web', cpus: 4, more });
    const info = onlyInfo(offersFor([view]).fit({ ...WEB, cpus: 2 }));
    const cpus = (info.resources ?? []).filter(({ name }) => name === 'cpus');
    expect(cpus.map((one) => [one.reservations?.at(-1)?.role, one.scalar?.value])).to.deep.equal([
      ['eng/web', 0.5],
      ['eng', 1],
      [undefined, 0.5],
    ]);
    expect(cpus.every((one) => one.allocation_info?.role === 'eng/web')).to.equal(true);
  });

  it('reads reservations in the older form', () => {
    const view = offer('a', { cpus: 0, more: [{ ...scalar('cpus', 2), role: 'web' }] });
    const info = onlyInfo(offersFor([view]).fit(WEB));
    expect(info.resources?.[0]).to.deep.include({ name: 'cpus', role: 'web' });
  });

  it('leaves volumes, other disks and revocable resources alone', () => {
    const more = [
      { ...scalar('cpus', 8), revocable: {} },
      scalar('disk', 100),
      { ...scalar('disk', 999), disk: { source: { type: 'MOUNT' as const } } },
      {
        ...reserved(scalar('disk', 999), 'web'),
        disk: {
          persistence: { id: 'v' },
          volume: { mode: 'RW' as const, container_path: 'v' },
        },
      },
    ];
    const offers = offersFor([offer('a', { cpus: 1, more })]);
    expect(offers.fit({ ...WEB, cpus: 2 }).placed).to.deep.equal([]);
    expect(offers.fit({ ...WEB, diskMiB: 101 }).placed).to.deep.equal([]);
    expect(resourcesOf(onlyInfo(offers.fit({ ...WEB, diskMiB: 100 })))).to.include('disk');
  });

  it('takes revocable resources when they may be, and never both kinds of one name', () => {
    const view = offer('a', { cpus: 1, more: [{ ...scalar('cpus', 1.5), revocable: {} }] });
    const spec: TaskSpec = { ...WEB, revocable: true };
    expect(offersFor([view]).fit({ ...spec, cpus: 2 }).placed).to.deep.equal([]);
    const placement = offersFor([view]).fit(spec, { count: 2 });
    const kinds = infosOf(placement).map(
      ({ resources }) => resources?.find(({ name }) => name === 'cpus')?.revocable !== undefined,
    );
    expect(kinds).to.deep.equal([true, false]);
  });

  it('gives ports: those asked for by number, and any others', () => {
    const spec: TaskSpec = {
      ...WEB,
      ports: [{ name: 'http' }, 80, { name: 'adm-in', protocol: 'udp' }],
    };
    const view = offer('a', {
      ports: [
        [80, 80],
        [31_000, 31_001],
      ],
    });
    const placement = offersFor([view]).fit(spec);
    const info = onlyInfo(placement);
    const [first, second, third] = info.discovery?.ports?.ports ?? [];
    expect(second?.number).to.equal(80);
    expect([first?.number, third?.number]).to.have.members([31_000, 31_001]);
    expect(third).to.include({ name: 'adm-in', protocol: 'udp' });
    expect(variablesOf(info)).to.deep.include({
      PORT: String(first?.number),
      PORT0: String(first?.number),
      PORT1: '80',
      PORTS: [first, second, third].map((port) => port?.number).join(','),
      PORT_HTTP: String(first?.number),
      PORT_ADM_IN: String(third?.number),
      HOST: 'host-a',
      PLATEAU_TASK_NAME: 'web',
    });
    const [left] = offersFor([view]);
    expect(left?.ports(2)).to.deep.equal([80, 31_000]);
  });

  it('gives each port once, and says when there are none left', () => {
    const offers = offersFor([offer('a', { cpus: 64, mem: 9999, ports: [[1, 5]] })]);
    const { placed, unplaced, actions } = offers.fit({ ...WEB, ports: 2 }, { count: 3 });
    expect(placed).to.have.lengthOf(2);
    expect(unplaced[0]?.refusals).to.deep.equal([
      { reason: 'PORTS', detail: '2 of any number', offers: 1 },
    ]);
    const ports = actions
      .flatMap((one) => (one.kind === 'accept' ? one.tasks : []))
      .flatMap((one) => one.ports);
    expect(new Set(ports).size).to.equal(4);
    expect([...viewOf(offer('b', { ports: [[1, 5]] })).ports(9)]).to.deep.equal([1, 2, 3, 4, 5]);
  });

  it('is quick with wide ranges of ports', () => {
    const offers = Array.from({ length: 2_000 }, (_, index) =>
      offer(String(index), { ports: [[1, 2 ** 40]] }),
    );
    const { placed } = offersFor(offers).fit({ ...WEB, ports: 1 }, { count: 100 });
    expect(placed).to.have.lengthOf(100);
  });

  it('makes commands of texts and of lists', () => {
    const spec: TaskSpec = {
      ...WEB,
      command: ['/bin/echo', 'a b'],
      env: { HOST: 'mine' },
      user: 'u',
      uris: ['http://x/y'],
    };
    const info = onlyInfo(offersFor([offer('a')]).fit(spec));
    expect(info.command).to.deep.include({
      shell: false,
      value: '/bin/echo',
      arguments: ['/bin/echo', 'a b'],
      user: 'u',
      uris: [{ value: 'http://x/y' }],
    });
    expect(variablesOf(info)).to.deep.include({ HOST: 'mine' });
    const text = onlyInfo(offersFor([offer('a')]).fit(WEB));
    expect(text.command).to.deep.include({ shell: true, value: 'sleep 1000' });
  });

  it('passes on what else is said of a task', () => {
    const info = onlyInfo(
      offersFor([offer('a')]).fit({
        ...WEB,
        killGrace: '10s',
        maxRunTime: '1m',
        labels: { a: 'b' },
        payload: 'ä',
      }),
    );
    expect(info.kill_policy?.grace_period?.nanoseconds).to.equal(10_000_000_000n);
    expect(info.max_completion_time?.nanoseconds).to.equal(60_000_000_000n);
    expect(info.labels).to.deep.equal({ labels: [{ key: 'a', value: 'b' }] });
    expect(Buffer.from(info.data ?? '', 'base64').toString()).to.equal('ä');
  });

  it('lets adapt have the last word, but not about who and where', () => {
    const adapt = (info: TaskInfo): TaskInfo => ({ ...info, name: 'other' });
    expect(onlyInfo(offersFor([offer('a')]).fit({ ...WEB, adapt })).name).to.equal('other');
    const renamed = (info: TaskInfo): TaskInfo => ({ ...info, task_id: { value: 'x' } });
    expect(() => offersFor([offer('a')]).fit({ ...WEB, adapt: renamed })).to.throw(
      /'adapt'.*task_id/,
    );
  });

  it('counts an executor once for each agent, and not where it is already', () => {
    const executor = {
      executor_id: { value: 'e' },
      command: { value: 'run' },
      resources: [scalar('cpus', 1), portRange([31_000, 31_000])],
    };
    const spec: TaskSpec = { name: 'web', cpus: 1, memMiB: 1, ports: 1, executor };
    const room = { cpus: 3, ports: [[31_000, 31_003]] as const };
    const fresh = offersFor([offer('a', room)]).fit(spec, { count: 4 });
    expect(fresh.placed).to.have.lengthOf(2);
    const ports = infosOf(fresh).flatMap(({ discovery }) => discovery?.ports?.ports ?? []);
    expect(ports.map(({ number }) => number)).to.not.include(31_000);
    const known = offersFor([offer('a', { ...room, executors: ['e'] })]).fit(spec, { count: 4 });
    expect(known.placed).to.have.lengthOf(3);
    const tight = offersFor([offer('a', { cpus: 1.5 })]).fit(spec);
    expect(tight.placed).to.deep.equal([]);
    const none = offersFor([offer('a', { cpus: 0.5 })]).fit(spec);
    expect(none.unplaced[0]?.refusals[0]?.detail).to.equal("for executor 'e'");
  });

  it('keeps offers free of agents that leave soon, or before the task could end', () => {
    const at = (fromMs: number, durationMs?: number) =>
      offersFor([
        offer('a', {
          unavailable: {
            fromMs: NOW_MS + fromMs,
            ...(durationMs === undefined ? {} : { durationMs }),
          },
        }),
      ]);
    expect(at(60_000).fit(WEB).unplaced[0]?.refusals[0]?.reason).to.equal('UNAVAILABLE');
    expect(at(3_600_000).fit(WEB).placed).to.have.lengthOf(1);
    expect(at(3_600_000).fit(WEB, { beforeMaintenance: '2h' }).placed).to.have.lengthOf(0);
    expect(at(60_000).fit({ ...WEB, maxRunTime: '30s' }).placed).to.have.lengthOf(1);
    expect(at(3_600_000).fit({ ...WEB, maxRunTime: '2h' }).placed).to.have.lengthOf(0);
    expect(at(-60_000, 30_000).fit(WEB).placed, 'it is over').to.have.lengthOf(1);
  });

  it('tells why nothing was placed, and who lacked least', () => {
    const offers = offersFor([
      offer('a', { cpus: 0.5 }),
      offer('b', { cpus: 0.75 }),
      offer('c', { role: 'db' }),
      offer('d', { mem: 64 }),
    ]);
    const { unplaced, actions } = offers.fit({ ...WEB, role: 'web' }, { count: 2 });
    expect(unplaced).to.have.lengthOf(1);
    expect(unplaced[0]?.count).to.equal(2);
    expect(unplaced[0]?.refusals).to.deep.equal([
      {
        reason: 'RESOURCE',
        detail: 'cpus',
        offers: 2,
        nearest: { hostname: 'host-b', wanted: 1, left: 0.75 },
      },
      { reason: 'ROLE', detail: 'web', offers: 1 },
      {
        reason: 'RESOURCE',
        detail: 'mem',
        offers: 1,
        nearest: { hostname: 'host-d', wanted: 128, left: 64 },
      },
    ]);
    expect(actions).to.deep.equal([
      {
        kind: 'want',
        replaces: 'all',
        wants: [{ name: 'web', count: 2, cpus: 1, memMiB: 128, role: 'web' }],
      },
    ]);
    expect(offersFor([]).fit(WEB).unplaced[0]?.refusals[0]?.reason).to.equal('NO_OFFERS');
  });

  it('bounds the reasons it keeps', () => {
    const specs = Array.from({ length: 1_500 }, (_, index) => ({ ...WEB, cpus: 100 + index }));
    const { unplaced } = offersFor([offer('a')]).fit(specs);
    expect(unplaced).to.have.lengthOf(1_000);
    expect(unplaced.reduce((sum, { count }) => sum + count, 0)).to.equal(1_500);
  });

  it('places no more than the limit, and wants the rest', () => {
    const { placed, unplaced } = offersFor([offer('a')]).fit(WEB, { count: 3, limit: 1 });
    expect(placed).to.have.lengthOf(1);
    expect(unplaced[0]).to.deep.include({ count: 2 });
    expect(unplaced[0]?.refusals[0]?.reason).to.equal('LIMIT');
  });

  it('refuses what task() refuses', () => {
    expect(() => offersFor([offer('a')]).fit({ ...WEB, cpus: -1 })).to.throw(/'cpus' is -1/);
    expect(() => offersFor([offer('a')]).fit(WEB, { count: 1.5 })).to.throw(/'count' is 1.5/);
  });
});

describe('Fitness', () => {
  const four = [
    offer('a', { cpus: 4 }),
    offer('b', { cpus: 2 }),
    offer('c', { cpus: 3 }),
    offer('d', { cpus: 8 }),
  ];

  it('packs the fullest agent that has room', () => {
    expect(hostsOf(offersFor(four).fit(WEB, { count: 3 }))).to.deep.equal([
      'host-b',
      'host-b',
      'host-c',
    ]);
  });

  it('spreads over agents, those without a task of the name and with most room first', () => {
    const tasks = [record({ id: 't', agentId: 'agent-d' })];
    const placement = offersFor(four, { tasks }).fit(WEB, { count: 5, fitness: spreadFitness });
    expect(hostsOf(placement)).to.deep.equal(['host-a', 'host-c', 'host-b', 'host-d', 'host-a']);
  });

  it('stays in [0, 1], alone and mixed', () => {
    const fitness = mixFitness([packFitness, 3], [spreadFitness, 1]);
    const { placed } = offersFor(four).fit(WEB, { count: 10, fitness });
    expect(placed).to.have.lengthOf(10);
    for (const one of placed) expect(one.fitness).to.be.within(0, 1);
  });

  it('asks a fitness of the framework for each task and offer', () => {
    const keys: string[] = [];
    const specs = ['a', 'b'].map((key) => ({ ...WEB, key }));
    offersFor(four).fit(specs, { fitness: (spec) => (keys.push(spec.key ?? ''), 0.5) });
    expect(keys.toSorted().join('')).to.equal('aaaabbbb');
  });

  it('judges a local fitness once, and again where something was placed', () => {
    let calls = 0;
    const fitness = localFitness((_spec, view) => (calls++, view.hostname === 'host-d' ? 1 : 0.1));
    offersFor(four).fit(WEB, { count: 4, fitness, goodEnough: 1 });
    expect(calls).to.be.at.most(4 + 3);
  });

  it('stops at an offer that is good enough', () => {
    let calls = 0;
    offersFor(four).fit(WEB, { fitness: () => (calls++, 0.6), goodEnough: 0.5 });
    expect(calls).to.equal(1);
  });

  it('refuses a fitness that is NaN', () => {
    expect(() => offersFor(four).fit(WEB, { fitness: () => Number.NaN })).to.throw(
      /'web' on host-. is NaN/,
    );
  });
});

describe('match', () => {
  it('says in one sentence what fit does', () => {
    const build = () => offersFor(['a', 'b', 'c'].map((name) => offer(name)));
    const short = match(WEB)
      .on(build())
      .where((view) => view.hostname !== 'host-a')
      .where((view) => view.hostname !== 'host-b')
      .prefer(spreadFitness)
      .place(2);
    expect(hostsOf(short)).to.deep.equal(['host-c', 'host-c']);
    const where = (view: { readonly hostname: string }): boolean => view.hostname === 'host-c';
    const long = build().fit(WEB, { where, fitness: spreadFitness, count: 2 });
    expect(short.actions).to.deep.equal(long.actions);
    const none = match(WEB)
      .on(build())
      .where(() => false)
      .limit(3)
      .goodEnough(0.5)
      .beforeMaintenance('1h')
      .place();
    expect(none.unplaced[0]?.refusals).to.deep.equal([
      { reason: 'PREDICATE', detail: '', offers: 3 },
    ]);
  });
});
