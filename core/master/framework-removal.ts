/** The end of a framework: tasks and executors are ended, and its id is never accepted again. */
import type { AgentId, FrameworkId } from '../base/index.js';
import { recordStatus, removeExecutor, removeTask } from './books.js';
import { type MasterContext, nowSeconds } from './context.js';
import type { Framework } from './framework.js';
import { dropInverseOffers } from './inverse-offers.js';
import { returnOffer } from './offers.js';
import { dropOperations } from './operation-feedback.js';
import { frameworkKey, putFramework } from './registry-records.js';
import type { RegistryChange } from './registry.js';
import { masterStatus } from './status.js';

/**
 * Removes a framework from the books at once; its agents are told to end what it runs as soon as
 * the removal is durable, so that a restarted master knows why those tasks ended.
 */
export function removeFramework(context: MasterContext, framework: Framework): void {
  const { cluster, allocator } = context;
  framework.failover?.dispose();
  framework.heartbeat?.dispose();
  if (framework.stream !== undefined) {
    cluster.streams.delete(framework.stream);
    framework.stream.close();
    framework.stream = undefined;
  }
  for (const offer of framework.offers.values()) returnOffer(context, offer);
  dropInverseOffers(context, framework);
  for (const agent of cluster.agents.values()) agent.inverseAnswersMs.delete(framework.id);
  endTasks(context, framework);
  dropOperations(context, framework);
  allocator.removeFramework(framework.id);
  framework.state = 'removed';
  framework.unregisteredMs = context.world.clock.now();
  cluster.frameworks.delete(framework.id);
  cluster.completedFrameworks.push(framework);
  const agents = [...framework.agentsUsed];
  context.registry.commit(removal(context, framework), () => {
    shutDown(context, framework.id, agents);
  });
  const { id: frameworkId, info } = framework;
  context.notify({ kind: 'framework-removed', frameworkId, info });
}

function endTasks(context: MasterContext, framework: Framework): void {
  for (const task of framework.tasks.values()) {
    const { taskId, agentId, executorId } = task;
    const status = masterStatus(context, {
      taskId,
      agentId,
      executorId,
      state: 'TASK_KILLED',
      reason: 'REASON_FRAMEWORK_REMOVED',
      message: `Framework ${framework.id} was removed`,
    });
    recordStatus(context, task, { status });
    removeTask(context, task);
  }
  for (const executors of framework.executors.values()) {
    for (const executor of executors.values()) removeExecutor(context, executor);
  }
}

/** Remembers the id, and forgets the oldest when there are too many. */
function removal(context: MasterContext, framework: Framework): RegistryChange {
  const { removedFrameworks } = context.cluster;
  removedFrameworks.set(framework.id, { info: framework.info });
  const deletes: string[] = [];
  for (const oldest of removedFrameworks.keys()) {
    if (removedFrameworks.size <= context.config.maxRemovedFrameworks) break;
    removedFrameworks.delete(oldest);
    deletes.push(frameworkKey(oldest));
  }
  const put = putFramework(framework.id, {
    framework_info: framework.info,
    state: 'REMOVED',
    registered_time:
      framework.registeredMs === undefined ? undefined : framework.registeredMs / 1000,
    removed_time: nowSeconds(context),
  });
  return { puts: [put], deletes };
}

function shutDown(
  context: MasterContext,
  frameworkId: FrameworkId,
  agents: readonly AgentId[],
): void {
  for (const agentId of agents) {
    context.cluster.agents.get(agentId)?.connection?.send({
      type: 'SHUTDOWN_FRAMEWORK',
      shutdown_framework: { framework_id: { value: frameworkId } },
    });
  }
}
