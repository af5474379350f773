/** Apps and instances for tests of decisions. */
import { normaliseApp } from '../../../../frameworks/services/index.js';
import type { App, AppDraft } from '../../../../frameworks/services/index.js';
import type { Instance } from '../../../../frameworks/services/decide/instances.js';
import type { TaskRecord } from '../../../../sdk/index.js';

export const OPTIONS = { roles: ['*'], allowsGpus: false };

/** The draft of an app. @throws Error with the problems. */
export function draft(fields: object = {}): AppDraft {
  const normalised = normaliseApp({ id: '/web', cmd: 'hang', ...fields }, OPTIONS);
  if (normalised.kind === 'good') return normalised.app;
  throw new Error(JSON.stringify(normalised.problems));
}

export function app(fields: object = {}, config = 'c1'): App {
  const versionInfo = { lastScalingAt: config, lastConfigChangeAt: config };
  return { ...draft(fields), version: config, versionInfo };
}

let last = 0;

/** An instance that runs and is well, unless it is told otherwise. */
export function instance(
  task: Partial<TaskRecord> = {},
  data: {
    readonly config?: string;
    readonly checked?: boolean;
    readonly healthySince?: number;
  } = {},
): Instance {
  const id = task.id ?? `web.${String(++last).padStart(6, '0')}`;
  const { config = 'c1', checked = false, healthySince = 0 } = data;
  return {
    task: {
      id,
      name: 'web',
      role: '*',
      agentId: 'S1',
      hostname: 'h1',
      attributes: {},
      cpus: 1,
      memMiB: 1,
      ports: [],
      state: 'RUNNING',
      launchedAt: last,
      updatedAt: 0,
      ...task,
    },
    data: { app: '/web', version: config, config, checked },
    record: { app: '/web', startedAt: 0, healthySince, failures: 0, addresses: [] },
  };
}
