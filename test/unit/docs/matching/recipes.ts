/** The recipes of the matching cookbook. Each is on the page as it is here, and run by the test beside it. */
import {
  type Decision,
  type OfferView,
  type Offers,
  type Placement,
  type TaskSpec,
  createVolume,
  hasVolume,
  localFitness,
  match,
  mixFitness,
  packFitness,
  reserve,
  spreadFitness,
  task,
  withVolume,
} from '../../../../sdk/index.js';

const web = task({
  name: 'web',
  cpus: 0.5,
  memMiB: 128,
  ports: [{ name: 'http' }],
  command: 'exec ./serve --port=$PORT_HTTP',
});

export function threeServers(offers: Offers): Placement {
  return offers.keep(3, web, { unreachableFor: '2m' });
}

export function oneForEachHost(offers: Offers): Placement {
  const spec = task({ ...web, constraints: [['@hostname', 'UNIQUE']] });
  return offers.keep(5, spec);
}

export function evenOverRacks(offers: Offers): Placement {
  const spec = task({
    ...web,
    constraints: [
      ['rack', 'GROUP_BY', '3'],
      ['rack', 'UNLIKE', 'r9.*'],
    ],
  });
  return offers.keep(6, spec, { fitness: spreadFitness });
}

export function ratherOnSsd(offers: Offers): Placement {
  const spec = task({
    ...web,
    preferences: [
      { constraint: ['disk', 'IS', 'ssd'], weight: 2 },
      { constraint: ['@zone', 'UNIQUE'] },
    ],
  });
  return offers.keep(2, spec);
}

export function tenFrames(offers: Offers): Placement {
  const frames = Array.from({ length: 10 }, (_, frame) =>
    task({
      name: 'frame',
      key: String(frame),
      cpus: 1,
      memMiB: 64,
      command: 'render $PLATEAU_TASK_KEY',
    }),
  );
  return offers.complete(frames, { again: 'failure', maxAttempts: 3, parallel: 4 });
}

const nearData = localFitness((_spec: TaskSpec, view: OfferView) =>
  view.attributes['dataset'] === 'logs' ? 1 : 0,
);

export function mostlyNearData(offers: Offers): Placement {
  return match(web)
    .on(offers)
    .where((view) => view.cpus >= 1)
    .prefer(mixFitness([nearData, 3], [packFitness, 1]))
    .goodEnough(0.9)
    .place(2);
}

export function probed(offers: Offers): Placement {
  const spec = task({
    ...web,
    adapt: (info) => ({
      ...info,
      health_check: { type: 'TCP', tcp: { port: info.discovery?.ports?.ports?.[0]?.number ?? 0 } },
    }),
  });
  return offers.keep(1, spec);
}

export function database(offers: Offers): Decision {
  const owner = { labels: { of: 'db' } };
  const db = task({ name: 'db', cpus: 1, memMiB: 512, command: './db', adapt: withVolume('data') });
  const hasData = (view: OfferView): boolean => hasVolume(view, 'data');
  const [first] = offers;
  const isNew = offers.tasks.size === 0 && ![...offers].some(hasData);
  if (!isNew || first === undefined) return offers.keep(1, db, { where: hasData });
  return [
    reserve(first, { cpus: 1, memMiB: 512, diskMiB: 1024 }, owner),
    createVolume(first, { ...owner, id: 'data', diskMiB: 1024, containerPath: 'data' }),
  ];
}

export function whyNot({ unplaced }: Placement): string[] {
  return unplaced.flatMap(({ spec, count, refusals }) =>
    refusals.map(({ reason, detail, offers, nearest }) => {
      const most = nearest === undefined ? '' : `, at most ${nearest.left} on ${nearest.hostname}`;
      return `${count} × ${spec.name}: ${reason} ${detail} (${offers} offers${most})`;
    }),
  );
}
