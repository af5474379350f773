/** What the tasks of the job have left in their sandboxes, as the batch scheduler and the agents tell it. */
import { DEFAULT_MASTERS, findFramework } from '../../../sdk/hosting/index.js';
import { readSandbox } from '../../../sdk/sandbox/index.js';
import { type AttemptView, BatchClient } from '../../batch/index.js';
import { type Environment, RESULT } from './environment.js';

/**
 * A client for the batch scheduler that an environment names.
 * @throws PlateauError `NOT_FOUND` when the master knows none.
 */
export async function batchOf(environment: Environment): Promise<BatchClient> {
  const { PLATEAU_BATCH: batch, PLATEAU_MASTER: masters = DEFAULT_MASTERS } = environment;
  if (batch !== undefined) return new BatchClient(batch);
  return new BatchClient((await findFramework({ name: 'batch', masters })).url);
}

/**
 * The attempts that succeeded, one for each index of a step.
 * @throws Error naming the index that has not succeeded.
 */
export async function succeeded(
  client: BatchClient,
  job: string,
  step: string,
): Promise<readonly AttemptView[]> {
  const { steps } = await client.show(job);
  const { completions = 0 } = steps.find(({ name }) => name === step) ?? {};
  return Promise.all(
    Array.from({ length: completions }, async (_, index) => {
      const { attempts } = await client.index(job, index, step);
      const found = attempts.find(({ end }) => end === 'success');
      if (found !== undefined) return found;
      throw new Error(`index ${index} of step ${step} of job ${job} has not succeeded`);
    }),
  );
}

/** @throws Error when the agent of the task, or the file in its sandbox, is not there. */
export async function readResult({ address, frameworkId, taskId }: AttemptView): Promise<string> {
  if (address === undefined) throw new Error(`the agent of task ${taskId} is not known any more`);
  const parts: Buffer[] = [];
  const where = { address, frameworkId, executorId: taskId, file: RESULT };
  for await (const part of readSandbox(where)) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}
