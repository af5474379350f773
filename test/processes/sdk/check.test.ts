import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { openStore } from '../../../core/store/index.js';
import { Running, makeFolder, plateau, processesWith, removeFolder } from '../cli/command.js';

const MODULE = fileURLToPath(new URL('./counter-framework.js', import.meta.url));
const NEXT = fileURLToPath(new URL('./next-counter-framework.js', import.meta.url));

describe('plateau framework check', function () {
  this.timeout(60_000);
  let folder: string;
  let store: string;

  beforeEach(() => {
    folder = makeFolder();
    store = `lmdb:${join(folder, 'state')}`;
  });
  afterEach(() => {
    const left = processesWith(folder);
    removeFolder(folder);
    expect(left, 'processes left behind').to.deep.equal([]);
  });

  it('looks at the state of a framework that runs, and tells whether the next version would start', async () => {
    // No master is there: the framework has its state all the same.
    const line = ['framework', 'run', MODULE, `--store=${store}`, '--master=http://127.0.0.1:1'];
    const running = new Running([...line, '--log-format=json']);
    const [, admin = ''] = await running.says(/"address":"(http:[^"]+)\/","msg":"the admin/);
    await running.says(/this copy is active/);
    const put = async (count: number): Promise<void> => {
      const body = JSON.stringify({ count });
      const headers = { 'Content-Type': 'application/json' };
      const response = await fetch(`${admin}/v1/size`, { method: 'PUT', headers, body });
      expect(response.status).to.equal(200);
    };
    try {
      await put(2);
      const same = await plateau(['framework', 'check', MODULE, `--store=${store}`]);
      expect(same.stdout).to.match(/^size +size +1 +1 +1 +0 +0$/m);
      expect(same.stdout).to.match(/the framework would start\n$/);
      expect(same.code).to.equal(0);

      const next = await plateau(['framework', 'check', NEXT, `--store=${store}`, '--json']);
      expect(JSON.parse(next.stdout)).to.deep.include({ isReady: true, problemCount: 0 });
      expect(next.code).to.equal(0);

      await put(13);
      const refused = await plateau(['framework', 'check', NEXT, `--store=${store}`]);
      expect(refused.code).to.equal(1);
      expect(refused.stdout).to.contain(
        "The stored record 'state/size/count' cannot be migrated from version 1: 13 is unlucky.",
      );
      expect(refused.stdout).to.match(/would not start: 1 record cannot be read\n$/);
      // What was only looked at still is of the version that runs.
      await put(3);
    } finally {
      running.child.kill('SIGTERM');
      await running.ended;
    }
    const opened = openStore(store);
    expect((await opened.get('framework/state/size'))?.value).to.equal('1');
    await opened.close();
  });

  it('says so where there is no state, and makes none', async () => {
    const none = await plateau(['framework', 'check', MODULE, `--store=${store}`]);
    expect(none.code).to.equal(1);
    expect(none.stderr).to.contain('there is no store in').and.contain('[STORE_FAILED]');
    const memory = await plateau(['framework', 'check', MODULE, '--store=memory:']);
    expect(memory.code).to.equal(2);
    expect(memory.stderr).to.contain('[INVALID_FLAG]');
  });
});
