/** What an agent's server answers about itself: its large calls, files and the containerizer. */
import { expect } from 'chai';
import {
  type AgentCall,
  type AgentResponse,
  decodeJson,
  decodeProtobuf,
  encodeJson,
  encodeProtobuf,
} from '../../../core/api/index.js';
import { SILENT_LOGGER, systemWorld } from '../../../core/base/index.js';
import { AgentServer, MAX_ATTACHED_PATHS } from '../../../core/http/index.js';
import { executorsView, frameworksView, tasksView } from '../../../core/http/agent-views.js';
import { VirtualFiles } from '../../../core/http/files.js';
import { Host, taskInfo } from '../agent/host.js';

const LARGE_CALLS = ['GET_STATE', 'GET_TASKS', 'GET_EXECUTORS', 'GET_FRAMEWORKS'] as const;

describe('The answers of an agent', () => {
  let host: Host;
  let server: AgentServer;
  let url: string;

  beforeEach(async () => {
    host = new Host();
    const agent = await host.start();
    server = new AgentServer({
      world: systemWorld(SILENT_LOGGER),
      log: SILENT_LOGGER,
      agent,
      workDir: '/work-dir',
      host: '127.0.0.1',
      port: 0,
      flags: {},
      filesRoots: [{ name: '/slave/log', path: '/var/log/plateau-agent.INFO' }],
    });
    url = `http://127.0.0.1:${(await server.listen()).port}`;
    await host.run([taskInfo('t1'), taskInfo('grüße', { name: 'grüße' }), taskInfo('t3')]);
    await host.end('t1');
    await host.acknowledge(host.last('t1'));
    await host.settle();
  });

  afterEach(async () => {
    await server.close();
    host.crash();
  });

  async function post(call: AgentCall, type: string): Promise<Buffer> {
    const isJson = type === 'application/json';
    const body = isJson ? encodeJson('AgentCall', call) : encodeProtobuf('AgentCall', call);
    const headers = { 'Content-Type': type, Accept: type };
    const answer = await fetch(`${url}/api/v1`, { method: 'POST', headers, body });
    expect(answer.status).to.equal(200);
    expect(answer.headers.get('content-type')).to.equal(type);
    return Buffer.from(await answer.arrayBuffer());
  }

  /** As one message. */
  function expected(type: (typeof LARGE_CALLS)[number]): AgentResponse {
    const { state } = host.agent;
    const parts = {
      get_tasks: tasksView(state),
      get_executors: executorsView(state),
      get_frameworks: frameworksView(state),
    };
    if (type === 'GET_STATE') return { type, get_state: parts };
    if (type === 'GET_TASKS') return { type, get_tasks: parts.get_tasks };
    if (type === 'GET_EXECUTORS') return { type, get_executors: parts.get_executors };
    return { type, get_frameworks: parts.get_frameworks };
  }

  for (const type of LARGE_CALLS) {
    it(`are the same in pieces as in one, for ${type}`, async () => {
      const whole = expected(type);
      const protobuf = await post({ type }, 'application/x-protobuf');
      expect(protobuf.equals(encodeProtobuf('AgentResponse', whole))).to.equal(true);
      expect(decodeProtobuf('AgentResponse', protobuf).type).to.equal(type);
      const json = await post({ type }, 'application/json');
      const again = encodeJson('AgentResponse', decodeJson('AgentResponse', json));
      expect(again).to.equal(encodeJson('AgentResponse', whole));
    });
  }

  it('list what is empty too, as Mesos does in JSON', async () => {
    const { get_state } = JSON.parse(
      (await post({ type: 'GET_STATE' }, 'application/json')).toString(),
    );
    expect(get_state.get_tasks).to.include.keys(
      'pending_tasks',
      'queued_tasks',
      'terminated_tasks',
    );
    expect(get_state.get_tasks.pending_tasks).to.deep.equal([]);
    expect(get_state.get_tasks.launched_tasks).to.have.length(2);
    expect(get_state.get_tasks.completed_tasks).to.have.length(1);
    expect(get_state.get_executors.completed_executors).to.have.length(1);
    expect(get_state.get_frameworks.completed_frameworks).to.deep.equal([]);
  });

  it('say where each sandbox and the log are, by the names of Mesos', async () => {
    await host.agent.containers.launch({
      containerId: { value: 'alone' },
      command: { value: 'x' },
      container: undefined,
    });
    const attached = (await (await fetch(`${url}/files/debug`)).json()) as Record<string, string>;
    const directories = [...host.containers.values()].map(({ spec }) => spec.sandbox);
    expect(attached['/slave/log']).to.equal('/var/log/plateau-agent.INFO');
    for (const directory of directories) expect(attached[directory]).to.equal(directory);
    const latest = '/frameworks/framework-0/executors/t3/runs/latest';
    expect(attached[latest]).to.equal(host.containersOf('t3')[0]?.spec.sandbox);
    expect(directories).to.include('/work-dir/containers/alone');
    expect(Object.keys(attached)).to.have.length(1 + 1 + 2 * 3);
  });

  it('show no more paths than a bound', () => {
    const all = Array.from({ length: MAX_ATTACHED_PATHS + 5 }, (_, index) => `/${index}`);
    const files = new VirtualFiles({
      find: () => undefined,
      list: () => all.map((name) => ({ name, path: name })),
    });
    expect(files.attached().size).to.equal(MAX_ATTACHED_PATHS);
  });

  it('name what the containerizer is busy with', async () => {
    const debug = async (): Promise<unknown> =>
      (await fetch(`${url}/slave(1)/containerizer/debug`)).json();
    expect(await debug()).to.deep.equal({ pending: [] });
    host.pending = [{ operation: 'fetcher::fetch', args: { containerId: 'c1' } }];
    expect(await debug()).to.deep.equal({
      pending: [{ operation: 'fetcher::fetch', args: { containerId: 'c1' } }],
    });
  });
});
