/** The page about `plateau why`: its example is what the command prints, its lists are the code's. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { DECISION_KINDS, WHY_REASONS } from '../../../core/allocator/index.js';
import { isRecord } from '../../../core/base/index.js';
import { explanationLines } from '../../../core/cli/explanation.js';
import { printable } from '../../../core/command/index.js';
import type { FrameworkExplanation } from '../../../core/master/index.js';
import { repositoryFile } from '../../checks/reference.js';
import { AGENT_INFO, FRAMEWORK_INFO, Harness, amounts } from '../master/harness.js';

/**
 * The situation of the example: three agents of which one is in another rack, one was declined, and a
 * task that is too large for the third.
 */
async function example(): Promise<FrameworkExplanation> {
  const harness = await Harness.started();
  const scheduler = await harness.subscribe({ ...FRAMEWORK_INFO, name: 'shop' });
  const agent = async (hostname: string, cpus: number, rack: string): Promise<void> => {
    const attributes = [{ name: 'rack', type: 'TEXT' as const, text: { value: rack } }];
    const port = 5051 + harness.master.cluster.agents.size;
    await harness.register({
      ...AGENT_INFO,
      hostname,
      port,
      resources: amounts(cpus, 8192),
      attributes,
    });
  };
  await agent('node-1', 8, 'r1');
  await agent('node-2', 2, 'r1');
  await agent('node-3', 8, 'r2');
  const ids = scheduler.stream.offers.map(({ id }) => id);
  const decline = { offer_ids: ids, filters: { refuse_seconds: 30 } };
  scheduler.call({ type: 'DECLINE', decline });
  await harness.world.advance(3000);
  const task = { resources: { cpus: 4, mem: 2048 }, constraints: ['rack=r1'] };
  const answer = harness.master.why('shop', { task });
  if (answer === undefined) throw new Error('the framework is not known');
  // Ids begin with that of the master, which is long.
  const text = JSON.stringify(answer).replaceAll(harness.master.info.id, 'm');
  harness.master.stop();
  return JSON.parse(text);
}

/** The names of all members of a value, at any depth; keys of amounts are names of resources. */
function memberNames(value: unknown, names = new Set<string>()): ReadonlySet<string> {
  if (Array.isArray(value)) for (const one of value) memberNames(one, names);
  else if (isRecord(value)) {
    for (const [name, member] of Object.entries(value)) {
      names.add(name);
      if (!['resources', 'held', 'offered', 'refusals'].includes(name)) memberNames(member, names);
    }
  }
  return names;
}

describe('The page about why', () => {
  const page = readFileSync(repositoryFile('docs/why.md'), 'utf8');
  const [, block = ''] = /^```console\n\$ [^\n]*\n([^]*?)^```$/m.exec(page) ?? [];

  it('shows what the command prints', async () => {
    const lines = explanationLines(await example()).map(printable);
    expect(block.trimEnd().split('\n')).to.deep.equal(lines);
  });

  it('has a row for every reason, with its meaning, and no other', () => {
    const rows = [...page.matchAll(/^\| `([A-Z_]+)` \| ([^|]*) \| [^|]+ \|$/gm)];
    const listed = Object.fromEntries(rows.map(([, reason, meaning]) => [reason, meaning]));
    expect(listed).to.deep.equal(WHY_REASONS);
  });

  it('explains every kind of decision and every member of the answer', async () => {
    for (const kind of DECISION_KINDS) expect(page).to.include(`\`${kind}\``);
    const names = [...memberNames(await example())];
    expect(names).to.have.length.greaterThan(40);
    expect(names.filter((name) => !page.includes(`\`${name}\``))).to.deep.equal([]);
  });
});
