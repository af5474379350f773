import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import {
  AGENT_CAPABILITIES,
  ENUM_TABLE,
  MASTER_CAPABILITIES,
  MESOS_VERSION,
  PLATEAU_VERSION,
  commandExecutorName,
  encodeJson,
  exitStatusWord,
  frameworkRoles,
  hasCapability,
  isTerminalState,
  makeTaskStatus,
  masterInfo,
  signalStatusWord,
} from '../../../core/api/index.js';
import type { TaskState } from '../../../core/api/index.js';

describe('isTerminalState', () => {
  it('knows the states after which a task may still run', () => {
    const alive = Object.keys(ENUM_TABLE['TaskState'] ?? {}).filter(
      (state) => !isTerminalState(state as TaskState),
    );
    expect(alive.toSorted()).to.deep.equal([
      'TASK_KILLING',
      'TASK_RUNNING',
      'TASK_STAGING',
      'TASK_STARTING',
      'TASK_UNKNOWN',
      'TASK_UNREACHABLE',
    ]);
  });
});

describe('frameworkRoles', () => {
  const info = { user: 'u', name: 'n' };
  it('is the one role without MULTI_ROLE, the default role if none is given', () => {
    expect(frameworkRoles(info)).to.deep.equal(['*']);
    expect(frameworkRoles({ ...info, role: 'web' })).to.deep.equal(['web']);
  });

  it('is the list of roles with MULTI_ROLE, which may be empty', () => {
    const multi = { ...info, capabilities: [{ type: 'MULTI_ROLE' }] } as const;
    expect(hasCapability(multi, 'MULTI_ROLE')).to.equal(true);
    expect(hasCapability(multi, 'PARTITION_AWARE')).to.equal(false);
    expect(frameworkRoles(multi)).to.deep.equal([]);
    expect(frameworkRoles({ ...multi, roles: ['a', 'b'] })).to.deep.equal(['a', 'b']);
  });
});

describe('commandExecutorName', () => {
  it('shows short commands whole and the start of long ones', () => {
    expect(commandExecutorName('t', 'sleep 300')).to.equal(
      "Command Executor (Task: t) (Command: sh -c 'sleep 300')",
    );
    expect(commandExecutorName('t', '123456789012345')).to.include("'123456789012345'");
    expect(commandExecutorName('t', '1234567890123456')).to.include("'123456789012...'");
  });
});

describe('wait status words', () => {
  it('are those of wait(2)', () => {
    expect(exitStatusWord(3)).to.equal(768);
    expect(exitStatusWord(0)).to.equal(0);
    expect(signalStatusWord(9)).to.equal(9);
  });
});

describe('makeTaskStatus', () => {
  it('leaves out what was not given', () => {
    expect(
      makeTaskStatus({ taskId: 't', state: 'TASK_RUNNING', source: 'SOURCE_MASTER' }),
    ).to.deep.equal({
      task_id: { value: 't' },
      state: 'TASK_RUNNING',
      source: 'SOURCE_MASTER',
    });
  });

  it('writes time in seconds', () => {
    const status = makeTaskStatus({
      taskId: 't',
      state: 'TASK_UNREACHABLE',
      source: 'SOURCE_MASTER',
      reason: 'REASON_RECONCILIATION',
      message: 'm',
      agentId: 'a',
      executorId: 'e',
      uuid: 'u',
      timeMs: 1500,
      healthy: false,
      unreachableTimeMs: 1000,
      containerStatus: { executor_pid: 4 },
    });
    expect(status).to.deep.equal({
      task_id: { value: 't' },
      state: 'TASK_UNREACHABLE',
      source: 'SOURCE_MASTER',
      reason: 'REASON_RECONCILIATION',
      message: 'm',
      agent_id: { value: 'a' },
      executor_id: { value: 'e' },
      uuid: 'u',
      timestamp: 1.5,
      healthy: false,
      container_status: { executor_pid: 4 },
      unreachable_time: { nanoseconds: 1_000_000_000n },
    });
  });
});

describe('versions', () => {
  it('match package.json', () => {
    const text = readFileSync('package.json', 'utf8');
    expect((JSON.parse(text) as { version: string }).version).to.equal(PLATEAU_VERSION);
    expect(MESOS_VERSION).to.match(/^\d+\.\d+\.\d+$/);
  });
});

describe('masterInfo', () => {
  it('has the address as an integer and in words', () => {
    const info = masterInfo({ id: 'm', ip: '127.0.0.1', port: 5050, hostname: 'localhost' });
    expect(encodeJson('MasterInfo', info)).to.equal(
      '{"id":"m","ip":16777343,"port":5050,"pid":"master@127.0.0.1:5050","hostname":"localhost","version":"1.11.0",' +
        '"address":{"hostname":"localhost","ip":"127.0.0.1","port":5050},' +
        '"capabilities":[{"type":"AGENT_UPDATE"},{"type":"AGENT_DRAINING"},{"type":"QUOTA_V2"}]}',
    );
    expect(info.capabilities).to.equal(MASTER_CAPABILITIES);
  });

  it('holds every IPv4 address as an unsigned number', () => {
    expect(masterInfo({ id: 'm', ip: '10.0.0.255', port: 1, hostname: 'h' }).ip).to.equal(
      4278190090,
    );
    expect(masterInfo({ id: 'm', ip: '::1', port: 1, hostname: 'h' }).ip).to.equal(0);
  });
});

describe('AGENT_CAPABILITIES', () => {
  it('are known to the schema', () => {
    const known = Object.keys(ENUM_TABLE['AgentInfoCapabilityType'] ?? {});
    expect(known).to.include.members(AGENT_CAPABILITIES.map(({ type }) => type));
  });
});
