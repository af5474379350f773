import { expect } from 'chai';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MASTER_FLAGS } from '../../../core/cli/flags/master.js';
import { masterConfig } from '../../../core/cli/master-config.js';
import { Flags } from '../../../core/command/index.js';
import { DEFAULT_ALLOCATOR_CONFIG } from '../../../core/allocator/index.js';
import { DEFAULT_MASTER_CONFIG, type MasterConfig } from '../../../core/master/index.js';

function configOf(given: Readonly<Record<string, string>> = {}): MasterConfig {
  return masterConfig(new Flags(MASTER_FLAGS, new Map(Object.entries(given))));
}

const EUROPE = '{"fault_domain":{"region":{"name":"eu"},"zone":{"name":"rack1"}}}';

describe('masterConfig', () => {
  it('gives the defaults of the master and of its allocator when no flag is given', () => {
    const { flags, ...config } = configOf();
    const { flags: _none, ...defaults } = DEFAULT_MASTER_CONFIG;
    expect(config).to.deep.equal(defaults);
    expect(flags).to.include({ allocator: 'hierarchical', role_sorter: 'drf' });
  });

  it('passes on what the flags say about allocation', () => {
    const { allocator } = configOf({
      allocation_interval: '250ms',
      min_allocatable_resources: 'cpus:2',
      early_reoffer: 'false',
      role_sorter: 'random',
      framework_sorter: 'random',
      fair_sharing_excluded_resource_names: 'gpus, disk',
      filter_gpu_resources: 'false',
      allocator_recovery_timeout: '3mins',
      allocator_agent_recovery_factor: '0.25',
      offer_constraints_re2_max_mem: '1KB',
      offer_constraints_re2_max_program_size: '7',
    });
    expect(allocator).to.deep.equal({
      ...DEFAULT_ALLOCATOR_CONFIG,
      allocationIntervalMs: 250,
      minAllocatable: [new Map([['cpus', 2000]])],
      earlyReoffer: { ...DEFAULT_ALLOCATOR_CONFIG.earlyReoffer, enabled: false },
      roleSorter: 'random',
      frameworkSorter: 'random',
      fairnessExcluded: ['gpus', 'disk'],
      filterGpuResources: false,
      recoveryTimeoutMs: 180_000,
      recoveryAgentFactor: 0.25,
      patternLimits: { maxChars: 1024, maxInstructions: 7 },
    });
  });

  it('reads domains from JSON and from files', () => {
    const folder = mkdtempSync(join(tmpdir(), 'plateau-domain-'));
    try {
      const file = join(folder, 'domain.json');
      writeFileSync(file, EUROPE);
      for (const domain of [EUROPE, file, `file://${file}`]) {
        const config = configOf({ domain, require_agent_domain: 'true' });
        expect(config.domain?.fault_domain?.region.name).to.equal('eu');
        expect(config.requireAgentDomain).to.equal(true);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('reads weights and roles', () => {
    const { weights, roles } = configOf({ weights: 'prod=2, dev=0.5', roles: 'prod, dev' });
    expect([...weights]).to.deep.equal([
      ['prod', 2],
      ['dev', 0.5],
    ]);
    expect(roles).to.deep.equal(['prod', 'dev']);
  });

  it('names the flag whose value is not valid', () => {
    const cases: readonly (readonly [string, string, RegExp])[] = [
      ['min_allocatable_resources', 'cpus', /name:number/],
      ['allocator_agent_recovery_factor', '1.5', /0 to 1/],
      ['domain', '{', /./],
      ['domain', '{}', /region and a zone/],
      ['domain', '/does/not/exist', /ENOENT/],
      ['domain', 'eu', /'eu' is neither JSON nor a file/],
      ['weights', 'prod', /prod/],
      ['weights', 'prod=0', /prod/],
      ['roles', 'a//b', /./],
    ];
    for (const [flag, value, problem] of cases) {
      expect(() => configOf({ [flag]: value }))
        .to.throw(new RegExp(`^--${flag}: `))
        .with.property('code', 'INVALID_FLAG');
      expect(() => configOf({ [flag]: value })).to.throw(problem);
    }
  });
});
