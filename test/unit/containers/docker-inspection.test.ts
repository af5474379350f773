/** What engines say about containers, in the forms of Docker and of Podman. */
import { expect } from 'chai';
import { at } from '../../../core/base/index.js';
import {
  MAX_INSPECTION_BYTES,
  OWNER_LABEL,
  nameOf,
  parseInspections,
} from '../../../core/containers/index.js';

const NEVER = '0001-01-01T00:00:00Z';

function one(container: object): ReturnType<typeof parseInspections>[number] {
  return at(parseInspections(JSON.stringify([container])), 0);
}

describe('Inspections of containers', () => {
  it('are read as Docker writes them', () => {
    const found = one({
      Id: 'f00',
      Name: '/mesos-c1',
      State: {
        Running: false,
        Pid: 0,
        ExitCode: 137,
        OOMKilled: true,
        StartedAt: '2024-05-01T10:00:00.123456789Z',
        FinishedAt: '2024-05-01T10:00:01.5Z',
      },
      Config: { StopSignal: 'SIGQUIT' },
      HostConfig: { NetworkMode: 'bridge' },
      NetworkSettings: { Networks: { bridge: { IPAddress: '172.17.0.2', GlobalIPv6Address: '' } } },
    });
    expect({ ...found, data: undefined }).to.deep.equal({
      id: 'f00',
      name: 'mesos-c1',
      isRunning: false,
      hasStarted: true,
      pid: 0,
      exitCode: 137,
      stopSignal: 'SIGQUIT',
      isOutOfMemory: true,
      finishedAtMs: Date.UTC(2024, 4, 1, 10, 0, 1, 500),
      networkInfos: [{ ip_addresses: [{ protocol: 'IPv4', ip_address: '172.17.0.2' }] }],
      data: undefined,
    });
    expect(Buffer.from(found.data ?? '', 'base64').toString()).to.match(/^\[\{"Id":"f00"/);
  });

  it('tell what was never started from what has ended', () => {
    const state = { Running: false, ExitCode: 127, StartedAt: NEVER, FinishedAt: NEVER };
    const found = one({ Name: 'mesos-c1', State: state });
    expect(found).to.include({ name: 'mesos-c1', hasStarted: false, exitCode: 127 });
    expect(found.finishedAtMs).to.equal(undefined);
  });

  it('know networks that have names, and that of the host', () => {
    const address = { IPAddress: '10.1.0.2', GlobalIPv6Address: 'fd00::2' };
    const own = one({
      HostConfig: { NetworkMode: 'backend' },
      NetworkSettings: { Networks: { backend: address } },
    });
    expect(own.networkInfos).to.deep.equal([
      {
        name: 'backend',
        ip_addresses: [
          { protocol: 'IPv4', ip_address: '10.1.0.2' },
          { protocol: 'IPv6', ip_address: 'fd00::2' },
        ],
      },
    ]);
    expect(one({ HostConfig: { NetworkMode: 'host' } }).networkInfos).to.equal(undefined);
    expect(one({ HostConfig: { NetworkMode: 'none' } }).networkInfos).to.deep.equal([]);
  });

  it('are stopped by what they say, be it a name, a number or nothing of use', () => {
    const signal = (StopSignal: unknown): string => one({ Config: { StopSignal } }).stopSignal;
    expect([
      signal(3),
      signal('SIGRTMIN+3'),
      signal(''),
      signal('--all'),
      signal(undefined),
    ]).to.deep.equal(['3', 'SIGRTMIN+3', 'SIGTERM', 'SIGTERM', 'SIGTERM']);
  });

  it('stay what they are when an engine writes something else', () => {
    expect(parseInspections('{}')).to.deep.equal([]);
    expect(parseInspections('[1, null, "x"]')).to.deep.equal([]);
    expect(one({ State: 'running', NetworkSettings: null })).to.include({
      isRunning: false,
      pid: 0,
    });
    expect(() => parseInspections('Error: nope')).to.throw();
  });

  it('are not passed on when they are too long', () => {
    const found = one({ Name: 'mesos-c1', Config: { Env: ['x'.repeat(MAX_INSPECTION_BYTES)] } });
    expect(found).to.include({ name: 'mesos-c1', data: undefined });
  });

  it('find containers by names that other tools of Mesos know', () => {
    expect(nameOf('6b04')).to.equal('mesos-6b04');
    expect(OWNER_LABEL).to.equal('plateau.agent');
  });
});
