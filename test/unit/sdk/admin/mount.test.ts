import { expect } from 'chai';
import { Subject } from 'rxjs';
import {
  HttpAnswer,
  Mount,
  type MountedRequest,
  NamedEvent,
  refuse,
} from '../../../../sdk/admin/index.js';
import { AdminRig } from './rig.js';

const refusal = ({ status, message }: { status: number; message: string }): object => ({
  oops: `${status} ${message}`,
});

class Legacy {
  readonly events = new Subject<unknown>();
  last: MountedRequest | undefined;

  @Mount('/v2', { refusal })
  all(request: MountedRequest): unknown {
    this.last = request;
    if (request.path === '/v2/events') return this.events;
    if (request.path === '/v2/no') throw refuse(418, 'no tea here');
    if (request.path === '/v2/bug') throw new Error('a defect');
    if (request.method === 'DELETE') return new HttpAnswer({ status: 202 });
    if (request.path === '/v2/text')
      return new HttpAnswer({ text: 'plain', headers: { 'X-One': '1' } });
    return new HttpAnswer({ status: 201, json: { path: request.path, body: request.body } });
  }

  @Mount('/v2/deep')
  deep(): object {
    return { deep: true };
  }
}

describe('@Mount', () => {
  let rig: AdminRig;
  let legacy: Legacy;

  beforeEach(async () => {
    legacy = new Legacy();
    rig = await new AdminRig({ classes: [Legacy] }).start(legacy);
  });
  afterEach(() => rig.server.close());

  it('gives a method everything below a path, as it came', async () => {
    const answer = await rig.ask('POST', '/v2/apps//a%2Fb/?x=1&x=2', { body: { a: [1] } });
    expect(answer.status).to.equal(201);
    expect(answer.json).to.deep.equal({ path: '/v2/apps//a%2Fb/', body: { a: [1] } });
    expect(legacy.last?.query.getAll('x')).to.deep.equal(['1', '2']);
    expect(legacy.last?.client).to.contain('127.0.0.1');
    expect(rig.log).to.deep.equal(['turn begins', 'turn is durable']);
  });

  it('answers with the status, header lines and type that it says', async () => {
    const text = await rig.ask('GET', '/v2/text');
    expect([text.status, text.text, text.headers['x-one']]).to.deep.equal([200, 'plain', '1']);
    expect(text.headers['content-type']).to.contain('text/plain');
    const empty = await rig.ask('DELETE', '/v2/apps');
    expect([empty.status, empty.text]).to.deep.equal([202, '']);
    expect((await rig.ask('GET', '/v2/deep/er')).json).to.deep.equal({ deep: true });
    expect((await rig.ask('GET', '/v2')).status).to.equal(201);
  });

  it('has a form of its own for what is refused, by it or by the server', async () => {
    expect((await rig.ask('GET', '/v2/no')).json).to.deep.equal({ oops: '418 no tea here' });
    const bug = await rig.ask('GET', '/v2/bug');
    expect([bug.status, bug.json]).to.deep.equal([
      500,
      { oops: '500 an internal error: the log says more' },
    ]);
    rig.server.detach('standby');
    expect((await rig.ask('GET', '/v2/apps')).json['oops']).to.match(/^503 this copy/);
    expect((await rig.ask('GET', '/v3')).json).to.have.nested.property('error.code', 'NOT_FOUND');
  });

  it('sends events with types and ids', async () => {
    const stream = await rig.open('GET', '/v2/events');
    legacy.events.next(new NamedEvent('born', { name: 'a' }, 'r.1'));
    legacy.events.next({ plain: true });
    legacy.events.complete();
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    expect(text).to.equal('id: r.1\nevent: born\ndata: {"name":"a"}\n\ndata: {"plain":true}\n\n');
  });

  it('refuses paths that are none', () => {
    class Bad {
      @Mount('/v2/') all(): void {}
    }
    expect(() => new AdminRig({ classes: [Bad] })).to.throw("@Mount('/v2/')");
  });
});
