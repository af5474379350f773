import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { SeededIds, SeededRandom } from '../../../core/base/index.js';
import { type Offers, NO_TASKS, type Placement, offersOf } from '../../../sdk/index.js';
import * as decisions from '../../../sdk/decisions/index.js';
import * as matching from '../../../sdk/matching/index.js';
import { formatBound } from '../../checks/bounds.js';
import { repositoryFile } from '../../checks/reference.js';
import { offer } from '../sdk/matching/support.js';
import * as recipes from './matching/recipes.js';

const page = readFileSync(repositoryFile('docs/sdk/matching.md'), 'utf8');

/** Six hosts in three racks; the first has an ssd, the last the data. */
function sixHosts(): Offers {
  const offers = Array.from({ length: 6 }, (_, index) =>
    offer(String(index), {
      zone: `z${index % 2}`,
      attributes: {
        rack: `r${index % 3}`,
        ...(index === 0 ? { disk: 'ssd' } : {}),
        ...(index === 5 ? { dataset: 'logs' } : {}),
      },
    }),
  );
  const random = new SeededRandom('cookbook');
  const world = { clock: { now: () => 0 }, random, ids: new SeededIds(random) };
  return offersOf(offers, { tasks: NO_TASKS, ...world });
}

function valuesOf({ placed }: Placement, field: string): readonly string[] {
  return placed.map(({ view }) => view.attributes[field] ?? '').toSorted();
}

describe('The matching cookbook', () => {
  it('shows recipes that are compiled and run here', () => {
    const source = readFileSync(repositoryFile('test/unit/docs/matching/recipes.ts'), 'utf8');
    const blocks = [...page.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, body = '']) => body);
    const begin = source.indexOf('const web');
    expect(blocks.join('\n')).to.equal(source.slice(begin));
  });

  it('reserves, makes a volume, and runs a task on it', () => {
    const actions = decisions.actionsOf(recipes.database(sixHosts()));
    const operations = actions.flatMap((action) =>
      action.kind === 'accept' ? action.operations.map(({ type }) => type) : [],
    );
    expect(operations).to.deep.equal(['RESERVE', 'CREATE']);
  });

  it('names all reasons and operators', () => {
    for (const [reason, meaning] of Object.entries(matching.REFUSALS)) {
      expect(page).to.include(`| \`${reason}\` | ${meaning} |`);
    }
    for (const operator of ['UNIQUE', 'MAX_PER', 'CLUSTER', 'GROUP_BY', 'LIKE', 'UNLIKE', 'IS']) {
      expect(page).to.match(new RegExp(`^\\| .*\`${operator}\`.*\\|`, 'm'));
    }
  });

  it('keeps, spreads and prefers as it says', () => {
    expect(recipes.threeServers(sixHosts()).placed).to.have.lengthOf(3);
    const hosts = valuesOf(recipes.oneForEachHost(sixHosts()), '@hostname');
    expect(new Set(hosts).size).to.equal(5);
    const racks = valuesOf(recipes.evenOverRacks(sixHosts()), 'rack');
    expect(racks).to.deep.equal(['r0', 'r0', 'r1', 'r1', 'r2', 'r2']);
    const rather = recipes.ratherOnSsd(sixHosts());
    expect(valuesOf(rather, 'disk')).to.deep.equal(['ssd', 'ssd']);
    const near = recipes.mostlyNearData(sixHosts());
    expect(valuesOf(near, 'dataset')).to.deep.equal(['logs', 'logs']);
  });

  it('runs four frames at a time, and says what waits', () => {
    const placement = recipes.tenFrames(sixHosts());
    expect(placement.placed).to.have.lengthOf(4);
    expect(recipes.whyNot(placement)).to.deep.equal(['6 × frame: PARALLEL 4 (0 offers)']);
    const large = sixHosts().fit({ name: 'big', cpus: 64, memMiB: 1, command: 'x' });
    expect(recipes.whyNot(large)).to.deep.equal([
      '1 × big: RESOURCE cpus (6 offers, at most 4 on host-0)',
    ]);
  });

  it('probes the port that was given', () => {
    const [accept] = recipes.probed(sixHosts()).actions;
    if (accept?.kind !== 'accept') throw new Error('expected a launch');
    const [info] = accept.operations[0]?.launch?.task_infos ?? [];
    expect(info?.health_check?.tcp?.port).to.equal(accept.tasks[0]?.ports[0]);
  });
});

describe('The page of limits', () => {
  const limits = readFileSync(repositoryFile('docs/limits.md'), 'utf8');

  for (const [area, module] of Object.entries({ decisions, matching })) {
    it(`lists the bounds of sdk/${area} with their values`, () => {
      const [, rest = ''] = limits.split(`### \`sdk/${area}\``);
      const [section = ''] = rest.split('\n#');
      const listed = [...section.matchAll(/^\| `([A-Z_]+)` \| ([^|]+) \|/gm)].map(
        ([, name = '', value = '']) => [name, value] as const,
      );
      const bounds = Object.entries(module).flatMap(([name, value]: [string, unknown]) =>
        typeof value === 'number' ? [[name, formatBound({ name, value })] as const] : [],
      );
      expect(Object.fromEntries(listed)).to.deep.equal(Object.fromEntries(bounds));
    });
  }
});
