import { expect } from 'chai';
import type { QosController, QosCorrection, ResourceUsage } from '../../../core/agent/index.js';
import { MIN_QOS_INTERVAL_MS } from '../../../core/agent/index.js';
import type { ExecutorInfo } from '../../../core/api/index.js';
import { loadQosController } from '../../../core/containers/index.js';
import { FRAMEWORK, Host, TestStream, frameworkInfo, scalar, taskInfo } from './host.js';

function kill(executorId: string, frameworkId = FRAMEWORK): QosCorrection {
  return { kind: 'kill', frameworkId, executorId };
}

/** Answers once with each list, when it is given. */
class Controller implements QosController {
  readonly usages: ResourceUsage[] = [];
  #answer = (_corrections: readonly QosCorrection[]): void => {};

  corrections(usage: ResourceUsage): Promise<readonly QosCorrection[]> {
    this.usages.push(usage);
    return new Promise((resolve) => {
      this.#answer = resolve;
    });
  }

  answer(...corrections: readonly QosCorrection[]): void {
    this.#answer(corrections);
  }
}

async function started(controller: QosController): Promise<Host> {
  const host = new Host();
  host.qosController = controller;
  await host.start();
  return host;
}

describe('A QoS controller', () => {
  it('ends a task at once: it is gone, or lost for frameworks that do not know that', async () => {
    for (const [capabilities, state] of [
      [[{ type: 'PARTITION_AWARE' as const }], 'TASK_GONE'],
      [[], 'TASK_LOST'],
    ] as const) {
      const controller = new Controller();
      // oxlint-disable-next-line no-await-in-loop -- one host after the other
      const host = await started(controller);
      // oxlint-disable-next-line no-await-in-loop
      await host.run([taskInfo('t1'), taskInfo('t2')], { ...frameworkInfo(), capabilities });
      host.stubborn.add('t1');
      controller.answer(kill('t1'), kill('nobody'), kill('t1', 'nobody'));
      // oxlint-disable-next-line no-await-in-loop
      await host.advance(MIN_QOS_INTERVAL_MS);
      const { reason, state: told } = host.last('t1');
      expect({ told, reason }).to.deep.equal({ told: state, reason: 'REASON_CONTAINER_PREEMPTED' });
      expect(host.last('t2').state).to.equal('TASK_RUNNING');
      expect(host.agent.metrics()['slave/executors_preempted']).to.equal(1);
    }
  });

  it('ends an executor with all of its tasks', async () => {
    const controller = new Controller();
    const host = await started(controller);
    const executor: ExecutorInfo = {
      type: 'CUSTOM',
      executor_id: { value: 'e1' },
      framework_id: { value: FRAMEWORK },
      command: { value: 'executor' },
      resources: [scalar('cpus', 0.1)],
    };
    const framework = { ...frameworkInfo(), capabilities: [{ type: 'PARTITION_AWARE' as const }] };
    const tasks = ['t1', 't2'].map((id) => {
      const { command: _command, ...info } = taskInfo(id);
      return { ...info, executor };
    });
    await host.tell({
      type: 'RUN_TASKS',
      run_tasks: { framework_info: framework, executor_info: executor, tasks },
    });
    host.agent.executorSubscribe(
      {
        type: 'SUBSCRIBE',
        executor_id: { value: 'e1' },
        framework_id: { value: FRAMEWORK },
        subscribe: {},
      },
      new TestStream(),
    );
    await host.settle();
    controller.answer(kill('e1'));
    await host.advance(10);
    for (const id of ['t1', 't2']) {
      expect(host.last(id)).to.include({
        state: 'TASK_GONE',
        reason: 'REASON_CONTAINER_PREEMPTED',
      });
    }
    expect(host.messages('EXECUTOR_EXITED')).to.have.length(1);
  });

  it('is asked again after its answer, not before the interval, and after a failure', async () => {
    let count = 0;
    const host = new Host({ config: { qosCorrectionIntervalMinMs: 5000 } });
    host.qosController = {
      corrections: () => {
        count++;
        throw new Error('no idea');
      },
    };
    await host.start();
    expect(count).to.equal(1);
    await host.advance(4999);
    expect(count).to.equal(1);
    await host.advance(1);
    expect(count).to.equal(2);
    const waiting = new Controller();
    const other = await started(waiting);
    await other.advance(60_000);
    expect(waiting.usages, 'it has not answered').to.have.length(1);
  });
});

describe('loadQosController', () => {
  const lent = [{ ...scalar('cpus', 1), revocable: {} }];
  const usage: ResourceUsage = {
    total: [],
    used: [],
    executors: [
      { frameworkId: 'f', executorId: 'lent', taskIds: [], allocated: lent, pids: [] },
      {
        frameworkId: 'f',
        executorId: 'own',
        taskIds: [],
        allocated: [scalar('cpus', 1)],
        pids: [],
      },
    ],
  };

  it('ends all that runs on lent resources above either threshold, and nothing below', () => {
    const both = { fiveMinutes: 8, fifteenMinutes: 4 };
    for (const [load, expected] of [
      [[99, 8, 4], []],
      [[0, 8.1, 0], ['lent']],
      [[0, 0, 4.1], ['lent']],
    ] as const) {
      const corrections = loadQosController(both, () => load).corrections(usage);
      if (corrections instanceof Promise) throw new Error('it knows at once');
      expect(corrections.map(({ executorId }) => executorId)).to.deep.equal(expected);
    }
    const one = loadQosController({ fiveMinutes: 8, fifteenMinutes: undefined }, () => [0, 0, 99]);
    expect(one.corrections(usage)).to.deep.equal([]);
  });
});
