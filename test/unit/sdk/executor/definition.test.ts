import { expect } from 'chai';
import { PlateauError } from '../../../../core/base/index.js';
import {
  DEFAULT_KILL_GRACE_MS,
  Executor,
  type ExecutorContext,
  type ExecutorEventContext,
  type ExecutorTask,
  type KillRequest,
  OnKill,
  OnLaunch,
  OnLaunchGroup,
  OnMessage,
  OnShutdown,
  type TaskGroup,
  readEnvironment,
  readExecutor,
} from '../../../../sdk/executor/index.js';
import { ENVIRONMENT } from './scripted-agent.js';

function faultOf(read: () => unknown): PlateauError {
  try {
    read();
  } catch (error) {
    if (error instanceof PlateauError) return error;
    throw error;
  }
  throw new Error('it was taken');
}

@Executor()
class Plain {
  readonly ran: string[] = [];
  @OnLaunch()
  run(task: ExecutorTask): void {
    this.ran.push(task.id);
  }
  @OnShutdown({ onError: 'skip' })
  end(): void {}
}

describe('readExecutor', () => {
  it('reads the handlers and the defaults, of a class as of an instance', () => {
    for (const executor of [Plain, new Plain()]) {
      const definition = readExecutor(executor);
      expect(definition).to.deep.include({
        name: 'Plain',
        killGraceMs: DEFAULT_KILL_GRACE_MS,
        onStuck: 'exit',
        exitWhenIdleMs: undefined,
      });
      expect([...definition.handlers.keys()]).to.deep.equal(['launch', 'shutdown']);
      expect(definition.handlers.get('launch')).to.deep.include({
        method: 'Plain.run',
        reportRunning: true,
      });
      expect(definition.handlers.get('shutdown')?.onError).to.equal('skip');
    }
  });

  it('reads what a class inherits; its own handlers win', () => {
    @Executor({ killGrace: '1m', exitWhenIdle: 0, onStuck: 'leave' })
    class Derived extends Plain {
      override run(task: ExecutorTask): void {
        this.ran.push(`derived ${task.id}`);
      }
      @OnShutdown()
      leave(): void {}
    }
    const definition = readExecutor(Derived);
    expect(definition).to.deep.include({
      killGraceMs: 60_000,
      exitWhenIdleMs: 0,
      onStuck: 'leave',
    });
    expect(definition.handlers.get('shutdown')?.method).to.equal('Derived.leave');
    const derived = new Derived();
    definition.handlers.get('launch')?.invoke(derived, [{ id: 't' }]);
    expect(derived.ran).to.deep.equal(['derived t']);
    expect(readExecutor(Plain).handlers.get('shutdown')?.method).to.equal('Plain.end');
  });

  it('names what is wrong with a class', () => {
    class Bare {
      run(): void {}
    }
    expect(faultOf(() => readExecutor(Bare))).to.include({ code: 'INVALID_FRAMEWORK' });
    expect(faultOf(() => readExecutor(Bare)).message).to.include('@Executor');

    @Executor()
    class Idle {
      run(): void {}
    }
    expect(faultOf(() => readExecutor(Idle)).message).to.include('@OnLaunch');

    @Executor()
    class Double {
      @OnLaunch()
      one(): void {}
      @OnLaunch()
      two(): void {}
    }
    expect(faultOf(() => readExecutor(Double)).message).to.match(/one.*two.*@OnLaunch/);

    @Executor({ killGrace: 'soon' as never })
    class Vague extends Plain {}
    const vague = faultOf(() => readExecutor(Vague));
    expect(vague).to.include({ code: 'INVALID_DURATION' });
    expect(vague.message).to.include('killGrace');

    @Executor({ onStuck: 'pray' as never })
    class Devout extends Plain {}
    expect(faultOf(() => readExecutor(Devout)).message).to.include('onStuck');
  });
});

describe('The decorators of executors', () => {
  it('refuse handlers of another signature', () => {
    class Wrong {
      @OnLaunch()
      good(_task: ExecutorTask, _context: ExecutorContext): { message: string } {
        return { message: '' };
      }
      @OnLaunchGroup()
      async fine(_group: TaskGroup): Promise<void> {}
      // @ts-expect-error -- a launch handler is given a task
      @OnLaunch()
      event(_request: KillRequest): void {}
      // @ts-expect-error -- it returns no number
      @OnLaunch()
      result(_task: ExecutorTask): number {
        return 0;
      }
      // @ts-expect-error -- of an event, nothing is returned
      @OnKill()
      kill(_request: KillRequest): string {
        return '';
      }
      // @ts-expect-error -- the context comes second
      @OnMessage()
      message(_context: ExecutorEventContext): void {}
      // @ts-expect-error -- not on a field
      @OnShutdown()
      field = '';
      // @ts-expect-error -- not on a static method
      @OnShutdown()
      static shared(): void {}
    }
    expect(Wrong).to.be.a('function');
  });

  it('want the compiler option under which they work', () => {
    const context = { kind: 'method', name: 'run' };
    for (const decorate of [Executor(), OnLaunch(), OnKill()]) {
      const fault = faultOf(() => Reflect.apply(decorate, undefined, [() => undefined, context]));
      expect(fault).to.include({ code: 'INVALID_FRAMEWORK' });
      expect(fault.message).to.include('experimentalDecorators');
    }
  });
});

describe('readEnvironment', () => {
  it('reads what the agent sets', () => {
    expect(
      readEnvironment({ ...ENVIRONMENT, MESOS_EXECUTOR_AUTHENTICATION_TOKEN: 'jwt' }),
    ).to.deep.equal({
      endpoint: '127.0.0.1:5051',
      socketPath: undefined,
      token: 'jwt',
      frameworkId: 'f-1',
      executorId: 'e-1',
      agentId: 'a-1',
      sandbox: '/sandbox',
      isCheckpointed: true,
      recoveryTimeoutMs: 900_000,
      subscriptionBackoffMaxMs: 2000,
      shutdownGraceMs: 5000,
    });
  });

  it('knows the defaults for what may be absent', () => {
    const { MESOS_AGENT_ENDPOINT, MESOS_FRAMEWORK_ID, MESOS_EXECUTOR_ID } = ENVIRONMENT;
    const settings = readEnvironment({
      MESOS_AGENT_ENDPOINT,
      MESOS_FRAMEWORK_ID,
      MESOS_EXECUTOR_ID,
    });
    expect(settings).to.include({
      isCheckpointed: false,
      recoveryTimeoutMs: 900_000,
      subscriptionBackoffMaxMs: 2000,
      shutdownGraceMs: 5000,
      agentId: undefined,
      sandbox: '.',
    });
  });

  it('names a variable that is missing or not well-formed', () => {
    for (const [name, value] of [
      ['MESOS_AGENT_ENDPOINT', undefined],
      ['MESOS_FRAMEWORK_ID', ''],
      ['MESOS_RECOVERY_TIMEOUT', '15m'],
    ] as const) {
      const fault = faultOf(() => readEnvironment({ ...ENVIRONMENT, [name]: value }));
      expect(fault).to.include({ code: 'INVALID_FLAG' });
      expect(fault.message).to.include(name);
    }
  });
});
