import { expect } from 'chai';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AllocatorFactory,
  type AllocatorOptions,
  DEFAULT_ALLOCATOR_CONFIG,
} from '../../../core/allocator/index.js';
import { VirtualWorld, id } from '../../../core/base/index.js';
import { loadAllocator } from '../../../core/cli/allocator-module.js';

const NONE: ReadonlyMap<string, string> = new Map();

const OPTIONS: AllocatorOptions = {
  world: new VirtualWorld(),
  config: DEFAULT_ALLOCATOR_CONFIG,
  onAllocations() {},
};

const REQUIRED =
  'recover addFramework updateFramework removeFramework activateFramework deactivateFramework ' +
  'addAgent updateAgent removeAgent activateAgent deactivateAgent addResourceProvider ' +
  'updateWhitelist recoverResources share updateAllocation updateAvailable suppress revive ' +
  'updateWeights updateQuota dispose';

describe('loadAllocator', () => {
  const folder = mkdtempSync(join(tmpdir(), 'plateau-module-'));
  after(() => rmSync(folder, { recursive: true }));

  function write(name: string, source: string): string {
    const file = join(folder, name);
    writeFileSync(file, source);
    return file;
  }

  async function failure(run: () => Promise<unknown>): Promise<{ code: string; message: string }> {
    try {
      await run();
    } catch (error) {
      return error as { code: string; message: string };
    }
    throw new Error('nothing was thrown');
  }

  const load = async (file: string): Promise<AllocatorFactory> => {
    const factory = await loadAllocator(file, new Map([['key', 'value']]));
    if (factory === undefined) throw new Error('the built-in allocator');
    return factory;
  };

  it('knows the allocator that is built in by its names', async () => {
    expect(await loadAllocator('hierarchical', NONE)).to.equal(undefined);
    expect(await loadAllocator('HierarchicalDRF', NONE)).to.equal(undefined);
    const { message } = await failure(() => loadAllocator('hierarchical', new Map([['a', 'b']])));
    expect(message).to.match(/^--allocator_options: .*takes no options/);
  });

  it('completes what a module makes by the calls that it leaves out', async () => {
    const file = write(
      'whole.mjs',
      `export function createAllocator({ parameters, config }) {
         const made = { seen: [], metrics: () => new Map([['interval', config.allocationIntervalMs]]) };
         for (const name of '${REQUIRED}'.split(' ')) {
           made[name] = function () { this.seen.push(name + parameters.get('key')); };
         }
         return made;
       }`,
    );
    const allocator = (await load(file))(OPTIONS);
    allocator.updateWhitelist(undefined);
    expect(allocator).to.have.property('seen').that.deep.equals(['updateWhitelistvalue']);
    expect([...allocator.metrics()]).to.deep.equal([['interval', 1000]]);
    expect([...allocator.inverseOfferStatuses()]).to.deep.equal([]);
    expect(allocator.explain(id<'FrameworkId'>('x'))).to.equal(undefined);
    allocator.updateUnavailability(id<'AgentId'>('x'), undefined);
  });

  it('says what is wrong with a module, and which', async () => {
    const missing = await failure(() => load(join(folder, 'none.mjs')));
    expect(missing).to.include({ code: 'INVALID_FLAG' });
    expect(missing.message).to.match(/^--allocator: module '.*none\.mjs' cannot be loaded: /);
    expect((await failure(() => load(''))).message).to.match(/^--allocator: names no module$/);
    const unknown = await failure(() => load('no-such-package-of-anybody'));
    expect(unknown.message).to.match(/'no-such-package-of-anybody' cannot be loaded/);
    const broken = write('broken.mjs', 'throw new Error("at load");');
    expect((await failure(() => load(broken))).message).to.match(/cannot be loaded: at load/);
    const empty = write('empty.mjs', 'export const other = 1;');
    expect((await failure(() => load(empty))).message).to.match(
      /empty\.mjs' exports no function 'createAllocator'$/,
    );
  });

  it('says what is wrong with what a module makes', async () => {
    const made = async (name: string, body: string): Promise<string> => {
      const file = write(name, `export function createAllocator() { ${body} }`);
      const factory = await load(file);
      const { code, message } = await failure(async () => factory(OPTIONS));
      expect(code).to.equal('INVALID_FLAG');
      expect(message).to.include(name);
      return message;
    };
    expect(await made('throws.mjs', 'throw new Error("no luck")')).to.match(/failed: no luck$/);
    expect(await made('nothing.mjs', '')).to.match(/lacks recover, /);
    expect(await made('promise.mjs', 'return Promise.resolve({})')).to.match(/not a promise/);
    const all = `Object.fromEntries('${REQUIRED}'.split(' ').map((name) => [name, () => {}]))`;
    const partial = `const one = ${all}; delete one.revive; one.share = 1; return one;`;
    expect(await made('partial.mjs', partial)).to.match(/lacks share, revive$/);
  });
});
