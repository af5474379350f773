/** A real master in memory behind a real server, with agents and tasks that a test brings about. */
import type { LinkMasterMessage, TaskState } from '../../../core/api/index.js';
import { SILENT_LOGGER, VirtualWorld, id, systemWorld } from '../../../core/base/index.js';
import { type HttpLimits, MasterServer } from '../../../core/http/index.js';
import { Master, type MasterSettings, type SchedulerStream } from '../../../core/master/index.js';
import { MemoryStore } from '../../../core/store/index.js';
import { until } from './support.js';

const STREAM_ID = id<'StreamId'>('s1');

export class ServedCluster {
  /** Of the master alone: the server lives in real time. */
  readonly world = new VirtualWorld();
  readonly master: Master;
  readonly server: MasterServer;
  readonly warnings: string[] = [];
  agentId = '';
  frameworkId = '';
  url = '';
  #offers: string[] = [];
  #updates = 0;
  readonly #connection = {
    peer: '127.0.0.1:40000',
    send: (message: LinkMasterMessage): void => {
      this.agentId = message.registered?.agent_id.value ?? this.agentId;
    },
    close(): void {},
  };

  constructor(config: MasterSettings = {}, limits: Partial<HttpLimits> = {}) {
    const address = { hostname: 'localhost', ip: '127.0.0.1', port: 5050 };
    this.master = new Master({ world: this.world, store: new MemoryStore(), address, config });
    const log = { ...SILENT_LOGGER, warn: (message: string) => void this.warnings.push(message) };
    this.server = new MasterServer({
      world: systemWorld(log),
      log,
      master: this.master,
      host: '127.0.0.1',
      port: 0,
      flags: { cluster: 'Größe\u2028' },
      filesRoots: [],
      limits,
    });
  }

  async start(): Promise<this> {
    await this.master.start();
    this.url = `http://127.0.0.1:${(await this.server.listen()).port}`;
    await this.addAgent();
    return this;
  }

  async stop(): Promise<void> {
    this.master.stop();
    await this.server.close();
  }

  async addAgent(): Promise<void> {
    this.master.agentMessage(this.#connection, {
      type: 'REGISTER',
      register: {
        version: '1.12.0',
        capabilities: [{ type: 'MULTI_ROLE' }],
        agent_info: {
          hostname: 'host-ü',
          port: 5051,
          resources: [
            { name: 'cpus', type: 'SCALAR', scalar: { value: 64 } },
            { name: 'mem', type: 'SCALAR', scalar: { value: 4096 } },
            { name: 'ports', type: 'RANGES', ranges: { range: [{ begin: 1n, end: 9n }] } },
          ],
        },
      },
    });
    await until(() => this.agentId !== '');
  }

  /** Subscribes a framework, and has it offered the agent. */
  async subscribe(name = 'größer "\u2028"'): Promise<void> {
    const stream: SchedulerStream = {
      id: STREAM_ID,
      peer: '127.0.0.1:40001',
      send: (event) => {
        this.frameworkId = event.subscribed?.framework_id.value ?? this.frameworkId;
        for (const offer of event.offers?.offers ?? []) this.#offers.push(offer.id.value);
      },
      close() {},
    };
    const roles = ['r'];
    const capabilities = [{ type: 'MULTI_ROLE' }, { type: 'PARTITION_AWARE' }] as const;
    const framework_info = { user: 'u', name, roles, capabilities };
    this.master.schedulerSubscribe({ type: 'SUBSCRIBE', subscribe: { framework_info } }, stream);
    await until(() => this.frameworkId !== '');
    await this.offer();
  }

  /** Has a batch of offers made. */
  async offer(): Promise<void> {
    await this.world.advance(2_000);
  }

  launch(...taskIds: readonly string[]): void {
    const offer_ids = this.#offers.splice(0).map((value) => ({ value }));
    const task_infos = taskIds.map((value) => ({
      name: `task ${value} é`,
      task_id: { value },
      agent_id: { value: this.agentId },
      resources: [
        { name: 'cpus', type: 'SCALAR' as const, scalar: { value: 0.1 } },
        { name: 'mem', type: 'SCALAR' as const, scalar: { value: 4 } },
      ],
      command: { value: 'true' },
      labels: { labels: [{ key: 'k', value: '\u2029' }] },
    }));
    const operations = [{ type: 'LAUNCH' as const, launch: { task_infos } }];
    this.call({
      type: 'ACCEPT',
      accept: { offer_ids, operations, filters: { refuse_seconds: 0 } },
    });
  }

  call(call: Parameters<Master['schedulerCall']>[0]): void {
    const framework_id = { value: this.frameworkId };
    void this.master.schedulerCall({ ...call, framework_id }, STREAM_ID);
  }

  /** The agent tells of a state, with what comes along from an executor. */
  update(taskId: string, state: TaskState, extra: object = {}): void {
    const uuid = Buffer.alloc(16);
    uuid.writeUInt32LE(++this.#updates);
    uuid[6] = 0x40;
    const status = {
      task_id: { value: taskId },
      agent_id: { value: this.agentId },
      state,
      source: 'SOURCE_EXECUTOR' as const,
      uuid: uuid.toString('base64'),
      timestamp: 1_700_000_000.5 + this.#updates,
      data: 'c2VjcmV0',
      container_status: {
        container_id: { value: `c-${taskId}` },
        network_infos: [{ ip_addresses: [{ protocol: 'IPv4' as const, ip_address: '10.0.0.1' }] }],
        executor_pid: 7,
      },
      ...extra,
    };
    const status_update = { framework_id: { value: this.frameworkId }, status };
    this.master.agentMessage(this.#connection, { type: 'STATUS_UPDATE', status_update });
    const { task_id, agent_id } = status;
    const acknowledge = { task_id, agent_id, uuid: status.uuid };
    this.call({ type: 'ACKNOWLEDGE', acknowledge });
  }

  async json(path: string): Promise<Record<string, unknown>> {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- pages are objects
    return (await (await fetch(this.url + path)).json()) as Record<string, unknown>;
  }

  /** A call of an operator. */
  async operator(call: object, headers: Record<string, string> = {}): Promise<Response> {
    return await fetch(`${this.url}/api/v1`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(call),
    });
  }
}
