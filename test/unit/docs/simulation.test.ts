import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import {
  FAULT_KINDS,
  type FaultPlan,
  type SimulatedCluster,
} from '../../../core/simulation/index.js';
import { repositoryFile } from '../../checks/reference.js';

const SIMULATION = new URL('../../../core/simulation/index.js', import.meta.url).href;

describe('The page of the simulated cluster', () => {
  const page = readFileSync(repositoryFile('docs/simulation.md'), 'utf8');

  it('has an example that runs, and converges', async () => {
    const [, program = ''] = /```ts\n([^`]*)```/.exec(page) ?? [];
    const specifier = "'../core/simulation/index.js'";
    expect(program).to.contain(specifier);
    const folder = mkdtempSync(join(tmpdir(), 'plateau-docs-'));
    try {
      const file = join(folder, 'example.mjs');
      const exported = program.replace(specifier, JSON.stringify(SIMULATION));
      writeFileSync(file, `${exported}\nexport { cluster, faults, plan };\n`);
      const { cluster, faults, plan } = (await import(pathToFileURL(file).href)) as {
        readonly cluster: SimulatedCluster;
        readonly faults: { readonly isHealed: boolean };
        readonly plan: FaultPlan;
      };
      expect(plan).not.to.deep.equal([]);
      expect(faults.isHealed).to.equal(true);
      expect(cluster.schedulers[0]?.isSubscribed).to.equal(true);
      expect(cluster.summary().virtualMs).to.be.greaterThan(1_500_000);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('lists every kind of fault, and no other', () => {
    const rows = [...page.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, kind]) => kind);
    expect(rows).to.have.members(Object.keys(FAULT_KINDS));
  });
});
