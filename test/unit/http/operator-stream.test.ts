import { type IncomingMessage, request } from 'node:http';
import { expect } from 'chai';
import {
  type MasterEvent,
  RecordDecoder,
  decodeJson,
  decodeProtobuf,
} from '../../../core/api/index.js';
import { ServedCluster } from './served-cluster.js';
import { until } from './support.js';

interface Operator {
  readonly events: MasterEvent[];
  readonly response: IncomingMessage;
  isClosed(): boolean;
  close(): void;
}

/** Subscribes; `isReading` false: takes nothing of what is sent. */
function subscribe(
  cluster: ServedCluster,
  { accept = 'application/json', isReading = true } = {},
): Promise<Operator> {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/json', Accept: accept };
    const url = `${cluster.url}/api/v1`;
    const asked = request(url, { method: 'POST', agent: false, headers }, (response) => {
      const events: MasterEvent[] = [];
      const decoder = new RecordDecoder();
      const decode = accept === 'application/json' ? decodeJson : decodeProtobuf;
      let isClosed = false;
      if (isReading) {
        response.on('data', (chunk: Buffer) => {
          for (const record of decoder.push(chunk)) events.push(decode('MasterEvent', record));
        });
      }
      response.on('close', () => (isClosed = true));
      response.on('error', () => undefined);
      const close = (): void => void asked.destroy();
      resolve({ events, response, isClosed: () => isClosed, close });
    });
    asked.once('error', reject);
    asked.end('{"type":"SUBSCRIBE"}');
  });
}

const typesOf = ({ events }: Operator): unknown[] => events.map(({ type }) => type);

describe('Event stream of an operator', () => {
  let cluster: ServedCluster;

  beforeEach(async () => {
    cluster = await new ServedCluster({ maxOperatorStreams: 3 }).start();
  });

  afterEach(async () => {
    await cluster.stop();
  });

  for (const accept of ['application/json', 'application/x-protobuf']) {
    it(`begins with the state and tells what happens then, in ${accept}`, async () => {
      const operator = await subscribe(cluster, { accept });
      expect(operator.response.headers['content-type']).to.equal(accept);
      await until(() => operator.events.length === 2);
      const [first] = operator.events;
      expect(first?.subscribed?.heartbeat_interval_seconds).to.equal(15);
      expect(first?.subscribed?.get_state?.get_agents?.agents).to.have.length(1);
      await cluster.subscribe('f');
      cluster.launch('t1');
      cluster.update('t1', 'TASK_RUNNING');
      cluster.update('t1', 'TASK_FINISHED');
      cluster.call({ type: 'TEARDOWN' });
      await until(() => typesOf(operator).includes('FRAMEWORK_REMOVED'));
      expect(typesOf(operator).slice(0, 7)).to.deep.equal([
        'SUBSCRIBED',
        'HEARTBEAT',
        'FRAMEWORK_ADDED',
        'TASK_ADDED',
        'TASK_UPDATED',
        'TASK_UPDATED',
        'FRAMEWORK_REMOVED',
      ]);
      const added = operator.events[2]?.framework_added?.framework;
      expect([added?.connected, added?.framework_info.name]).to.deep.equal([true, 'f']);
      expect(operator.events[3]?.task_added?.task.state).to.equal('TASK_STAGING');
      const update = operator.events[4]?.task_updated;
      expect(update?.state).to.equal('TASK_RUNNING');
      expect(update?.framework_id.value).to.equal(cluster.frameworkId);
      expect(update?.status.task_id.value).to.equal('t1');
      expect(update?.status.data).to.equal(undefined);
      expect(operator.events[6]?.framework_removed?.framework_info.name).to.equal('f');
      operator.close();
    });
  }

  it('tells nothing twice and leaves nothing out around the moment of the snapshot', async () => {
    await cluster.subscribe();
    const names = Array.from({ length: 300 }, (_, index) => `t${index}`);
    cluster.launch(...names);
    const operators = [subscribe(cluster)];
    for (const [index, name] of names.entries()) {
      cluster.update(name, 'TASK_RUNNING');
      if (index === 100) operators.push(subscribe(cluster));
      // oxlint-disable-next-line no-await-in-loop -- now and then requests come in
      if (index % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    for (const operator of await Promise.all(operators)) {
      const running = (): string[] => {
        const seen = operator.events[0]?.subscribed?.get_state?.get_tasks?.tasks ?? [];
        const before = seen.filter(({ state }) => state === 'TASK_RUNNING');
        const after = operator.events.flatMap(({ task_updated }) => task_updated?.status ?? []);
        return [...before, ...after].map(({ task_id }) => task_id.value);
      };
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await until(() => running().length >= names.length);
      expect(running().toSorted()).to.deep.equal(names.toSorted());
      operator.close();
    }
  });

  it('tells of agents that leave, and beats', async () => {
    const operator = await subscribe(cluster);
    await until(() => operator.events.length === 2);
    await cluster.world.advance(80_000);
    await until(() => typesOf(operator).includes('AGENT_REMOVED'));
    expect(typesOf(operator).filter((type) => type === 'HEARTBEAT').length).to.be.within(5, 6);
    const removed = operator.events.find(({ agent_removed }) => agent_removed);
    expect(removed?.agent_removed?.agent_id.value).to.equal(cluster.agentId);
    operator.close();
  });

  it('ends the oldest when there are too many, and counts those that are open', async () => {
    const streams: Operator[] = [];
    // oxlint-disable-next-line no-await-in-loop -- the order counts
    for (let count = 0; count < 4; count++) streams.push(await subscribe(cluster));
    await until(() => streams[0]?.isClosed() === true);
    expect(streams.map((stream) => stream.isClosed())).to.deep.equal([true, false, false, false]);
    const open = (): number | undefined =>
      cluster.master.metrics().get('master/operator_event_stream_subscribers');
    expect(open()).to.equal(3);
    streams[1]?.close();
    await until(() => open() === 2);
    for (const stream of streams) stream.close();
    await until(() => open() === 0);
  });

  it('cuts a reader off that takes nothing, and nobody else notices', async () => {
    await cluster.stop();
    cluster = await new ServedCluster({}, { streamBufferBytes: 2_000_000 }).start();
    await cluster.subscribe();
    const slow = await subscribe(cluster, { isReading: false });
    const other = await subscribe(cluster);
    const names = Array.from({ length: 500 }, (_, index) => `t${index}`);
    cluster.launch(...names);
    let rounds = 0;
    while (cluster.warnings.length === 0 && rounds++ < 200) {
      const state = rounds % 2 === 0 ? 'TASK_RUNNING' : 'TASK_STARTING';
      for (const name of names) cluster.update(name, state);
      // oxlint-disable-next-line no-await-in-loop -- the system takes what its own buffers hold
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(cluster.warnings).to.have.length(1);
    const sent = rounds * names.length;
    const updates = (): number => typesOf(other).filter((type) => type === 'TASK_UPDATED').length;
    await until(() => updates() === sent);
    expect(other.isClosed()).to.equal(false);
    slow.close();
    other.close();
  });
});
