/**
 * The npm package `mesos-framework` against a real cluster: a client from before this master, with a reader
 * of its own that wants each record in one chunk, and lengths that equal the number of characters.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { isRecord } from '../../../core/base/index.js';
import { TestCluster } from '../agent/cluster.js';
import { eventually } from '../faults/cluster.js';

const PROGRAM = fileURLToPath(new URL('./mesos-framework-program.js', import.meta.url));
const LIMIT_MS = 60_000;

interface Told {
  readonly event: string;
  readonly value: unknown;
}

/** A scheduler of the package, in a process of its own. */
class PackageScheduler {
  readonly told: Told[] = [];
  readonly #child: ChildProcess;

  constructor(cluster: TestCluster, command: string, instances: number) {
    this.#child = spawn(process.execPath, ['--no-deprecation', PROGRAM], {
      cwd: cluster.folder,
      stdio: ['pipe', 'pipe', 'ignore'],
      env: {
        ...process.env,
        MASTER_PORT: String(cluster.master.port),
        COMMAND: command,
        INSTANCES: String(instances),
      },
    });
    const { stdout } = this.#child;
    if (stdout === null) throw new Error('the scheduler has no output');
    createInterface({ input: stdout }).on('line', (line) => this.#hear(line));
  }

  /** The values of an event, as far as they have come. */
  valuesOf(event: string): readonly unknown[] {
    return this.told.filter((one) => one.event === event).map(({ value }) => value);
  }

  /** The states that its tasks were told to be in, in order. */
  get states(): readonly string[] {
    return this.valuesOf('update').map((value) => String(statusOf(value)['state']));
  }

  until(what: string, condition: () => boolean): Promise<void> {
    return eventually(() => `${what}; told: ${JSON.stringify(this.told.slice(-5))}`, condition);
  }

  teardown(): void {
    this.#child.stdin?.write('teardown\n');
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await ended;
  }

  /** Its logger writes on the same output. */
  #hear(line: string): void {
    if (line.startsWith('{')) this.told.push(JSON.parse(line) as Told);
  }
}

function statusOf(update: unknown): Readonly<Record<string, unknown>> {
  const status = isRecord(update) ? update['status'] : undefined;
  return isRecord(status) ? status : {};
}

describe('The npm client mesos-framework', function () {
  this.timeout(LIMIT_MS);
  let cluster: TestCluster;
  let scheduler: PackageScheduler | undefined;

  before(async () => {
    cluster = await TestCluster.start();
  });

  afterEach(async () => {
    await scheduler?.end();
    scheduler = undefined;
  });

  after(async () => {
    expect(await cluster.stop(), 'processes that were left').to.deep.equal([]);
  });

  it('subscribes, launches its tasks and acknowledges their updates', async () => {
    const client = new PackageScheduler(cluster, 'exit 0', 2);
    scheduler = client;
    await client.until('both tasks have finished', () => {
      return client.states.filter((state) => state === 'TASK_FINISHED').length === 2;
    });
    const states = client.states.toSorted();
    expect(new Set(states)).to.deep.equal(
      new Set(['TASK_STARTING', 'TASK_RUNNING', 'TASK_FINISHED']),
    );
    expect(states).to.have.length(6);
    expect(client.valuesOf('error')).to.deep.equal([]);
    expect(client.valuesOf('heartbeat')).to.have.length.above(0);
    await eventually('the master holds no task as active', async () => {
      const metrics = await cluster.master.page('/metrics/snapshot');
      return metrics['master/tasks_running'] === 0 && metrics['master/tasks_finished'] === 2;
    });
  });

  it('ends its tasks with TEARDOWN', async () => {
    const client = new PackageScheduler(cluster, 'sleep 300', 1);
    scheduler = client;
    await client.until('the task runs', () => client.states.includes('TASK_RUNNING'));
    const [subscribed] = client.valuesOf('subscribed');
    const id = isRecord(subscribed) ? subscribed['frameworkId'] : undefined;
    client.teardown();
    await eventually('the framework is completed', async () => {
      const { completed_frameworks: completed } = await cluster.master.page('/state');
      return Array.isArray(completed) && completed.some((one) => isRecord(one) && one['id'] === id);
    });
    expect(client.states).to.deep.equal(['TASK_STARTING', 'TASK_RUNNING']);
  });
});
