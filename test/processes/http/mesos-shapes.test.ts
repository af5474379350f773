/**
 * The pages of a master and an agent beside those that Mesos 1.12 showed of the same: one framework with
 * a reservation, a volume, a task that runs and three that have ended.
 */
import { expect } from 'chai';
import type { Offer, OfferOperation, Resource } from '../../../core/api/index.js';
import { isRecord } from '../../../core/base/index.js';
import { IGNORED_AGENT_FLAGS } from '../../../core/cli/flags/agent.js';
import { IGNORED_MASTER_FLAGS } from '../../../core/cli/flags/master.js';
import { TestCluster } from '../agent/cluster.js';
import { eventually } from '../faults/cluster.js';
import { type TaskWish, type TestScheduler, taskInfo } from '../agent/scheduler.js';
import { AGENT_FLAGS, AGENT_SHAPES, MASTER_FLAGS, MASTER_SHAPES } from './mesos-shapes.js';
import { type Shape, lacking, shapeOf } from './shapes.js';

/** What is not here, and why. */
const ABSENT: ReadonlySet<string> = new Set([
  // Mesos has them only when it was built in a checkout of git: its releases have not.
  'git_sha',
  'git_branch',
  // Questions to the command, not settings.
  'help',
  'version',
  // Shown when it was set: there is a folder of its own for each work directory otherwise.
  'runtime_dir',
]);

const ROLE = 'golden/web';

function amount(name: string, value: number, more: Partial<Resource> = {}): Resource {
  return { name, type: 'SCALAR', scalar: { value }, ...more };
}

const RESERVED: Partial<Resource> = { reservations: [{ type: 'DYNAMIC', role: ROLE }] };
const VOLUME = amount('disk', 256, {
  ...RESERVED,
  disk: { persistence: { id: 'v1' }, volume: { mode: 'RW', container_path: 'data' } },
});

const LONG: Partial<TaskWish> = {
  labels: { labels: [{ key: 'lk', value: 'lv' }] },
  discovery: {
    visibility: 'CLUSTER',
    name: 'long',
    ports: { ports: [{ number: 31005, name: 'http', protocol: 'tcp' }] },
  },
  health_check: {
    type: 'COMMAND',
    delay_seconds: 0,
    interval_seconds: 1,
    timeout_seconds: 20,
    consecutive_failures: 3,
    grace_period_seconds: 10,
    command: { shell: true, value: 'true' },
  },
};

function hasPorts({ resources = [] }: Pick<Offer, 'resources'>): boolean {
  return resources.some(({ name }) => name === 'ports');
}

function hasVolume({ resources = [] }: Pick<Offer, 'resources'>): boolean {
  return resources.some(({ disk }) => disk !== undefined);
}

/** What the page /slaves says that is offered of the one agent. */
function offeredOf(page: unknown): readonly Resource[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a page of the master under test
  const { slaves } = page as { slaves: readonly { offered_resources_full: readonly Resource[] }[] };
  return slaves[0]?.offered_resources_full ?? [];
}

describe('Pages beside those of Mesos', function () {
  this.timeout(60_000);
  let cluster: TestCluster;
  let scheduler: TestScheduler;

  before(async () => {
    cluster = await TestCluster.start({
      masterFlags: ['--cluster=golden', '--hostname=localhost', '--roles=golden/web,prod'],
      agentFlags: [
        '--resources=cpus:8;mem:8192;disk:10000;ports:[31000-32000];cpus(prod):2',
        '--attributes=rack:r1;zone:a',
        '--hostname=localhost',
      ],
    });
    scheduler = await cluster.scheduler({
      framework: {
        name: 'golden',
        roles: [ROLE, 'prod'],
        webui_url: 'http://127.0.0.1:1/',
        labels: { labels: [{ key: 'k', value: 'v' }] },
        capabilities: [
          { type: 'MULTI_ROLE' },
          { type: 'PARTITION_AWARE' },
          { type: 'TASK_KILLING_STATE' },
          { type: 'RESERVATION_REFINEMENT' },
        ],
      },
    });
    const offer = await scheduler.takeOffer(
      (one) => one.allocation_info?.role === ROLE && hasPorts(one),
    );
    await scheduler.accept(offer, operations(offer));
    await scheduler.until('killme', 'TASK_RUNNING');
    await scheduler.kill('killme');
    await scheduler.until('killme', 'TASK_KILLED');
    await scheduler.until('done', 'TASK_FINISHED');
    await scheduler.until('fail', 'TASK_FAILED');
    await scheduler.event('health', ({ update }) => update?.status.healthy);
    // What is left is offered again: the pages show it as offered.
    await eventually('all that is left is offered', async () => {
      const page: unknown = await (await fetch(`${cluster.master.url}/slaves`)).json();
      const resources = offeredOf(page);
      return hasPorts({ resources }) && hasVolume({ resources });
    });
  });

  after(async () => {
    expect(await cluster.stop(), 'processes left behind').to.deep.equal([]);
  });

  function operations(offer: Offer): readonly OfferOperation[] {
    const launch = (id: string, value: string, more: Partial<TaskWish> = {}): OfferOperation => {
      const ports = { range: [{ begin: 31005n, end: 31006n }] };
      const resources = [
        amount('cpus', 0.5),
        amount('mem', 64),
        ...(id === 'long' ? [{ name: 'ports', type: 'RANGES' as const, ranges: ports }] : []),
      ];
      const task = taskInfo(offer, { id, command: { value }, ...more }, resources);
      return { type: 'LAUNCH', launch: { task_infos: [task] } };
    };
    return [
      { type: 'RESERVE', reserve: { resources: [amount('disk', 256, RESERVED)] } },
      { type: 'CREATE', create: { volumes: [VOLUME] } },
      launch('long', 'sleep 1000', LONG),
      launch('done', 'true', { labels: LONG.labels }),
      launch('fail', 'exit 3'),
      launch('killme', 'sleep 1000'),
    ];
  }

  /** What each page lacks, beyond what it may. */
  async function lackingOf(url: string, shapes: Readonly<Record<string, string>>): Promise<object> {
    const found: Record<string, readonly string[]> = {};
    for (const [path, json] of Object.entries(shapes)) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const page: unknown = await (await fetch(url + path)).json();
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written as one
      const wanted = JSON.parse(json) as Shape;
      const absent = lacking(wanted, shapeOf(page)).filter((name) => !ABSENT.has(name));
      if (absent.length > 0) found[path] = absent;
    }
    return found;
  }

  it('have all keys of a master, with values of the same types', async () => {
    expect(await lackingOf(cluster.master.url, MASTER_SHAPES)).to.deep.equal({});
  });

  it('have all keys of an agent, with values of the same types', async () => {
    expect(await lackingOf(cluster.agent.url, AGENT_SHAPES)).to.deep.equal({});
  });

  it('show the flags, but for those that do nothing here', async () => {
    for (const [url, names, ignored] of [
      [cluster.master.url, MASTER_FLAGS, IGNORED_MASTER_FLAGS],
      [cluster.agent.url, AGENT_FLAGS, IGNORED_AGENT_FLAGS],
    ] as const) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const page: unknown = await (await fetch(`${url}/flags`)).json();
      const flags = isRecord(page) ? page['flags'] : undefined;
      const missing = names.filter((name) => !Object.hasOwn(Object(flags), name));
      expect(missing.filter((name) => !ignored.includes(name) && !ABSENT.has(name))).to.deep.equal(
        [],
      );
    }
  });
});
