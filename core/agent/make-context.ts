/** Makes what the parts of an agent share, and connects it to the way out: the master, and the store. */
import type { LinkAgentMessage } from '../api/index.js';
import type { Timers } from '../base/index.js';
import type { AgentOptions } from './agent-options.js';
import { Checkpoint } from './checkpoint.js';
import { CheckpointedResources } from './checkpointed-resources.js';
import type { AgentContext } from './context.js';
import { SandboxCollector } from './gc.js';
import { AgentMetrics } from './metrics.js';
import { Operations } from './operations.js';
import { TaskReports } from './reports.js';
import type { AgentState } from './state.js';
import { StatusUpdates } from './status-updates.js';
import type { TaskContext } from './task-context.js';

export interface ContextOptions extends AgentOptions {
  readonly timers: Timers;
  readonly state: AgentState;
  /** Hands a message to the master; whether there is one. */
  readonly send: (message: LinkAgentMessage) => boolean;
  /** The checkpoint could not be written. */
  readonly onFailure: (error: unknown) => void;
}

export function makeContext(options: ContextOptions): TaskContext {
  const { world, config, address, containerizer, volumes, sandboxes } = options;
  const { timers, state, send, store, onFailure } = options;
  const checkpoint = new Checkpoint({ store, timers, onFailure });
  const operations = new Operations({
    world,
    config,
    timers,
    checkpoint,
    state,
    send: (operation) => send({ type: 'OPERATION_STATUS', operation_status: { operation } }),
  });
  const context: AgentContext = {
    world,
    config,
    address,
    containerizer,
    timers,
    checkpoint,
    state,
    checkpointed: new CheckpointedResources({
      world,
      config,
      timers,
      checkpoint,
      state,
      volumes,
      operations,
    }),
    operations,
    volumes,
    updates: statusUpdates(options),
    collector: new SandboxCollector({ world, config, sandboxes, checkpoint, timers }),
    metrics: new AgentMetrics(),
    send,
  };
  return { ...context, reports: new TaskReports(context) };
}

function statusUpdates({ world, config, timers, send }: ContextOptions): StatusUpdates {
  return new StatusUpdates({
    timers,
    clock: world.clock,
    config,
    send: ({ frameworkId, status, latestState }) =>
      send({
        type: 'STATUS_UPDATE',
        status_update: {
          framework_id: { value: frameworkId },
          status,
          latest_state: latestState(),
        },
      }),
  });
}
