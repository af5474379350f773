/** Looks into the sandbox of a task, where it really is on disk. */
import { type Stats, existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { TestCluster } from './cluster.js';
import type { TestScheduler } from './scheduler.js';

export class SandboxReader {
  /** The folder, without links. */
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** The sandbox of a task that has told of its container; `executorId` defaults to the task's id. */
  static of(cluster: TestCluster, scheduler: TestScheduler, taskId: string): SandboxReader {
    const status = scheduler.told(taskId).findLast(({ container_status }) => container_status);
    const agentId = status?.agent_id?.value ?? '';
    const executorId = status?.executor_id?.value ?? taskId;
    const run = status?.container_status?.container_id?.value ?? 'unknown';
    return new SandboxReader(
      join(
        cluster.workDir,
        'slaves',
        agentId,
        'frameworks',
        scheduler.frameworkId,
        'executors',
        executorId,
        'runs',
        run,
      ),
    );
  }

  exists(name: string): boolean {
    return existsSync(join(this.path, name));
  }

  text(name: string): string {
    return readFileSync(join(this.path, name), 'utf8');
  }

  stat(name: string): Stats {
    return statSync(join(this.path, name));
  }

  names(): readonly string[] {
    return readdirSync(this.path).toSorted();
  }
}
