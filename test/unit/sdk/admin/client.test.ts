import { createServer } from 'node:http';
import { expect } from 'chai';
import { IsInt, IsOptional, IsString, Min } from 'class-validator';
import { PlateauError } from '../../../../core/base/index.js';
import { AdminClient, refuse } from '../../../../sdk/admin/index.js';
import { Admin, type AdminRequest, Delete, Get, Post } from '../../../../sdk/index.js';
import { AdminRig } from './rig.js';

@Admin('/v1/echo')
class Echo {
  @Get('/:name') show({ params }: AdminRequest<undefined, undefined, 'name'>) {
    if (params.name === 'nothing') return undefined;
    if (params.name === 'none') throw refuse(404, "there is no 'none'");
    return { name: params.name };
  }

  @Post('/') create() {
    throw refuse(409, 'it is there already');
  }
}

async function failure(promise: Promise<unknown>): Promise<PlateauError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof PlateauError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

describe('A client of the admin interface', () => {
  it('reads answers, and throws refusals with their words', async () => {
    const rig = await new AdminRig({ classes: [Echo] }).start(new Echo());
    try {
      const client = new AdminClient(`http://127.0.0.1:${rig.port}/`);
      expect(await client.json('GET', '/v1/echo/a%20b')).to.deep.equal({ name: 'a b' });
      expect(await client.json('GET', '/v1/echo/nothing')).to.equal(undefined);
      const query = { limit: 5, cursor: undefined };
      expect(await client.json('GET', '/v1/tasks', { query })).to.include({ total: 0 });
      const missing = await failure(client.json('GET', '/v1/echo/none'));
      expect(missing).to.include({ code: 'NOT_FOUND', message: "there is no 'none'" });
      expect(missing.context).to.deep.equal({ status: 404 });
      const taken = await failure(client.json('POST', '/v1/echo'));
      expect(taken).to.include({ code: 'INVALID_REQUEST', retriable: false });
    } finally {
      await rig.server.close();
    }
  });

  it('says where nobody answers, and what is no answer of a framework', async () => {
    const server = createServer((_request, response) => {
      response.writeHead(502, { Connection: 'close' });
      response.end('<html>bad gateway</html>');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const client = new AdminClient(`http://127.0.0.1:${port}`);
    const odd = await failure(client.json('GET', '/v1/state'));
    expect(odd).to.include({ code: 'CALL_REFUSED' });
    expect(odd.message).to.include('502').and.include('bad gateway');
    await new Promise((resolve) => server.close(resolve));
    const gone = await failure(client.json('GET', '/v1/state'));
    expect(gone).to.include({ code: 'STREAM_ENDED', retriable: true });
    expect(gone.message).to.include(`http://127.0.0.1:${port}`);
  });
});

class Wanted {
  @IsString() readonly name!: string;
  @IsInt() @Min(1) readonly count!: number;
}

class Filter {
  @IsOptional() @IsInt() @Min(1) readonly least?: number;
}

@Admin('/v1/jobs')
class Jobs {
  readonly all = new Map<string, Wanted>();
  readonly since = new Date(0);

  @Get('/', { query: Filter }) list({ query }: AdminRequest<undefined, Filter>) {
    return [...this.all.values()].filter(({ count }) => count >= (query.least ?? 0));
  }

  @Post('/:group', { body: Wanted, status: 201 }) create({
    params,
    body,
  }: AdminRequest<Wanted, undefined, 'group'>) {
    const id = `${params.group}/${body.name}`;
    this.all.set(id, { name: body.name, count: body.count });
    return { id, since: this.since };
  }

  @Get('/count') count() {
    return this.all.size;
  }

  @Delete('/:group/:name') remove({
    params,
  }: AdminRequest<undefined, undefined, 'group' | 'name'>): void {
    this.all.delete(`${params.group}/${params.name}`);
  }

  notARoute(): string {
    return 'never called from outside';
  }
}

describe('A client of the routes of a class', () => {
  it('calls them with the types of the methods', async () => {
    const rig = await new AdminRig({ classes: [Jobs] }).start(new Jobs());
    try {
      const jobs = new AdminClient(`http://127.0.0.1:${rig.port}`).of(Jobs);
      const made = await jobs.create({ params: { group: 'a b' }, body: { name: 'x/y', count: 3 } });
      const since: string = made.since;
      expect({ id: made.id, since }).to.deep.equal({
        id: 'a b/x/y',
        since: '1970-01-01T00:00:00.000Z',
      });
      expect(await jobs.count()).to.equal(1);
      expect(await jobs.list({ query: { least: 4 } })).to.deep.equal([]);
      expect((await jobs.list({ query: {} })).map(({ name }) => name)).to.deep.equal(['x/y']);
      const nothing: undefined = await jobs.remove({ params: { group: 'a b', name: 'x/y' } });
      expect(nothing).to.equal(undefined);
      expect(await jobs.count()).to.equal(0);
    } finally {
      await rig.server.close();
    }
  });

  it('tells what is refused, what is missing, and that a class has no routes', async () => {
    const rig = await new AdminRig({ classes: [Jobs] }).start(new Jobs());
    try {
      const client = new AdminClient(`http://127.0.0.1:${rig.port}`);
      const jobs = client.of(Jobs);
      const bad = { params: { group: 'a' }, body: { name: 'x', count: 0 } };
      expect((await failure(jobs.create(bad))).message).to.include('count');
      const without = await failure(jobs.remove({ params: { group: 'a', name: '' } }));
      expect(without.message).to.equal(
        "'params.name' of /v1/jobs/:group/:name is missing: give it",
      );
      expect(() => client.of(Map)).to.throw('Map has no routes: put @Admin on it');
    } finally {
      await rig.server.close();
    }
  });
});

describe('Streams of events, as clients read them', () => {
  async function streamOf(text: readonly string[], isCut = false): Promise<AdminClient> {
    const server = createServer((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      for (const part of text) response.write(part);
      if (isCut) setImmediate(() => response.destroy());
      else response.end();
      server.close();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    return new AdminClient(`http://127.0.0.1:${port}`);
  }

  async function all(client: AdminClient): Promise<readonly object[]> {
    const events: object[] = [];
    for await (const event of client.events('/v1/events')) events.push(event);
    return events;
  }

  it('have types, ids and data, however they are cut, and no comments', async () => {
    const client = await streamOf([
      ': beat\n\nid: r.1\nevent: a\ndata: {"te',
      'xt":"ü"}\n\ndata: [1,\ndata: 2]\n\n',
      'event: b\r\ndata: null\r\n\r\nid: 7\n\n',
    ]);
    expect(await all(client)).to.deep.equal([
      { event: 'a', id: 'r.1', data: { text: 'ü' } },
      { event: undefined, id: undefined, data: [1, 2] },
      { event: 'b', id: undefined, data: null },
    ]);
  });

  it('end with an error when the framework says so, or they are cut', async () => {
    const told = await failure(
      all(await streamOf(['event: error\ndata: {"message":"too slow"}\n\n'])),
    );
    expect(told).to.include({ code: 'STREAM_ENDED', message: 'too slow', retriable: true });
    const cut = await failure(all(await streamOf(['data: 1\n\n'], true)));
    expect(cut.code).to.equal('STREAM_ENDED');
    expect(cut.message).to.contain('the stream of events broke');
  });

  it('end without one when the reader says so', async () => {
    const source = { subscribe: () => ({ unsubscribe: () => {} }) };
    const rig = await new AdminRig({ classes: [Streams] }).start(new Streams(source));
    try {
      const client = new AdminClient(`http://127.0.0.1:${rig.port}`);
      const abort = new AbortController();
      const reading = (async () => {
        for await (const _ of client.events('/v1/streams', { signal: abort.signal })) return 1;
        return 0;
      })();
      setImmediate(() => abort.abort());
      expect(await reading).to.equal(0);
    } finally {
      await rig.server.close();
    }
  });
});

@Admin('/v1/streams')
class Streams {
  readonly #source: object;

  constructor(source: object) {
    this.#source = source;
  }

  @Get('/') read() {
    return this.#source;
  }
}

describe('Figures of a framework', () => {
  it('stand beside those of the runtime, and a bad one does no harm', async () => {
    const values = { orders: 3, sold: 10 };
    const framework = {
      metrics: () => [
        { kind: 'gauge', name: 'shop_orders', help: 'orders', value: values.orders },
        { kind: 'counter', name: 'shopSold', help: 'sold', value: values.sold },
        { kind: 'gauge', name: 'shop_bad', help: 'bad', value: Number.NaN },
      ],
    };
    const rig = await new AdminRig().start(framework);
    try {
      expect((await rig.ask('GET', '/metrics')).text).to.match(/^plateau_shop_orders 3$/m);
      values.orders = 1;
      values.sold = 12;
      const { text } = await rig.ask('GET', '/metrics');
      expect(text).to.match(/^plateau_shop_orders 1$/m);
      expect(text).to.match(/^plateau_shop_sold_total 12$/m);
      expect(text).to.match(/^plateau_shop_bad 0$/m);
      expect(text).to.match(/^plateau_framework_offers_received_total 7$/m);
    } finally {
      await rig.server.close();
    }
  });
});
