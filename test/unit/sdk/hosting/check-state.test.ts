import { expect } from 'chai';
import { MemoryStore } from '../../../../core/store/index.js';
import {
  Framework,
  MemoryRepository,
  OnOffers,
  type Repository,
  Stored,
  type StoredOptions,
  readFramework,
} from '../../../../sdk/framework/index.js';
import { type StateReport, checkState } from '../../../../sdk/hosting/index.js';
import { MAX_TOLD_STATE_PROBLEMS, loadState } from '../../../../sdk/runtime/index.js';

function classWith(options: StoredOptions): object {
  @Framework({ name: 'shop' })
  class Shop {
    @Stored('jobs', options) readonly jobs: Repository<unknown> = new MemoryRepository();
    @OnOffers() place(): void {}
  }
  return Shop;
}

const TASK = {
  name: 'web',
  role: '*',
  agentId: 'A',
  hostname: 'h',
  cpus: 1,
  memMiB: 32,
  launchedAt: 1,
  updatedAt: 1,
  attributes: {},
  ports: [],
};

async function storeOf(records: Readonly<Record<string, unknown>>): Promise<MemoryStore> {
  const store = new MemoryStore();
  const puts = Object.entries(records).map(([key, value]) => ({
    key,
    value: typeof value === 'string' ? value : JSON.stringify(value),
  }));
  await store.transact({ puts });
  return store;
}

/** The report, and whether a start agrees with it. */
async function check(store: MemoryStore, options: StoredOptions): Promise<StateReport> {
  const definition = readFramework(classWith(options));
  const size = store.medium.size;
  const before = await store.list('');
  const report = await checkState(store, definition);
  expect(await store.list('')).to.deep.equal(before);
  expect(store.medium.size).to.equal(size);
  const started = await loadState(store, definition).then(
    () => undefined,
    (error: Error) => error.message,
  );
  expect(started).to.equal(report.problems[0]?.message);
  return report;
}

describe('checkState', () => {
  it('finds nothing in a new store', async () => {
    const report = await check(new MemoryStore(), {});
    expect(report).to.deep.include({ isReady: true, isNew: true, tasks: {}, unclaimed: [] });
    expect(report.stored).to.deep.equal([
      {
        property: 'jobs',
        name: 'jobs',
        version: 1,
        storedVersion: undefined,
        values: 0,
        migrated: 0,
        failed: 0,
      },
    ]);
  });

  it('counts tasks, operations, values and those to migrate', async () => {
    const store = await storeOf({
      'framework/format': '1',
      'framework/id': 'F1',
      'framework/epoch': '2',
      'framework/state/jobs': '1',
      'state/jobs/a': 1,
      'state/jobs/b': 2,
      'tasks/1': { ...TASK, id: '1', state: 'RUNNING' },
      'tasks/2': { ...TASK, id: '2', state: 'FINISHED' },
      'tasks/3': { ...TASK, id: '3', state: 'RUNNING' },
      'operations/O': { id: 'O', type: 'RESERVE', agentId: 'A', since: 1 },
    });
    const report = await check(store, { version: 2, migrations: { 1: (size) => ({ size }) } });
    expect(report).to.deep.include({
      isReady: true,
      isNew: false,
      frameworkId: 'F1',
      registrations: 2,
      tasks: { RUNNING: 2, FINISHED: 1 },
      operations: 1,
      problemCount: 0,
    });
    expect(report.stored[0]).to.include({ version: 2, storedVersion: 1, values: 2, migrated: 2 });
  });

  it('names each record that keeps the framework from starting, and reads on', async () => {
    const store = await storeOf({
      'framework/state/jobs': '1',
      'state/jobs/a': 1,
      'state/jobs/b': '{',
      'state/jobs/c': 'null',
      'state/jobs/d': -1,
      'state/jobs/e': 7,
      'state/jobs/f': 8,
      'tasks/1': '{}',
      'operations/O': '{}',
    });
    const report = await check(store, {
      version: 2,
      migrations: {
        1: (size) => {
          if (size === null) throw new Error('no size');
          if (size === 8) return new Map([['size', 8]]);
          return size === 7 ? undefined : { size };
        },
      },
      check: (value) => {
        if (JSON.stringify([value]).includes('-')) throw new Error('negative');
      },
    });
    expect(report.isReady).to.equal(false);
    expect(report.stored[0]).to.include({ values: 6, migrated: 1, failed: 5 });
    expect(report.problemCount).to.equal(7);
    const problems = report.problems.map(({ key, message }) => `${key}: ${message}`);
    for (const [index, text] of [
      /^state\/jobs\/b: .* is not JSON/,
      /^state\/jobs\/c: .* cannot be migrated from version 1: no size/,
      /^state\/jobs\/d: .* is refused by the check of @Stored\('jobs'\): negative/,
      /^state\/jobs\/e: .* cannot be stored after its migration: it has no JSON form/,
      /^state\/jobs\/f: .* a Map would be something else after a restart/,
      /^tasks\/1: .* is not the record of a task/,
      /^operations\/O: .* is not the record of an operation/,
    ].entries()) {
      expect(problems[index]).to.match(text);
    }
  });

  it('finds values that no store takes after their migration', async () => {
    const store = await storeOf({ 'framework/state/jobs': '1', 'state/jobs/a': 1 });
    const migrations = { 1: () => 'x'.repeat(2_000_000) };
    const { problems } = await check(store, { version: 2, migrations });
    expect(problems[0]?.message).to.contain('cannot be stored after its migration');
    expect(problems[0]?.message).to.contain('at most 1048576 are allowed');
  });

  it('tells a missing migration, a newer version and another format once each', async () => {
    const values = { 'state/jobs/a': 1, 'state/jobs/b': 1 };
    const missing = await storeOf({ 'framework/state/jobs': '1', ...values });
    const report = await check(missing, { version: 3, migrations: { 1: (value) => value } });
    expect(report.problems.map(({ message }) => message)).to.have.length(1);
    expect(report.problems[0]?.message).to.contain('has no migration from it: add');
    expect(report.stored[0]).to.include({ values: 2, migrated: 0, failed: 2 });

    const newer = await storeOf({ 'framework/state/jobs': '5', ...values });
    const { problems, stored } = await check(newer, {});
    expect(problems).to.have.length(1);
    expect(problems[0]?.key).to.equal('framework/state/jobs');
    expect(stored[0]).to.include({ storedVersion: 5, failed: 2 });

    const other = await check(await storeOf({ 'framework/format': '9' }), {});
    expect(other.problems[0]?.message).to.contain('use the version of Plateau that wrote it');
  });

  it('lists so many problems at most, and counts all', async () => {
    const count = MAX_TOLD_STATE_PROBLEMS + 5;
    const records = Array.from({ length: count }, (_, index) => [`state/jobs/${index}`, '{']);
    const report = await check(await storeOf(Object.fromEntries(records)), {});
    expect(report.problems).to.have.length(MAX_TOLD_STATE_PROBLEMS);
    expect(report.problemCount).to.equal(count);
    expect(report.stored[0]?.failed).to.equal(count);
  });

  it('tells what no field has any more, which keeps nothing from starting', async () => {
    const store = await storeOf({
      'framework/state/old': '3',
      'framework/state/empty': '1',
      'state/old/a': 1,
      'state/old/b': '{',
      'state/jobs/a': 1,
    });
    const report = await check(store, {});
    expect(report.isReady).to.equal(true);
    expect(report.unclaimed).to.have.deep.members([
      { name: 'old', values: 2 },
      { name: 'empty', values: 0 },
    ]);
  });
});
