/** What is different about tasks in Docker containers: their networks, checks, grace, and ends by memory. */
import { expect } from 'chai';
import type { ContainerInfoDockerInfo, TaskInfo } from '../../../core/api/index.js';
import { at } from '../../../core/base/index.js';
import { Host, taskInfo } from './host.js';

const ADDRESS = { ip_addresses: [{ protocol: 'IPv4', ip_address: '172.17.0.2' }] } as const;
const SOON = { delay_seconds: 0, interval_seconds: 1 } as const;

function docker(
  network: ContainerInfoDockerInfo['network'],
  others: Partial<TaskInfo> = {},
): TaskInfo {
  const container = { type: 'DOCKER', docker: { image: 'nginx', network } } as const;
  return taskInfo('t', { container, ...others });
}

/** A task that runs, in a container with these networks. */
async function running(
  info: TaskInfo,
  facts: { readonly networkInfos?: readonly object[]; readonly data?: string },
  options: ConstructorParameters<typeof Host>[0] = {},
): Promise<Host> {
  const host = new Host(options);
  host.answer = () => ({ kind: 'connected' });
  host.outcomes.push({ kind: 'started', pid: 0, startTime: '', ...facts });
  await host.start();
  await host.run([info]);
  await host.settle();
  return host;
}

describe('Tasks in Docker containers', () => {
  it('tell the address of their container, and what its engine says, when they run', async () => {
    const host = await running(docker('BRIDGE'), { networkInfos: [ADDRESS], data: 'W10=' });
    expect(host.last('t')).to.include({ state: 'TASK_RUNNING', data: 'W10=' });
    expect(host.last('t').container_status?.network_infos).to.deep.equal([ADDRESS]);
    await host.end('t');
    expect(host.last('t').container_status?.network_infos).to.deep.equal([ADDRESS]);
    expect(host.last('t')).to.not.have.property('data');
  });

  it('keep their address over a restart of the agent', async () => {
    const host = await running(docker('BRIDGE'), { networkInfos: [ADDRESS] });
    await host.restart();
    await host.end('t');
    expect(host.last('t')).to.include({ state: 'TASK_FINISHED' });
    expect(host.last('t').container_status?.network_infos).to.deep.equal([ADDRESS]);
  });

  it('have the address of the agent on the network of the host', async () => {
    const host = await running(docker('HOST'), {});
    expect(host.last('t').container_status?.network_infos).to.deep.equal([
      { ip_addresses: [{ protocol: 'IPv4', ip_address: '127.0.0.1' }] },
    ]);
  });

  it('are probed at their own address', async () => {
    const health_check = { type: 'TCP', tcp: { port: 80 }, ...SOON } as const;
    const check = { type: 'HTTP', http: { port: 81 }, ...SOON } as const;
    const info = docker('BRIDGE', { health_check, check });
    const host = await running(info, { networkInfos: [ADDRESS] });
    const expected = [
      { type: 'TCP', address: '172.17.0.2', port: 80 },
      { type: 'HTTP', scheme: 'http', address: '172.17.0.2', port: 81, path: '/' },
    ];
    expect(host.probes.map(({ spec }) => spec)).to.have.deep.members(expected);
    await host.restart();
    await host.advance(2000);
    expect(host.probes.slice(2).map(({ spec }) => spec)).to.deep.include.members(expected);
  });

  it('cannot be probed where they have none', async () => {
    const health_check = { type: 'TCP', tcp: { port: 80 }, ...SOON } as const;
    const host = await running(docker('NONE', { health_check }), { networkInfos: [] });
    expect(at(host.probes, 0).spec).to.include({ address: '' });
  });

  it('run commands of checks inside, where only their own variables are added', async () => {
    const own = { name: 'OWN', value: 'check' };
    const command = { value: 'look', environment: { variables: [own] } };
    const health_check = { type: 'COMMAND', command, ...SOON } as const;
    const host = await running(docker('HOST', { health_check }), {});
    const { spec } = at(host.probes, 0);
    expect(spec).to.include({
      type: 'COMMAND',
      containerId: at(host.containersOf('t'), 0).spec.containerId,
      user: undefined,
    });
    expect(spec.type === 'COMMAND' && spec.command.environment?.variables).to.deep.equal([own]);
  });

  it('have as long to stop as the agent says, unless their policy says so', async () => {
    for (const [info, graceMs] of [
      [docker('HOST'), 700],
      [docker('HOST', { kill_policy: { grace_period: { nanoseconds: 2_000_000_000n } } }), 2000],
      [taskInfo('t'), 3000],
    ] as const) {
      const host = await running(info, {}, { config: { dockerStopTimeoutMs: 700 } });
      host.stubborn.add('t');
      await host.kill('t');
      await host.advance(10_000);
      const [term, kill] = host.signals.map(({ atMs }) => atMs);
      expect((kill ?? 0) - (term ?? 0)).to.equal(graceMs);
    }
  });

  it('fail by memory when their container did', async () => {
    const host = await running(docker('HOST'), {});
    await host.end('t', { kind: 'exited', code: 137, isOutOfMemory: true });
    expect(host.last('t')).to.include({
      state: 'TASK_FAILED',
      source: 'SOURCE_AGENT',
      reason: 'REASON_CONTAINER_LIMITATION_MEMORY',
    });
    expect(host.last('t').message).to.match(/status 137; .* more memory than it was given$/);
  });

  it('tell the containerizer which ports they were given', async () => {
    const range = [{ begin: 31_000n, end: 31_001n }];
    const resources = [
      ...(taskInfo('t').resources ?? []),
      { name: 'ports', type: 'RANGES', ranges: { range } } as const,
    ];
    const host = await running(docker('BRIDGE', { resources }), { networkInfos: [ADDRESS] });
    expect(at(host.containersOf('t'), 0).spec.ports).to.deep.equal(range);
  });
});
