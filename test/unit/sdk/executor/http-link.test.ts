import type { ServerResponse } from 'node:http';
import { expect } from 'chai';
import type { ExecutorCall, ExecutorEvent } from '../../../../core/api/index.js';
import { PlateauError, systemWorld } from '../../../../core/base/index.js';
import { type AgentSession, HttpAgentLink } from '../../../../sdk/executor/index.js';
import { ScriptedServer, failureOf, sendEvent, until } from '../../client/support.js';

const CALLER = { framework_id: { value: 'f-1' }, executor_id: { value: 'e-1' } };
const SUBSCRIBE: ExecutorCall = { ...CALLER, type: 'SUBSCRIBE', subscribe: {} };
const SUBSCRIBED = {
  type: 'SUBSCRIBED',
  subscribed: {
    executor_info: { executor_id: { value: 'e-1' } },
    framework_info: { user: 'nobody', name: 'test' },
    agent_info: { hostname: 'localhost' },
  },
};

function message(data: string): ExecutorCall {
  return { ...CALLER, type: 'MESSAGE', message: { data } };
}

describe('HttpAgentLink', () => {
  let server: ScriptedServer;
  let stream: ServerResponse | undefined;
  const events: ExecutorEvent[] = [];
  const ends: Error[] = [];
  const sessions: AgentSession[] = [];

  beforeEach(async () => {
    server = await new ScriptedServer().listen();
    stream = undefined;
    events.length = 0;
    ends.length = 0;
    server.answer = (received, response) => {
      if (received.body.includes('"SUBSCRIBE"')) {
        stream = response;
        response.writeHead(200, { 'Content-Type': 'application/json' });
        sendEvent(response, SUBSCRIBED);
      } else response.writeHead(202).end();
    };
  });

  afterEach(async () => {
    for (const session of sessions.splice(0)) session.close();
    await server.close();
  });

  function open(endpoint = server.address, token?: string): AgentSession {
    const { clock } = systemWorld();
    const settings = { endpoint, token, socketPath: undefined };
    const session = new HttpAgentLink({ clock, settings }).open(SUBSCRIBE, {
      onEvent: (event) => void events.push(event),
      onEnd: (error) => void ends.push(error),
    });
    sessions.push(session);
    return session;
  }

  async function end(): Promise<PlateauError> {
    await until(() => ends.length > 0);
    const [error] = ends;
    if (error instanceof PlateauError) return error;
    throw new Error(`not a PlateauError: ${String(error)}`);
  }

  it('hands events over, and sends calls in order with the token', async () => {
    const session = open(server.address, 'jwt');
    await until(() => events.length === 1);
    expect(events[0]?.subscribed?.framework_info.name).to.equal('test');
    await Promise.all(['AA==', 'AQ==', 'Ag=='].map((data) => session.call(message(data))));
    const bodies = server.received.slice(1).map(({ body }) => /"data":"(.+?)"/.exec(body)?.[1]);
    expect(bodies).to.deep.equal(['AA==', 'AQ==', 'Ag==']);
    for (const { headers, url } of server.received) {
      expect(headers.authorization).to.equal('Bearer jwt');
      expect(url).to.equal('/api/v1/executor');
    }
  });

  it('tells how the stream ended', async () => {
    open();
    await until(() => events.length === 1);
    stream?.end();
    expect(await end()).to.include({ code: 'STREAM_ENDED', retriable: true });
    ends.length = 0;
    open();
    await until(() => events.length === 2);
    stream?.write('garbage\n');
    expect((await end()).code).to.equal('INVALID_MESSAGE');
  });

  it('tells an agent that is gone from one that is not ready and one that refuses', async () => {
    for (const [status, retriable] of [
      [503, true],
      [400, false],
    ] as const) {
      server.answer = (_received, response) => void response.writeHead(status).end('because');
      open();
      const error = await end();
      expect(error).to.include({ code: 'CALL_REFUSED', retriable });
      expect(error.message).to.include('because');
      ends.length = 0;
    }
    const { address } = server;
    await server.close();
    open(address);
    expect(await end()).to.include({ code: 'AGENT_UNREACHABLE', retriable: true });
    server = await new ScriptedServer().listen();
  });

  it('tells refused calls from those that were not sent', async () => {
    const session = open();
    await until(() => events.length === 1);
    server.answer = (_received, response) => void response.writeHead(400).end('bad data');
    expect(await failureOf(session.call(message('')))).to.include({
      code: 'CALL_REFUSED',
      retriable: false,
    });
    server.answer = (_received, response) => void response.destroy();
    expect(await failureOf(session.call(message('')))).to.include({ code: 'AGENT_UNREACHABLE' });
    session.close();
    expect(await failureOf(session.call(message('')))).to.include({ code: 'STREAM_ENDED' });
    await until(() => stream?.closed === true);
    expect(ends, 'who closes is not told').to.deep.equal([]);
  });

  it('refuses an endpoint that is none', () => {
    expect(() => open('localhost')).to.throw(PlateauError, 'MESOS_AGENT_ENDPOINT');
    expect(() => open('http://x/')).to.throw(PlateauError, 'MESOS_AGENT_ENDPOINT');
  });
});
