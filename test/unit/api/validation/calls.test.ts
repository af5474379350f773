import { expect } from 'chai';
import {
  type AgentCall,
  ENUM_TABLE,
  type ExecutorCall,
  type MasterCall,
  type SchedulerCall,
  type SchedulerCallType,
  type TaskStatus,
  validateAgentCall,
  validateExecutorCall,
  validateMasterCall,
  validateSchedulerCall,
} from '../../../../core/api/index.js';

const acknowledge = (bytes: string): SchedulerCall => ({
  type: 'ACKNOWLEDGE',
  framework_id: F,
  acknowledge: { agent_id: F, task_id: F, uuid: bytes },
});

const wait = (value: string): AgentCall => ({
  type: 'WAIT_CONTAINER',
  wait_container: { container_id: { value } },
});

const attach = (
  attach_container_input: NonNullable<AgentCall['attach_container_input']>,
): AgentCall => ({
  type: 'ATTACH_CONTAINER_INPUT',
  attach_container_input,
});

const F = { value: 'f' };
const INFO = { user: 'u', name: 'n' };
/** Base64 of 16 bytes, the version nibble as given. */
function uuid(version: number, length = 16): string {
  const bytes = Buffer.alloc(length);
  if (length > 6) bytes[6] = version << 4;
  return bytes.toString('base64');
}

describe('validateSchedulerCall', () => {
  it('wants a type', () => {
    expect(validateSchedulerCall({})).to.match(/'type'/);
    expect(validateSchedulerCall({ framework_id: F })).to.match(/'type'/);
  });

  it('wants framework_id for all calls but SUBSCRIBE', () => {
    for (const type of Object.keys(ENUM_TABLE['SchedulerCallType'] ?? {})) {
      if (type === 'SUBSCRIBE') continue;
      expect(validateSchedulerCall({ type: type as SchedulerCallType }), type).to.match(
        /'framework_id'/,
      );
    }
    expect(
      validateSchedulerCall({ type: 'SUBSCRIBE', subscribe: { framework_info: INFO } }),
    ).to.equal(undefined);
  });

  it('wants the payload that belongs to the type', () => {
    const free = ['UNKNOWN', 'TEARDOWN', 'REVIVE', 'SUPPRESS'];
    for (const type of Object.keys(ENUM_TABLE['SchedulerCallType'] ?? {})) {
      const reason = validateSchedulerCall({ type: type as SchedulerCallType, framework_id: F });
      if (free.includes(type)) expect(reason, type).to.equal(undefined);
      else expect(reason, type).to.include(`'${type.toLowerCase()}'`);
    }
  });

  it('wants the same framework id inside and outside', () => {
    const subscribe = (outer?: string, inner?: string): SchedulerCall => ({
      type: 'SUBSCRIBE',
      ...(outer !== undefined && { framework_id: { value: outer } }),
      subscribe: {
        framework_info: { ...INFO, ...(inner !== undefined && { id: { value: inner } }) },
      },
    });
    expect(validateSchedulerCall(subscribe('f', 'f'))).to.equal(undefined);
    expect(validateSchedulerCall(subscribe(undefined, ''))).to.equal(undefined);
    for (const [outer, inner] of [
      ['f', 'g'],
      ['f', undefined],
      [undefined, 'f'],
    ] as const) {
      expect(validateSchedulerCall(subscribe(outer, inner))).to.equal(
        "'framework_id' differs from 'subscribe.framework_info.id'",
      );
    }
    const update = {
      type: 'UPDATE_FRAMEWORK',
      framework_id: F,
      update_framework: { framework_info: INFO },
    } as const;
    expect(validateSchedulerCall(update)).to.match(/'update_framework.framework_info.id'/);
  });

  it('names both principals when they differ', () => {
    const call: SchedulerCall = {
      type: 'SUBSCRIBE',
      subscribe: { framework_info: { ...INFO, principal: 'alice' } },
    };
    expect(validateSchedulerCall(call, 'bob')).to.match(/'bob'.*'alice'/);
    expect(validateSchedulerCall(call, 'alice')).to.equal(undefined);
    expect(validateSchedulerCall(call)).to.equal(undefined);
  });

  it('takes acknowledgements with UUIDs of version 1 to 5 only', () => {
    for (const version of [1, 2, 3, 4, 5]) {
      expect(validateSchedulerCall(acknowledge(uuid(version)))).to.equal(undefined);
    }
    for (const version of [0, 6, 7, 15]) {
      expect(validateSchedulerCall(acknowledge(uuid(version)))).to.match(/^Not a valid UUID/);
    }
    for (const length of [0, 1, 15, 17, 36]) {
      expect(validateSchedulerCall(acknowledge(uuid(4, length)))).to.match(/^Not a valid UUID/);
    }
  });

  it('wants an agent in acknowledgements of operations', () => {
    const payload = { uuid: uuid(4), operation_id: { value: 'o' } };
    const call = { type: 'ACKNOWLEDGE_OPERATION_STATUS', framework_id: F } as const;
    expect(validateSchedulerCall({ ...call, acknowledge_operation_status: payload })).to.match(
      /'agent_id'/,
    );
    expect(
      validateSchedulerCall({
        ...call,
        acknowledge_operation_status: { ...payload, uuid: uuid(0) },
      }),
    ).to.match(/UUID/);
    expect(
      validateSchedulerCall({ ...call, acknowledge_operation_status: { ...payload, agent_id: F } }),
    ).to.equal(undefined);
  });
});

describe('validateExecutorCall', () => {
  const base = { executor_id: { value: 'e' }, framework_id: F };
  const status: TaskStatus = {
    task_id: F,
    state: 'TASK_RUNNING',
    source: 'SOURCE_EXECUTOR',
    uuid: uuid(4),
  };
  const update = (change: Partial<TaskStatus>): ExecutorCall => ({
    ...base,
    type: 'UPDATE',
    update: { status: { ...status, ...change } },
  });

  it('wants type, payload and proper ids', () => {
    expect(validateExecutorCall(base)).to.match(/'type'/);
    for (const type of ['SUBSCRIBE', 'UPDATE', 'MESSAGE'] as const) {
      expect(validateExecutorCall({ ...base, type })).to.include(`'${type.toLowerCase()}'`);
    }
    expect(validateExecutorCall({ ...base, type: 'HEARTBEAT' })).to.equal(undefined);
    expect(
      validateExecutorCall({ ...base, type: 'HEARTBEAT', executor_id: { value: '../x' } }),
    ).to.match(/'executor_id'/);
  });

  it('judges the status of an update', () => {
    expect(validateExecutorCall(update({}))).to.equal(undefined);
    expect(validateExecutorCall(update({ executor_id: { value: 'e' } }))).to.equal(undefined);
    expect(validateExecutorCall(update({ uuid: undefined }))).to.match(/'update.status.uuid'/);
    expect(validateExecutorCall(update({ uuid: uuid(7) }))).to.match(/^Not a valid UUID/);
    expect(validateExecutorCall(update({ source: 'SOURCE_AGENT' }))).to.match(/SOURCE_EXECUTOR/);
    expect(validateExecutorCall(update({ source: undefined }))).to.match(/SOURCE_EXECUTOR/);
    expect(validateExecutorCall(update({ state: 'TASK_STAGING' }))).to.match(/TASK_STAGING/);
    expect(validateExecutorCall(update({ executor_id: { value: 'x' } }))).to.match(/'e'.*'x'/);
    expect(validateExecutorCall(update({ check_status: { type: 'TCP' } }))).to.match(
      /'check_status.tcp'/,
    );
    expect(validateExecutorCall(update({ check_status: { type: 'TCP', tcp: {} } }))).to.equal(
      undefined,
    );
  });
});

describe('validateMasterCall', () => {
  it('wants a type and the payload that goes with it', () => {
    expect(validateMasterCall({})).to.match(/'type'/);
    expect(validateMasterCall({ type: 'TEARDOWN' })).to.match(/'teardown'/);
    expect(validateMasterCall({ type: 'GET_METRICS' })).to.match(/'get_metrics'/);
    const free: MasterCall['type'][] = ['UNKNOWN', 'GET_STATE', 'SUBSCRIBE', 'GET_QUOTA'];
    for (const type of free) expect(validateMasterCall({ type }), type).to.equal(undefined);
    expect(validateMasterCall({ type: 'GET_METRICS', get_metrics: {} })).to.equal(undefined);
  });
});

describe('validateAgentCall', () => {
  it('wants a type and, except for two calls, the payload', () => {
    expect(validateAgentCall({})).to.match(/'type'/);
    const free: AgentCall['type'][] = ['UNKNOWN', 'GET_STATE', 'GET_CONTAINERS', 'PRUNE_IMAGES'];
    for (const type of free) expect(validateAgentCall({ type }), type).to.equal(undefined);
    expect(validateAgentCall({ type: 'READ_FILE' })).to.match(/'read_file'/);
    expect(validateAgentCall({ type: 'WAIT_CONTAINER' })).to.match(/'wait_container'/);
  });

  it('judges container ids', () => {
    expect(validateAgentCall(wait('a'))).to.equal(undefined);
    for (const value of ['', 'a/b', 'a b', 'a.b', '..', 'x'.repeat(243)]) {
      expect(validateAgentCall(wait(value)), value).to.match(/'wait_container.container_id'/);
    }
  });

  it('wants a parent where containers are nested', () => {
    const nested = { container_id: { value: 'a', parent: { value: 'p' } } };
    const alone = { container_id: { value: 'a' } };
    expect(
      validateAgentCall({ type: 'LAUNCH_NESTED_CONTAINER', launch_nested_container: alone }),
    ).to.match(/container_id.parent'/);
    expect(
      validateAgentCall({ type: 'LAUNCH_NESTED_CONTAINER', launch_nested_container: nested }),
    ).to.equal(undefined);
    expect(
      validateAgentCall({ type: 'KILL_NESTED_CONTAINER', kill_nested_container: alone }),
    ).to.match(/parent/);
    expect(validateAgentCall({ type: 'LAUNCH_CONTAINER', launch_container: alone })).to.equal(
      undefined,
    );
    const bad = { container_id: { value: 'a', parent: { value: 'p/q' } } };
    expect(validateAgentCall({ type: 'LAUNCH_CONTAINER', launch_container: bad })).to.match(
      /slash/,
    );
  });

  it('judges command and container of a launch', () => {
    const launch_container = {
      container_id: { value: 'a' },
      command: { environment: { variables: [{ name: 'A' }] } },
    };
    expect(validateAgentCall({ type: 'LAUNCH_CONTAINER', launch_container })).to.match(
      /'launch_container.command'.*'A'/,
    );
  });

  it('wants attached input to begin with a container or data', () => {
    expect(validateAgentCall(attach({}))).to.match(/'attach_container_input.type'/);
    expect(validateAgentCall(attach({ type: 'CONTAINER_ID' }))).to.match(/container_id'/);
    expect(validateAgentCall(attach({ type: 'PROCESS_IO' }))).to.match(/process_io'/);
    expect(
      validateAgentCall(attach({ type: 'CONTAINER_ID', container_id: { value: 'a' } })),
    ).to.equal(undefined);
  });
});
