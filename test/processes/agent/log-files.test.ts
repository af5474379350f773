/** The logs of master and agent as operators read them: from `--log_dir`, or what somebody else writes. */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { TestCluster } from './cluster.js';
import { eventually } from './scheduler.js';

describe('Log files of master and agent', function () {
  this.timeout(30_000);
  let logs: string;
  let external: string;
  let cluster: TestCluster;

  before(async () => {
    logs = mkdtempSync(join(tmpdir(), 'plateau-logs-'));
    external = join(logs, 'journal');
    writeFileSync(external, 'from a journal\n');
    cluster = await TestCluster.start({
      masterFlags: [`--log_dir=${join(logs, 'master')}`],
      agentFlags: [
        `--log_dir=${logs}`,
        '--logging_level=WARNING',
        `--external_log_file=${external}`,
      ],
    });
  });

  after(async () => {
    expect(await cluster.stop()).to.deep.equal([]);
    rmSync(logs, { recursive: true });
  });

  async function get(url: string, page: string, path: string): Promise<Response> {
    return await fetch(
      `${url}/files/${page}?${new URLSearchParams({ path, offset: '0' }).toString()}`,
    );
  }

  it('are named after program and severity, and hold what standard error does', async () => {
    expect(readdirSync(join(logs, 'master'))).to.deep.equal(['plateau-master.INFO']);
    expect(readdirSync(logs)).to.include('plateau-agent.WARNING');
    const text = readFileSync(join(logs, 'master/plateau-master.INFO'), 'utf8');
    expect(text).to.include('"msg":"the master serves"');
    expect(readFileSync(join(cluster.folder, 'master.log'), 'utf8')).to.include(
      'the master serves',
    );
  });

  it('are read, downloaded and named under /master/log', async () => {
    const { url } = cluster.master;
    const read = (await (await get(url, 'read', '/master/log')).json()) as { data: string };
    expect(read.data).to.include('the master serves');
    const whole = await get(url, 'download', '/master/log');
    expect(await whole.text()).to.include('the master serves');
    expect(whole.headers.get('content-disposition')).to.include('filename="log"');
    expect(await (await get(url, 'debug', '')).json()).to.deep.equal({
      '/master/log': join(logs, 'master/plateau-master.INFO'),
    });
    const answer = await cluster.operator.call({
      type: 'READ_FILE',
      read_file: { path: '/master/log', offset: 0n },
    });
    const data = Buffer.from(answer?.read_file?.data ?? '', 'base64').toString('utf8');
    expect(data).to.include('the master serves');
    const flags = (await (await fetch(`${url}/flags`)).json()) as { flags: Record<string, string> };
    expect(flags.flags['log_dir']).to.equal(join(logs, 'master'));
  });

  it('are those of somebody else where a file of theirs is named', async () => {
    const { url } = cluster.agent;
    const read = await (await get(url, 'read', '/slave/log')).json();
    expect(read).to.deep.equal({ data: 'from a journal\n', offset: 0 });
    expect(await (await get(url, 'debug', '')).json()).to.include({ '/slave/log': external });
    expect((await get(cluster.master.url, 'read', '/slave/log')).status).to.equal(404);
  });

  it('go on in the same file after a restart', async () => {
    const path = join(logs, 'master/plateau-master.INFO');
    const before = readFileSync(path, 'utf8');
    await cluster.master.end('SIGTERM');
    await cluster.master.start();
    await cluster.untilRegistered();
    await eventually('both are in it', () => {
      const text = readFileSync(path, 'utf8');
      return text.startsWith(before) && text.split('"msg":"the master serves"').length === 3;
    });
  });
});
