/** The cron scheduler behind its admin interface, without a cluster: runs are batch jobs that nobody places. */
import { systemWorld } from '../../../../core/base/index.js';
import { Cron, CronRoutes, MetronomeApi } from '../../../../frameworks/cron/index.js';
import { AdminRig, type Answer, viewOf } from '../../sdk/admin/rig.js';

export class ApiRig {
  readonly cron = new Cron();
  readonly #admin = new AdminRig({ classes: [CronRoutes, MetronomeApi], title: 'cron' });

  async start(): Promise<this> {
    const { clock, random, ids, log } = systemWorld();
    this.cron.start({
      clock,
      random,
      ids,
      log,
      frameworkId: 'F1',
      connection: 'subscribed',
      tasks: viewOf([]),
      decide: async () => undefined,
      isReconciled: () => true,
    });
    await this.#admin.start(this.cron);
    return this;
  }

  async close(): Promise<void> {
    await this.#admin.server.close();
  }

  ask(method: string, path: string, body?: unknown): Promise<Answer> {
    return this.#admin.ask(method, path, body === undefined ? {} : { body });
  }

  /** Everything that is stored, as text: to see that nothing has changed. */
  get stored(): string {
    const { cronJobs, cursors, runs, tallies, jobs } = this.cron;
    return JSON.stringify([cronJobs, cursors, runs, tallies, jobs].map((each) => each.entries()));
  }
}

export function document(id: string, more: object = {}): Readonly<Record<string, unknown>> {
  return {
    id,
    schedules: [{ cron: '30 2 * * *', timezone: 'Europe/Rome' }],
    run: { template: { command: 'true' } },
    ...more,
  };
}

export { type Answer };
