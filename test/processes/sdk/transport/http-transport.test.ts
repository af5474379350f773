/** The transport of the SDK against a real master, over its death as well. */
import { execFile } from 'node:child_process';
import { userInfo } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import type {
  FrameworkID,
  Offer,
  SchedulerCall,
  SchedulerEvent,
  TaskState,
} from '../../../../core/api/index.js';
import { PlateauError, at, systemWorld } from '../../../../core/base/index.js';
import { OfferRemainder } from '../../../../core/client/index.js';
import type { Session } from '../../../../sdk/runtime/index.js';
import { HttpTransport } from '../../../../sdk/transport/index.js';
import { TestCluster } from '../../agent/cluster.js';
import { SMALL, eventually, taskInfo } from '../../agent/scheduler.js';

const PROGRAM = fileURLToPath(new URL('program.js', import.meta.url));
const run = promisify(execFile);

/** A framework by hand: one session at a time, opened by the test. */
class Framework {
  readonly transport: HttpTransport;
  readonly events: SchedulerEvent[] = [];
  /** Of updates that were told and acknowledged. */
  readonly states: TaskState[] = [];
  id: FrameworkID | undefined;
  session: Session | undefined;
  end: Error | undefined;

  constructor(masters: string) {
    this.transport = new HttpTransport({ world: systemWorld(), masters });
  }

  /** Subscribes, again if it was; as often as it takes. */
  async subscribe(): Promise<void> {
    const before = this.events.length;
    await eventually('the framework is subscribed', async () => {
      if (this.session === undefined) this.#open();
      return this.events.slice(before).some(({ subscribed }) => subscribed !== undefined);
    });
  }

  async call(call: SchedulerCall): Promise<void> {
    await this.session?.call({ ...call, framework_id: this.id });
  }

  get offers(): readonly Offer[] {
    return this.events.flatMap(({ offers }) => offers?.offers ?? []);
  }

  #open(): void {
    const framework_info = {
      user: userInfo().username,
      name: 'transport tests',
      roles: ['tests'],
      failover_timeout: 600,
      checkpoint: true,
      capabilities: [{ type: 'MULTI_ROLE' as const }, { type: 'PARTITION_AWARE' as const }],
      id: this.id,
    };
    this.session = this.transport.open(
      { type: 'SUBSCRIBE', framework_id: this.id, subscribe: { framework_info } },
      {
        onEvent: (event) => this.#take(event),
        onEnd: (error) => {
          this.end = error;
          this.session = undefined;
        },
      },
    );
  }

  async #take(event: SchedulerEvent): Promise<void> {
    this.events.push(event);
    this.id ??= event.subscribed?.framework_id;
    if (event.update === undefined) return;
    const { uuid, agent_id, task_id, state } = event.update.status;
    if (uuid !== undefined && agent_id !== undefined) {
      await this.call({ type: 'ACKNOWLEDGE', acknowledge: { agent_id, task_id, uuid } });
    }
    this.states.push(state);
  }
}

describe('HttpTransport with a real master', function () {
  this.timeout(30_000);
  let cluster: TestCluster;

  before(async () => {
    cluster = await TestCluster.start();
  });

  after(async () => {
    expect(await cluster.stop(), 'processes left behind').to.deep.equal([]);
  });

  it('runs a task to its end, and comes back after the death of the master', async () => {
    const framework = new Framework(cluster.master.url);
    await framework.subscribe();
    await eventually('an offer', () => framework.offers.length > 0);
    const offer = at(framework.offers, 0);
    const resources = new OfferRemainder(offer).take(SMALL);
    const task = taskInfo(offer, { id: 'sleeper', command: { value: 'sleep 600' } }, resources);
    const operations = [{ type: 'LAUNCH' as const, launch: { task_infos: [task] } }];
    await framework.call({ type: 'ACCEPT', accept: { offer_ids: [offer.id], operations } });
    await eventually('the task runs', () => framework.states.includes('TASK_RUNNING'));

    await cluster.master.end('SIGKILL');
    await eventually('the session has ended', () => framework.end !== undefined);
    expect(framework.end).to.be.instanceOf(PlateauError);
    expect(framework.end).to.include({ code: 'STREAM_ENDED', retriable: true });
    await cluster.master.start();
    await framework.subscribe();
    await cluster.untilRegistered();
    await framework.call({ type: 'KILL', kill: { task_id: { value: 'sleeper' } } });
    await eventually('the task is killed', () => framework.states.includes('TASK_KILLED'));
    await framework.call({ type: 'TEARDOWN' });
    await framework.transport.close();
  });

  it('refuses what the master refuses, with its reason', async () => {
    const framework = new Framework(cluster.master.url);
    await framework.subscribe();
    let refusal: unknown;
    await framework.call({ type: 'DECLINE' }).catch((error: unknown) => (refusal = error));
    expect(refusal).to.include({ code: 'CALL_REFUSED', retriable: false });
    expect(String(refusal)).to.include('decline');
    await framework.call({ type: 'TEARDOWN' });
    await framework.transport.close();
  });

  it('leaves nothing behind that keeps a process alive', async () => {
    const { stdout } = await run(process.execPath, [PROGRAM, cluster.master.url]);
    expect(stdout).to.equal('closed\n');
  });
});
