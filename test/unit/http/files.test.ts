import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { isRecord } from '../../../core/base/index.js';
import { Served } from './support.js';

describe('Files of a server', () => {
  let folder: string;
  let served: Served;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'plateau-files-'));
    mkdirSync(join(folder, 'box/sub'), { recursive: true });
    writeFileSync(join(folder, 'box/stdout'), '0123456789');
    writeFileSync(join(folder, 'box/sub/inner'), 'inner');
    writeFileSync(join(folder, 'secret'), 'SECRET');
    mkdirSync(join(folder, 'outside'));
    writeFileSync(join(folder, 'outside/stdout'), 'SECRET');
    const filesRoots = [
      { name: '/box', path: join(folder, 'box') },
      { name: '/master/log', path: join(folder, 'box/stdout') },
    ];
    served = await new Served({ filesRoots }).listen();
  });

  afterEach(async () => {
    await served.server.close();
    rmSync(folder, { recursive: true });
  });

  async function get(page: string, query: Record<string, string>): Promise<Response> {
    return await fetch(`${served.url}/files/${page}?${new URLSearchParams(query).toString()}`);
  }

  async function read(path: string, query: Record<string, string> = {}): Promise<unknown> {
    const answer = await get('read', { path, offset: '0', ...query });
    expect(answer.status, path).to.equal(200);
    return await answer.json();
  }

  it('reads parts, sizes, and nothing beyond the end', async () => {
    expect(await read('/box/stdout')).to.deep.equal({ data: '0123456789', offset: 0 });
    expect(await read('/box/stdout', { offset: '3', length: '4' })).to.deep.equal({
      data: '3456',
      offset: 3,
    });
    expect(await read('/box/stdout', { offset: '-1' })).to.deep.equal({ data: '', offset: 10 });
    expect(await read('/box/stdout', { offset: '5000' })).to.deep.equal({ data: '', offset: 5000 });
    expect(await read('/master/log')).to.have.property('data', '0123456789');
    expect(await read('/box/sub/inner')).to.have.property('data', 'inner');
  });

  it('returns at most 65,536 bytes of a read', async () => {
    writeFileSync(join(folder, 'box/large'), Buffer.alloc(100_000, 'a'));
    for (const length of ['1000000', '-1']) {
      const part = await read('/box/large', { length });
      expect(isRecord(part) && String(part['data']).length).to.equal(65_536);
    }
  });

  it('lists a folder as ls does', async () => {
    const entries: unknown = await (await get('browse', { path: '/box' })).json();
    expect(entries).to.be.an('array').with.length(2);
    const [stdout, sub] = entries as Record<string, unknown>[];
    expect(stdout).to.include({ path: '/box/stdout', size: 10, nlink: 1 });
    expect(stdout).to.have.property('mode').that.matches(/^-rw/);
    expect(stdout).to.have.keys('gid', 'mode', 'mtime', 'nlink', 'path', 'size', 'uid');
    expect(sub).to.have.property('mode').that.matches(/^drwx/);
  });

  it('downloads a file as an attachment that no browser opens', async () => {
    const answer = await get('download', { path: '/box/stdout' });
    expect(await answer.text()).to.equal('0123456789');
    expect(answer.headers.get('content-disposition')).to.equal('attachment; filename="stdout"');
    expect(answer.headers.get('content-type')).to.equal('application/octet-stream');
    expect(answer.headers.get('x-content-type-options')).to.equal('nosniff');
    writeFileSync(join(folder, 'box/e"\r\nmpty'), '');
    const odd = await get('download', { path: '/box/e"\r\nmpty' });
    expect(odd.status).to.equal(200);
    expect(odd.headers.get('content-disposition')).to.equal('attachment; filename="e___mpty"');
  });

  it('refuses to read or download folders, and knows nothing of what is not there', async () => {
    expect((await get('read', { path: '/box/sub', offset: '0' })).status).to.equal(400);
    expect((await get('download', { path: '/box' })).status).to.equal(400);
    for (const page of ['read', 'download', 'browse']) {
      for (const path of ['/box/nothing', '/box/stdout/x', '/', '/etc/passwd', '/boxes', folder]) {
        expect((await get(page, { path })).status, `${page} ${path}`).to.equal(404);
      }
      expect((await get(page, {})).status).to.equal(400);
    }
  });

  it('refuses paths that leave', async () => {
    const leaving = ['/box/../secret', '/box/..', '../secret', '/box/sub/../../secret', '/box/\0'];
    for (const path of leaving) {
      for (const page of ['read', 'download', 'browse']) {
        expect((await get(page, { path })).status, `${page} ${path}`).to.equal(400);
      }
    }
    const twice = await fetch(`${served.url}/files/read?path=/box/%252e%252e/secret&offset=0`);
    expect(twice.status).to.equal(404);
    const once = await fetch(`${served.url}/files/read?path=/box/%2e%2e/secret&offset=0`);
    expect(once.status).to.equal(400);
  });

  it('refuses offsets and lengths that are no numbers', async () => {
    for (const offset of ['x', '-2', '1.5', '1e9', '99999999999999999999', 'NaN']) {
      expect((await get('read', { path: '/box/stdout', offset })).status, offset).to.equal(400);
    }
  });

  it('follows no link, wherever it leads', async () => {
    symlinkSync(join(folder, 'secret'), join(folder, 'box/link'));
    symlinkSync(folder, join(folder, 'box/up'));
    symlinkSync('stdout', join(folder, 'box/inside'));
    symlinkSync('loop', join(folder, 'box/loop'));
    const paths = ['/box/link', '/box/up/secret', '/box/up/box/stdout', '/box/inside', '/box/loop'];
    for (const path of paths) {
      for (const page of ['read', 'download']) {
        const answer = await get(page, { path, offset: '0' });
        expect(answer.status, `${page} ${path}`).to.be.oneOf([400, 404]);
        expect(await answer.text()).to.not.include('SECRET');
      }
    }
    expect((await get('browse', { path: '/box/up' })).status).to.be.oneOf([400, 404]);
    const listed: unknown = await (await get('browse', { path: '/box' })).json();
    const modes = (listed as { path: string; mode: string }[]).filter(
      ({ mode }) => mode[0] === 'l',
    );
    expect(modes.map(({ path }) => path)).to.include('/box/link');
  });

  it('refuses a FIFO and a device without waiting for them', async () => {
    execFileSync('mkfifo', [join(folder, 'box/fifo')]);
    for (const page of ['read', 'download']) {
      expect((await get(page, { path: '/box/fifo', offset: '0' })).status).to.equal(400);
    }
  });

  it('never reads outside while folder and link are swapped under it', async () => {
    symlinkSync(join(folder, 'outside'), join(folder, 'box/trap'));
    writeFileSync(join(folder, 'box/sub/stdout'), 'harmless');
    const racer = new Worker(
      `const { renameSync } = require('node:fs');
       const { workerData, parentPort } = require('node:worker_threads');
       const [folder, trap, spare] = workerData.paths;
       parentPort.postMessage('ready');
       while (Atomics.load(workerData.stop, 0) === 0) {
         renameSync(folder, spare); renameSync(trap, folder);
         renameSync(folder, trap); renameSync(spare, folder);
       }`,
      { eval: true, workerData: raceData(folder) },
    );
    await new Promise((resolve) => racer.once('message', resolve));
    const counts = new Map<number, number>();
    for (let round = 0; round < 300; round++) {
      const answer = await get('read', { path: '/box/sub/stdout', offset: '0' });
      expect(await answer.text()).to.not.include('SECRET');
      counts.set(answer.status, (counts.get(answer.status) ?? 0) + 1);
    }
    Atomics.store(stop, 0, 1);
    await new Promise((resolve) => racer.once('exit', resolve));
    expect(counts.get(200), 'some reads fall into the harmless moments').to.be.greaterThan(0);
    expect([...counts.keys()].every((status) => [200, 400, 404].includes(status))).to.equal(true);
  });

  const stop = new Int32Array(new SharedArrayBuffer(4));

  function raceData(root: string): { paths: string[]; stop: Int32Array } {
    return { paths: ['sub', 'trap', 'spare'].map((name) => join(root, 'box', name)), stop };
  }

  it('reads through the API: real size beyond the end, 404 for nothing', async () => {
    const url = `${served.url}/api/v1`;
    const headers = { 'Content-Type': 'application/json' };
    const call = async (message: object): Promise<Response> =>
      await fetch(url, { method: 'POST', headers, body: JSON.stringify(message) });
    const readFile = async (path: string, offset: number): Promise<Response> =>
      await call({ type: 'READ_FILE', read_file: { path, offset } });
    expect(await (await readFile('/box/stdout', 8)).json()).to.have.nested.property(
      'read_file.data',
      Buffer.from('89').toString('base64'),
    );
    expect(await (await readFile('/box/stdout', 5000)).json()).to.deep.include({
      read_file: { size: 10, data: '' },
    });
    expect((await readFile('/box/nothing', 0)).status).to.equal(404);
    expect((await readFile('/box/../secret', 0)).status).to.equal(400);
    expect((await readFile('/box', 0)).status).to.equal(400);
    expect((await call({ type: 'LIST_FILES', list_files: { path: '/' } })).status).to.equal(404);
    const listing: unknown = await (
      await call({ type: 'LIST_FILES', list_files: { path: '/box' } })
    ).json();
    expect(listing).to.have.nested.property('list_files.file_infos[0].path', '/box/stdout');
    renameSync(join(folder, 'box/stdout'), join(folder, 'box/stdout.1'));
    expect((await readFile('/box/stdout', 0)).status).to.equal(404);
  });
});
