import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { lstat, readFile, readdir, stat } from 'node:fs/promises';
import { type Server, createServer } from 'node:http';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { CommandInfoURI } from '../../../core/api/index.js';
import { Host } from './support.js';

const isRoot = userInfo().uid === 0;

describe('Fetching into a sandbox', () => {
  let host: Host;
  let server: Server;
  let baseUrl: string;
  let source: string;

  beforeEach(async () => {
    host = await Host.start({ maxFetchBytes: 100_000, fetchStallTimeoutMs: 200 });
    source = join(host.workDir, 'source');
    mkdirSync(source);
    server = createServer((request, response) => {
      if (request.url === '/file?token=hidden') response.end('from afar');
      else if (request.url === '/moved')
        response.writeHead(302, { location: '/file?token=hidden' }).end();
      else if (request.url === '/large') response.end('x'.repeat(200_000));
      else if (request.url === '/stalls') response.write('a little');
      else if (request.url === '/breaks') {
        response.writeHead(200, { 'content-length': '1000' });
        response.write('half', () => response.destroy());
      } else response.writeHead(404).end('nothing here');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    baseUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await host.dispose();
  });

  const file = (name: string, text = 'text\n'): string => {
    const path = join(source, name);
    writeFileSync(path, text, { mode: 0o644 });
    return path;
  };
  const show = (command: string, ...uris: readonly CommandInfoURI[]): Promise<string> =>
    host.output({ value: command, uris });
  const refusal = async (...uris: readonly CommandInfoURI[]): Promise<string> => {
    const outcome = await host.refused({ value: 'true', uris });
    expect(outcome.stage).to.equal('fetch');
    return outcome.message;
  };
  /** Makes an archive of `source/tree` with the system's tar. */
  const archive = (name: string, ...options: readonly string[]): string => {
    const path = join(source, name);
    execFileSync('tar', ['-C', source, ...options, '-cf', path, 'tree']);
    return path;
  };

  it('copies local files, by path and by file URL', async () => {
    const path = file('data', 'one\n');
    expect(await show('cat data', { value: path })).to.equal('one\n');
    expect(await show('cat data', { value: `file://${path}` })).to.equal('one\n');
  });

  it('names the file as asked, in a folder too', async () => {
    const path = file('data', 'two\n');
    expect(await show('cat a/b/c', { value: path, output_file: 'a/b/c' })).to.equal('two\n');
  });

  it('makes executables executable and does not unpack them', async () => {
    const path = file('run.tar', '#!/bin/sh\necho ran\n');
    expect(await show('./run.tar', { value: path, executable: true })).to.equal('ran\n');
  });

  it('downloads, follows redirects, and drops the query from the name', async () => {
    expect(await show('cat file', { value: `${baseUrl}/file?token=hidden` })).to.equal('from afar');
    expect(await show('cat moved', { value: `${baseUrl}/moved` })).to.equal('from afar');
  });

  it('says what is wrong with a download', async () => {
    const missing = await refusal({ value: `${baseUrl}/missing` });
    expect(missing).to.include('/missing').and.include('404');
    expect(await refusal({ value: `${baseUrl}/large` })).to.include('100000');
    expect(await refusal({ value: `${baseUrl}/stalls` })).to.match(/timeout/i);
    expect(await refusal({ value: `${baseUrl}/breaks` })).to.include('/breaks');
    expect(await refusal({ value: 'http://127.0.0.1:1/x' })).to.include('ECONNREFUSED');
  });

  it('keeps passwords and tokens out of its messages', async () => {
    const url = baseUrl.replace('//', '//me:sesame@');
    const message = await refusal({ value: `${url}/missing?token=hidden` });
    expect(message).not.to.include('sesame');
    expect(message).not.to.include('hidden');
  });

  it('refuses what it cannot fetch', async () => {
    expect(await refusal({ value: 'hdfs://host/file' })).to.include('hdfs');
    expect(await refusal({ value: 'ftp://host/file' })).to.include('ftp');
    expect(await refusal({ value: 'some/file' })).to.include('relative');
    expect(await refusal({ value: join(source, 'missing') })).to.include('ENOENT');
    expect(await refusal({ value: source })).to.include('plain file');
    expect(await refusal({ value: file('huge', 'x'.repeat(200_000)) })).to.include('100000');
  });

  it('refuses names that lead out of the sandbox', async () => {
    const path = file('data');
    for (const name of ['../x', 'a/../../x', '/tmp/x', '.', 'a/..']) {
      expect(await refusal({ value: path, output_file: name }), name).to.include('output_file');
    }
    expect(await refusal({ value: 'http://127.0.0.1/' })).to.include('names no file');
  });

  it('unpacks each kind of archive', async () => {
    mkdirSync(join(source, 'tree/deep'), { recursive: true });
    writeFileSync(join(source, 'tree/deep/leaf'), 'leaf\n');
    symlinkSync('deep/leaf', join(source, 'tree/link'));
    const archives = [
      archive('a.tar'),
      archive('a.tgz', '-z'),
      archive('a.tar.gz', '-z'),
      archive('a.tar.bz2', '-j'),
      archive('a.tar.xz', '-J'),
    ];
    for (const path of archives) {
      expect(await show('cat tree/link; ls -A', { value: path }), path).to.include('leaf\n');
    }
    const [plain = ''] = archives;
    expect(await show('ls -A', { value: plain, extract: false })).not.to.include('tree');
    expect(await show('ls -A', { value: plain })).not.to.include('unpacking');
  });

  it('unpacks zip archives', async () => {
    expect(await show('cat z/one', { value: zip([['z/one', 'zipped']]) })).to.equal('zipped');
    const message = await refusal({ value: zip([['../slipped', 'x']]) });
    expect(message).to.include('../slipped');
  });

  it('unpacks archives into one another', async () => {
    mkdirSync(join(source, 'tree'));
    writeFileSync(join(source, 'tree/one'), '1');
    const first = archive('one.tar');
    execFileSync('mv', [join(source, 'tree/one'), join(source, 'tree/two')]);
    const second = archive('two.tar');
    expect(await show('ls tree', { value: first }, { value: second })).to.equal('one\ntwo\n');
  });

  it('refuses archives that lead out of the sandbox, and leaves nothing of them', async () => {
    mkdirSync(join(source, 'tree'));
    writeFileSync(join(source, 'tree/x'), 'slip');
    const slips = [
      archive('dots.tar', '-P', '--transform=s,tree/x,../../slipped,'),
      archive('absolute.tar', '-P', `--transform=s,tree/x,${source}/slipped,`),
    ];
    symlinkSync('/etc/passwd', join(source, 'tree/link'));
    slips.push(archive('link.tar'));
    execFileSync('ln', ['-sfn', '../..', join(source, 'tree/link')]);
    slips.push(archive('upward.tar'));
    execFileSync('rm', [join(source, 'tree/link')]);
    execFileSync('mkfifo', [join(source, 'tree/pipe')]);
    slips.push(archive('pipe.tar'));
    for (const path of slips) {
      const message = await refusal({ value: path });
      expect(message, path).to.match(/out of the sandbox|neither file/);
    }
    expect(await readdir(host.workDir)).not.to.include('slipped');
    expect(await lstat(join(source, 'slipped')).catch(() => undefined)).to.equal(undefined);
    const [run = ''] = await readdir(join(host.workDir, 'executors'));
    const sandbox = join(host.workDir, 'executors', run, 'runs', run);
    expect((await readdir(sandbox)).filter((name) => !name.endsWith('.tar'))).to.deep.equal([]);
  });

  it('refuses a chain of links that leads out', async () => {
    mkdirSync(join(source, 'tree/a/b'), { recursive: true });
    symlinkSync('../..', join(source, 'tree/a/b/up'));
    symlinkSync('a/b/up/../../..', join(source, 'tree/out'));
    expect(await refusal({ value: archive('chain.tar') })).to.include('out of the sandbox');
  });

  it('says that an archive is broken', async () => {
    expect(await refusal({ value: file('bad.tar.gz', 'not an archive') })).to.include('tar');
  });

  it('opens the sandbox when it is full', async () => {
    const { sandbox } = await host.launch({ value: 'true', uris: [{ value: file('data') }] });
    expect((await stat(sandbox)).mode & 0o777).to.equal(0o750);
    expect(await readFile(join(sandbox, 'data'), 'utf8')).to.equal('text\n');
  });

  it(isRoot ? 'gives all files to the user' : 'leaves all files to the agent', async () => {
    if (!isRoot) {
      const text = await show('stat -c %U data', { value: file('data') });
      expect(text.trim()).to.equal(userInfo().username);
      return;
    }
    mkdirSync(join(source, 'tree'));
    writeFileSync(join(source, 'tree/x'), 'x');
    chmodSync(join(source, 'tree/x'), 0o4755);
    chmodSync(host.workDir, 0o755);
    const uris = [
      { value: archive('a.tgz', '-z') },
      { value: file('data') },
      { value: `${baseUrl}/moved`, output_file: 'd/e' },
    ];
    const command = 'stat -c "%U %n" a.tgz tree tree/x data d d/e; stat -c %a tree/x';
    const text = await host.output({ value: command, uris }, { user: 'nobody' });
    expect(text.match(/^nobody /gm)).to.have.length(6);
    expect(text.trim().split('\n').at(-1)).to.equal('755');
  });

  it(isRoot ? 'reads local files as the user' : 'reads what the agent may read', async () => {
    chmodSync(host.workDir, 0o755);
    const path = file('secret', 'for root only');
    chmodSync(path, 0o600);
    if (!isRoot) {
      expect(await show('cat secret', { value: path })).to.equal('for root only');
      return;
    }
    const outcome = await host.refused(
      { value: 'true', uris: [{ value: path }] },
      { user: 'nobody' },
    );
    expect(outcome.stage).to.equal('fetch');
    expect(outcome.message).to.match(/permission denied/i);
  });

  /** A zip archive of stored files, written by hand: `zip` is not everywhere. */
  function zip(entries: readonly (readonly [string, string])[]): string {
    const locals: Buffer[] = [];
    const centrals: Buffer[] = [];
    let offset = 0;
    for (const [name, text] of entries) {
      const fields = Buffer.alloc(26);
      fields.writeUInt16LE(20, 0);
      fields.writeUInt32LE(crc32(Buffer.from(text)), 10);
      fields.writeUInt32LE(text.length, 14);
      fields.writeUInt32LE(text.length, 18);
      fields.writeUInt16LE(name.length, 22);
      const local = Buffer.concat([Buffer.from('PK\x03\x04'), fields, Buffer.from(name + text)]);
      const tail = Buffer.alloc(14);
      tail.writeUInt32LE(offset, 10);
      centrals.push(
        Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), fields, tail, Buffer.from(name)]),
      );
      locals.push(local);
      offset += local.length;
    }
    const central = Buffer.concat(centrals);
    const end = Buffer.alloc(18);
    end.writeUInt16LE(entries.length, 4);
    end.writeUInt16LE(entries.length, 6);
    end.writeUInt32LE(central.length, 8);
    end.writeUInt32LE(offset, 12);
    const path = join(source, 'a.zip');
    writeFileSync(path, Buffer.concat([...locals, central, Buffer.from('PK\x05\x06'), end]));
    return path;
  }
});

function crc32(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
