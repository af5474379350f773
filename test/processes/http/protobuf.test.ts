import { type ClientRequest, request } from 'node:http';
import { expect } from 'chai';
import {
  type AgentCall,
  type AgentResponse,
  type MasterCall,
  type MasterResponse,
  type MessageName,
  type Messages,
  RecordDecoder,
  type SchedulerCall,
  type SchedulerEvent,
  decodeProtobuf,
  encodeProtobuf,
} from '../../../core/api/index.js';
import { type LiveCluster, startCluster } from './support.js';

const PROTOBUF = 'application/x-protobuf';

/** Sends a message in protobuf, and gives the answer to `onAnswer` as it comes. */
function post<Name extends MessageName>(
  url: string,
  name: Name,
  message: Messages[Name],
  headers: Readonly<Record<string, string>> = {},
): ClientRequest {
  const sent = request(url, {
    method: 'POST',
    agent: false,
    headers: { 'Content-Type': PROTOBUF, Accept: PROTOBUF, ...headers },
  });
  sent.end(encodeProtobuf(name, message));
  return sent;
}

/** The status, content type and body of the answer. */
function answerOf(
  sent: ClientRequest,
): Promise<{ readonly status: number; readonly type: string; readonly body: Buffer }> {
  return new Promise((resolve, reject) => {
    sent.once('error', reject);
    sent.once('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => void chunks.push(chunk));
      response.once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          type: response.headers['content-type'] ?? '',
          body: Buffer.concat(chunks),
        }),
      );
    });
  });
}

async function askMaster(cluster: LiveCluster, call: MasterCall): Promise<MasterResponse> {
  const { status, type, body } = await answerOf(
    post(`${cluster.masterUrl}/api/v1`, 'MasterCall', call),
  );
  expect(status).to.equal(200);
  expect(type).to.equal(PROTOBUF);
  return decodeProtobuf('MasterResponse', body);
}

async function askAgent(cluster: LiveCluster, call: AgentCall): Promise<AgentResponse> {
  const { status, type, body } = await answerOf(
    post(`${cluster.agentUrl}/api/v1`, 'AgentCall', call),
  );
  expect(status).to.equal(200);
  expect(type).to.equal(PROTOBUF);
  return decodeProtobuf('AgentResponse', body);
}

/** A scheduler that speaks protobuf only. */
class ProtobufScheduler {
  readonly events: SchedulerEvent[] = [];
  readonly #url: string;
  #request: ClientRequest | undefined;
  #streamId = '';
  #waiting: (() => void)[] = [];

  constructor(cluster: LiveCluster) {
    this.#url = `${cluster.masterUrl}/api/v1/scheduler`;
  }

  async subscribe(): Promise<void> {
    const framework_info = { user: 'nobody', name: 'protobuf', roles: ['web'] };
    this.#request = post(this.#url, 'SchedulerCall', {
      type: 'SUBSCRIBE',
      subscribe: { framework_info: { ...framework_info, capabilities: [{ type: 'MULTI_ROLE' }] } },
    });
    const decoder = new RecordDecoder();
    await new Promise<void>((resolve, reject) => {
      this.#request?.once('error', reject);
      this.#request?.once('response', (response) => {
        this.#streamId = String(response.headers['mesos-stream-id']);
        expect(response.headers['content-type']).to.equal(PROTOBUF);
        response.on('data', (chunk: Buffer) => {
          for (const record of decoder.push(chunk)) {
            this.events.push(decodeProtobuf('SchedulerEvent', record));
          }
          for (const wake of this.#waiting.splice(0)) wake();
        });
        response.on('error', () => undefined);
        resolve();
      });
    });
  }

  async until<T>(find: (event: SchedulerEvent) => T | undefined): Promise<T> {
    for (;;) {
      for (const event of this.events) {
        const found = find(event);
        if (found !== undefined) return found;
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async call(call: SchedulerCall): Promise<number> {
    const headers = { 'Mesos-Stream-Id': this.#streamId };
    return (await answerOf(post(this.#url, 'SchedulerCall', call, headers))).status;
  }

  close(): void {
    this.#request?.destroy();
  }
}

describe('A cluster that is spoken to in protobuf', function () {
  this.timeout(30_000);
  let cluster: LiveCluster;
  let scheduler: ProtobufScheduler;

  before(async () => {
    cluster = await startCluster();
    scheduler = new ProtobufScheduler(cluster);
  });

  after(async () => {
    scheduler.close();
    await cluster.close();
  });

  it('subscribes, launches on an offer, and acknowledges what becomes of the task', async () => {
    await scheduler.subscribe();
    const framework_id = await scheduler.until(({ subscribed }) => subscribed?.framework_id);
    const offer = await scheduler.until(({ offers }) => offers?.offers?.[0]);
    expect(offer.allocation_info?.role).to.equal('web');
    const task_id = { value: 'échec ✓' };
    const labels = { labels: [{ key: 'ü', value: '✓' }] };
    const data = Buffer.from([0, 255, 254]).toString('base64');
    const resource = (name: string, value: number) =>
      ({ name, type: 'SCALAR', scalar: { value }, allocation_info: { role: 'web' } }) as const;
    const task = {
      name: 'task',
      task_id,
      agent_id: offer.agent_id,
      resources: [resource('cpus', 0.5), resource('mem', 64)],
      command: { value: 'exit 3' },
      labels,
      data,
    };
    const accept = {
      offer_ids: [offer.id],
      operations: [{ type: 'LAUNCH', launch: { task_infos: [task] } } as const],
    };
    expect(await scheduler.call({ type: 'ACCEPT', framework_id, accept })).to.equal(202);
    for (const state of ['TASK_STARTING', 'TASK_RUNNING', 'TASK_FAILED'] as const) {
      const status = await scheduler.until(({ update }) =>
        update?.status.state === state ? update.status : undefined,
      );
      expect(status.task_id).to.deep.equal(task_id);
      const { uuid = '' } = status;
      expect(Buffer.from(uuid, 'base64')).to.have.length(16);
      const acknowledge = { agent_id: offer.agent_id, task_id, uuid };
      expect(await scheduler.call({ type: 'ACKNOWLEDGE', framework_id, acknowledge })).to.equal(
        202,
      );
    }
    const { get_tasks } = await askMaster(cluster, { type: 'GET_TASKS' });
    const tasks = [...(get_tasks?.tasks ?? []), ...(get_tasks?.completed_tasks ?? [])];
    expect(tasks.map((one) => [one.task_id, one.state, one.labels])).to.deep.equal([
      [task_id, 'TASK_FAILED', labels],
    ]);
  });

  it('answers operators what it answers them in JSON', async () => {
    const types = [
      'GET_AGENTS',
      'GET_FRAMEWORKS',
      'GET_MASTER',
      'GET_VERSION',
      'GET_ROLES',
    ] as const;
    for (const type of types) {
      const answer = await askMaster(cluster, { type });
      expect(answer.type).to.equal(type);
    }
    const { get_agents } = await askMaster(cluster, { type: 'GET_AGENTS' });
    const [agent] = get_agents?.agents ?? [];
    expect(agent?.active).to.equal(true);
    const { get_agent } = await askAgent(cluster, { type: 'GET_AGENT' });
    expect(get_agent?.agent_info?.id).to.deep.equal(agent?.agent_info.id);
    expect((await askAgent(cluster, { type: 'GET_HEALTH' })).get_health?.healthy).to.equal(true);
    expect((await askAgent(cluster, { type: 'GET_STATE' })).get_state).to.not.equal(undefined);
  });

  it('refuses an executor that it does not know, in words', async () => {
    const call = {
      type: 'SUBSCRIBE',
      framework_id: { value: 'nobody' },
      executor_id: { value: 'nothing' },
      subscribe: {},
    } as const;
    const { status, body } = await answerOf(
      post(`${cluster.agentUrl}/api/v1/executor`, 'ExecutorCall', call),
    );
    expect(status).to.equal(400);
    expect(body.toString()).to.equal('Framework cannot be found');
  });
});
