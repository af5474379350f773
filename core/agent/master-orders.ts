/** What the master of a registered agent wants done: hands each order to the part that does it. */
import type { LinkMasterMessage } from '../api/index.js';
import { id } from '../base/index.js';
import type { TaskContext } from './task-context.js';
import type { Endings } from './endings.js';
import type { ExecutorApi } from './executor-api.js';
import type { Launches } from './launches.js';

/** Those who do what the master wants. */
export interface OrderParts {
  readonly context: TaskContext;
  readonly launches: Launches;
  readonly endings: Endings;
  readonly executorApi: ExecutorApi;
}

/** Takes one message that is an order; others do nothing. */
export function takeOrder(parts: OrderParts, message: LinkMasterMessage): void {
  const { context, launches, endings } = parts;
  if (message.run_tasks !== undefined) launches.run(message.run_tasks);
  if (message.kill_task !== undefined) endings.killTask(message.kill_task);
  if (message.drain !== undefined) endings.drain(message.drain);
  if (message.acknowledge !== undefined) {
    const { framework_id, task_id, uuid } = message.acknowledge;
    const frameworkId = id<'FrameworkId'>(framework_id.value);
    context.updates.acknowledge(frameworkId, id<'TaskId'>(task_id.value), uuid);
  }
  if (message.shutdown_framework !== undefined) {
    endings.shutdownFramework(id<'FrameworkId'>(message.shutdown_framework.framework_id.value));
  }
  if (message.shutdown_executor !== undefined) endings.shutdownExecutor(message.shutdown_executor);
  if (message.framework_message !== undefined) deliver(parts, message.framework_message);
  if (message.update_framework !== undefined) {
    endings.updateFramework(message.update_framework.framework_info);
  }
  takeResourceOrder(context, message);
}

function takeResourceOrder(
  { checkpointed, operations }: TaskContext,
  message: LinkMasterMessage,
): void {
  if (message.checkpoint_resources !== undefined) {
    checkpointed.apply(message.checkpoint_resources.resources ?? []);
  }
  if (message.apply_operation !== undefined) {
    const { resources = [], ...order } = message.apply_operation;
    checkpointed.apply(resources, order);
  }
  if (message.acknowledge_operation !== undefined) {
    operations.acknowledge(message.acknowledge_operation.status_uuid.value);
  }
}

function deliver(
  { context, executorApi }: OrderParts,
  message: NonNullable<LinkMasterMessage['framework_message']>,
): void {
  const { framework_id, executor_id, data } = message;
  const framework = context.state.frameworks.get(id<'FrameworkId'>(framework_id.value));
  const executor = framework?.executors.get(id<'ExecutorId'>(executor_id.value));
  executorApi.deliverMessage(executor, data);
}
