/**
 * A scheduler as users of the npm package `mesos-framework` write one: `MASTER_PORT` is where the master
 * is, `COMMAND` what its tasks run, `INSTANCES` how many there are. Each event is a line of JSON on the
 * output; a line `teardown` on the input ends the framework.
 */
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

interface MesosScheduler {
  readonly frameworkId: string;
  on(event: string, listener: (value: unknown) => void): void;
  subscribe(): void;
  teardown(): void;
}

interface MesosFramework {
  readonly Scheduler: new (options: object) => MesosScheduler;
  readonly Mesos: { getMesos(): { readonly CommandInfo: new (...fields: unknown[]) => object } };
}

const { Scheduler, Mesos } = createRequire(import.meta.url)('mesos-framework') as MesosFramework;
const { CommandInfo } = Mesos.getMesos();
const environment = process.env;

function tell(event: string, value: unknown): void {
  process.stdout.write(`${JSON.stringify({ event, value })}\n`);
}

const scheduler = new Scheduler({
  masterUrl: '127.0.0.1',
  port: environment['MASTER_PORT'],
  frameworkName: 'mesos-framework test',
  logging: { path: process.cwd(), fileName: 'scheduler.log', level: 'error' },
  restartStates: ['TASK_FAILED', 'TASK_LOST', 'TASK_ERROR'],
  tasks: {
    worker: {
      priority: 1,
      instances: Number(environment['INSTANCES']),
      commandInfo: new CommandInfo(null, null, true, environment['COMMAND'], null, null),
      resources: { cpus: 0.1, mem: 32, ports: 1, disk: 0 },
    },
  },
});

for (const event of ['ready', 'subscribed', 'error', 'sent_acknowledge', 'sent_accept']) {
  scheduler.on(event, (value) => tell(event, value instanceof Error ? value.message : value));
}
for (const event of ['update', 'offers', 'heartbeat']) {
  scheduler.on(event, (value) => tell(event, value));
}
scheduler.on('ready', () => scheduler.subscribe());
createInterface({ input: process.stdin }).on('line', () => scheduler.teardown());
