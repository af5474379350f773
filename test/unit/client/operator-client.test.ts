import { expect } from 'chai';
import { AgentClient, OperatorClient } from '../../../core/client/index.js';
import { ScriptedServer, failureOf } from './support.js';

describe('OperatorClient', () => {
  let server: ScriptedServer;

  beforeEach(async () => {
    server = await new ScriptedServer().listen();
  });

  afterEach(async () => {
    await server.close();
  });

  it('makes calls and reads 64-bit numbers exactly', async () => {
    server.answer = (_received, response) =>
      void response.end('{"type":"READ_FILE","read_file":{"size":9007199254740993,"data":"aGk="}}');
    const client = new OperatorClient({ address: server.address });
    const answer = await client.call({ type: 'READ_FILE', read_file: { path: '/x', offset: 0n } });
    expect(answer?.read_file?.size).to.equal(9_007_199_254_740_993n);
    expect(server.received[0]).to.deep.include({ method: 'POST', url: '/api/v1' });
    expect((await client.readFile('/x', 3)).data.toString()).to.equal('hi');
    expect(server.received[1]?.body).to.include('"offset":3');
  });

  it('answers undefined for calls that only do something', async () => {
    const client = new OperatorClient({ address: `http://${server.address}` });
    const teardown = { framework_id: { value: 'f' } };
    expect(await client.call({ type: 'TEARDOWN', teardown })).to.equal(undefined);
  });

  it('reads pages with a query', async () => {
    server.answer = (_received, response) => void response.end('{"tasks":[]}');
    const client = new OperatorClient({ address: server.address });
    const query = { limit: 5, task_id: 'a b&c', order: undefined };
    expect(await client.get('/tasks', query)).to.deep.equal({ tasks: [] });
    expect(server.received[0]?.url).to.equal('/tasks?limit=5&task_id=a+b%26c');
    server.answer = (_received, response) => void response.end('<html>');
    expect(await failureOf(client.get('/tasks'))).to.have.property('code', 'INVALID_MESSAGE');
  });

  it('follows a redirect without a scheme, with method and body', async () => {
    const leader = await new ScriptedServer().listen();
    leader.answer = (_received, response) =>
      void response.end('{"type":"GET_HEALTH","get_health":{"healthy":true}}');
    server.answer = ({ url }, response) =>
      void response.writeHead(307, { Location: `//${leader.address}${url}` }).end();
    const client = new OperatorClient({ address: server.address });
    const answer = await client.call({ type: 'GET_HEALTH' });
    expect(answer?.get_health?.healthy).to.equal(true);
    expect(leader.received[0]).to.deep.include({ method: 'POST', url: '/api/v1' });
    expect(leader.received[0]?.body).to.include('GET_HEALTH');
    await leader.close();
  });

  it('asks the next master when one does not answer', async () => {
    server.answer = (_received, response) => void response.end('{}');
    const client = new OperatorClient({ address: `127.0.0.1:1, ${server.address}` });
    expect(await client.get('/state')).to.deep.equal({});
  });

  it('says what to do when nobody answers', async () => {
    const error = await failureOf(new OperatorClient({ address: '127.0.0.1:1' }).get('/state'));
    expect(error).to.have.property('code', 'MASTER_UNREACHABLE');
    expect(error)
      .to.have.property('message')
      .that.matches(/127\.0\.0\.1:1: nothing listens there/);
    expect(error)
      .to.have.property('message')
      .that.matches(/plateau up/);
    const agent = await failureOf(new AgentClient({ address: '127.0.0.1:1' }).get('/state'));
    expect(agent).to.have.property('code', 'AGENT_UNREACHABLE');
  });

  it('tells status and reason of a refusal', async () => {
    server.answer = (_received, response) =>
      void response.writeHead(400).end('no such framework\n');
    const client = new OperatorClient({ address: server.address });
    const error = await failureOf(client.call({ type: 'GET_STATE' }));
    expect(error).to.have.property('code', 'CALL_REFUSED');
    expect(error)
      .to.have.property('message')
      .that.equals('The master refused GET_STATE with status 400: no such framework');
    expect(error).to.have.nested.property('context.status', 400);
    expect(error).to.have.property('retriable', false);
    const page = await failureOf(client.getText('/plateau/v1/why?framework=x%20y'));
    expect(page)
      .to.have.property('message')
      .that.equals('The master refused /plateau/v1/why with status 400: no such framework');
    server.answer = (_received, response) => void response.writeHead(503).end();
    const busy = await failureOf(client.call({ type: 'GET_STATE' }));
    expect(busy).to.have.property('retriable', true);
  });

  it('refuses addresses that are none', () => {
    for (const address of ['', ',', 'ftp://x', 'http://', 'a b']) {
      expect(() => new OperatorClient({ address }), address)
        .to.throw()
        .with.property('code', 'INVALID_FLAG');
    }
  });
});
