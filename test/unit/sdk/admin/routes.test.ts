import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Max,
  Min,
  MinLength,
  ValidateNested,
} from 'class-validator';
import { Subject } from 'rxjs';
import { expect } from 'chai';
import { PlateauError } from '../../../../core/base/index.js';
import {
  Admin,
  type AdminRequest,
  Delete,
  Get,
  MAX_ADMIN_BODY_BYTES,
  Patch,
  Post,
  refuse,
} from '../../../../sdk/admin/index.js';
import { type Context, IsDuration } from '../../../../sdk/framework/index.js';
import { AdminRig } from './rig.js';

class PortDto {
  @IsInt() @Min(1) @Max(65_535) port!: number;
}

class JobDto {
  @IsString() @MinLength(1) name!: string;
  @IsInt() @Min(1) count = 1;
  @IsOptional() @IsDuration() timeout?: string;
  @IsArray()
  @ArrayMaxSize(2)
  @ValidateNested({ each: true })
  @Type(() => PortDto)
  ports: PortDto[] = [];
  @IsIn(['a', 'b'], { each: true }) kinds: string[] = [];
}

class ListQuery {
  @IsInt() @Min(1) limit = 10;
  @IsOptional() @IsBoolean() all?: boolean;
}

@Admin('/v1/jobs')
class Jobs {
  readonly jobs = new Map<string, JobDto>();
  readonly changes = new Subject<{ readonly name: string }>();
  returned = 0;

  @Post('/', { body: JobDto, status: 201, summary: 'a new job' })
  create({ body }: AdminRequest<JobDto>, context: Context): object {
    if (this.jobs.has(body.name)) throw refuse(409, `there is a job '${body.name}' already`);
    this.jobs.set(body.name, body);
    return { name: body.name, isInstance: body instanceof JobDto, by: context.frameworkId };
  }
  @Get('/', { query: ListQuery })
  list({ query }: AdminRequest<undefined, ListQuery>): object {
    return { jobs: [...this.jobs.keys()].slice(0, query.limit), query };
  }
  @Get('/changes') changed(): object {
    return this.changes;
  }
  @Get('/counted') async *counted(): AsyncIterable<number> {
    try {
      for (let number = 1; number <= 3; number++) yield number;
    } finally {
      this.returned += 1;
    }
  }
  @Get('/:name') one({ params }: AdminRequest<undefined, undefined, 'name'>): object {
    const job = this.jobs.get(params.name);
    if (job === undefined) throw refuse(404, `there is no job '${params.name}'`);
    return job;
  }
  @Delete('/:name') async remove({
    params,
  }: AdminRequest<undefined, undefined, 'name'>): Promise<void> {
    this.jobs.delete(params.name);
  }
  @Patch('/:name/broken') broken(): never {
    throw new Error('a secret');
  }
  @Patch('/:name/bad') bad(): never {
    throw new PlateauError('INVALID_TASK', 'cpus: must be more than 0');
  }
}

/** Routes beside the framework, made with it. */
@Admin('/v1/names')
class Names {
  constructor(readonly framework: Jobs) {}
  @Get() all(): object {
    return { names: [...this.framework.jobs.keys()] };
  }
}

describe('routes of a framework', () => {
  let rig: AdminRig;
  let jobs: Jobs;
  beforeEach(async () => {
    jobs = new Jobs();
    rig = await new AdminRig({ classes: [Jobs, Names] }).start(jobs);
  });
  afterEach(() => rig.server.close());

  it('give handlers checked instances, as a turn that is durable before the answer', async () => {
    const { status, json } = await rig.ask('POST', '/v1/jobs', {
      body: { name: 'x', ports: [{ port: 80 }] },
    });
    expect(status).to.equal(201);
    expect(json).to.deep.equal({ name: 'x', isInstance: true, by: 'F1' });
    expect(jobs.jobs.get('x')?.ports[0]).to.be.instanceOf(PortDto);
    expect(jobs.jobs.get('x')?.count).to.equal(1);
    expect(rig.log).to.deep.equal(['turn begins', 'turn is durable']);
    expect((await rig.ask('GET', '/v1/names')).json).to.deep.equal({ names: ['x'] });
  });

  it('refuse a bad body with every problem, by path, and call nothing', async () => {
    const body = {
      count: 0,
      timeout: 'x',
      ports: [{ port: 80 }, { port: 0 }, { prot: 1 }],
      kinds: ['c'],
      more: 1,
    };
    const { status, json } = await rig.ask('POST', '/v1/jobs', { body });
    expect(status).to.equal(422);
    const { code, problems } = json['error'] as {
      code: string;
      problems: { path: string; message: string }[];
    };
    expect(code).to.equal('INVALID_REQUEST');
    const paths = new Set(problems.map(({ path }) => path));
    for (const path of [
      'body.name',
      'body.count',
      'body.timeout',
      'body.ports',
      'body.ports[1].port',
      'body.ports[2].prot',
      'body.kinds',
      'body.more',
    ]) {
      expect([...paths]).to.include(path);
    }
    expect(problems.find(({ path }) => path === 'body.more')?.message).to.contain(
      'is not known here; known are name, count',
    );
    expect(jobs.jobs.size).to.equal(0);
    expect(rig.log).to.deep.equal([]);
  });

  const refused: Readonly<
    Record<string, readonly [status: number, body: unknown, headers?: Record<string, string>]>
  > = {
    'that is no JSON': [400, '{"name":'],
    'of another type': [415, '{"name":"x"}', { 'Content-Type': 'text/plain' }],
    'that is a list': [422, []],
    'that is null': [422, 'null'],
    'with a prototype': [400, '{"name":"x","__proto__":{"x":1}}'],
    'that is too large': [413, { name: 'x'.repeat(MAX_ADMIN_BODY_BYTES) }],
    'that is not UTF-8': [400, '{"name":"\u{FFFD}"}'],
  };
  for (const [what, [status, body, headers]] of Object.entries(refused)) {
    it(`refuse a body ${what} with ${status}`, async () => {
      const answer = await rig.ask('POST', '/v1/jobs', {
        body,
        ...(headers === undefined ? {} : { headers }),
      });
      expect(answer.status).to.equal(status);
      expect(jobs.jobs.size).to.equal(0);
    });
  }

  it('refuse a body that is sent in pieces and too large', async () => {
    const text = JSON.stringify({ name: 'x'.repeat(MAX_ADMIN_BODY_BYTES) });
    const response = await rig.open('POST', '/v1/jobs', {
      text,
      headers: { 'Transfer-Encoding': 'chunked', 'Content-Type': 'application/json' },
    });
    response.resume();
    expect(response.statusCode).to.equal(413);
  });

  it('read queries as the numbers and booleans of the class', async () => {
    const { json } = await rig.ask('GET', '/v1/jobs?limit=3&all=true');
    expect(json['query']).to.deep.equal({ limit: 3, all: true });
    expect((await rig.ask('GET', '/v1/jobs?limit=many')).status).to.equal(422);
    expect((await rig.ask('GET', '/v1/jobs?limit=1&limit=2')).status).to.equal(422);
    expect((await rig.ask('GET', '/v1/jobs?__proto__=1')).status).to.equal(400);
  });

  it('prefer fixed paths to variable ones, and decode those', async () => {
    jobs.jobs.set('a/b', new JobDto());
    expect((await rig.ask('GET', '/v1/jobs/a%2Fb')).status).to.equal(200);
    expect((await rig.ask('GET', '/v1/jobs/%zz')).status).to.equal(404);
    const counted = await rig.ask('GET', '/v1/jobs/counted');
    expect(counted.headers['content-type']).to.equal('text/event-stream');
  });

  it('answer what handlers throw: refusals as they are, defects as 500 without their text', async () => {
    const missing = await rig.ask('GET', '/v1/jobs/none');
    expect(missing.status).to.equal(404);
    expect(missing.json).to.deep.equal({
      error: { code: 'NOT_FOUND', message: "there is no job 'none'" },
    });
    const bad = await rig.ask('PATCH', '/v1/jobs/x/bad');
    expect(bad.status).to.equal(422);
    expect(bad.text).to.contain('cpus: must be more than 0');
    const broken = await rig.ask('PATCH', '/v1/jobs/x/broken');
    expect(broken.status).to.equal(500);
    expect(broken.text).not.to.contain('secret');
    expect((await rig.ask('DELETE', '/v1/jobs/x')).status).to.equal(204);
  });

  it('stream what is iterated', async () => {
    const { text } = await rig.ask('GET', '/v1/jobs/counted');
    expect(text).to.equal('data: 1\n\ndata: 2\n\ndata: 3\n\n');
    expect(jobs.returned).to.equal(1);
  });

  it('stream what is subscribed to, and let go of it when the reader leaves', async () => {
    const response = await rig.open('GET', '/v1/jobs/changes');
    jobs.changes.next({ name: 'x' });
    const [chunk] = await new Promise<Buffer[]>((resolve) =>
      response.once('data', (data: Buffer) => resolve([data])),
    );
    expect(String(chunk)).to.equal('data: {"name":"x"}\n\n');
    response.destroy();
    while (jobs.changes.observed) await new Promise((resolve) => setImmediate(resolve));
  });

  it('end streams when the copy is deposed', async () => {
    const response = await rig.open('GET', '/v1/jobs/changes');
    const ended = new Promise((resolve) => response.once('end', resolve));
    response.resume();
    rig.server.detach('standby');
    await ended;
    expect(jobs.changes.observed).to.equal(false);
    expect((await rig.ask('GET', '/v1/jobs')).status).to.equal(503);
  });

  it('are described in OpenAPI by the same classes', async () => {
    const { json } = await rig.ask('GET', '/openapi.json');
    expect(json['openapi']).to.equal('3.1.0');
    const paths = json['paths'] as Record<string, Record<string, object>>;
    expect(paths['/v1/jobs/{name}']?.['get']).to.deep.include({
      parameters: [{ name: 'name', in: 'path', required: true, schema: { type: 'string' } }],
    });
    expect(paths['/v1/jobs']?.['get']).to.deep.include({
      parameters: [
        { name: 'limit', in: 'query', required: false, schema: { type: 'integer', minimum: 1 } },
        { name: 'all', in: 'query', required: false, schema: { type: 'boolean' } },
      ],
    });
    expect(paths['/v1/jobs']?.['post']).to.have.property('summary', 'a new job');
    expect(paths['/v1/jobs']?.['post']).to.have.nested.property('responses.201');
    const { schemas } = json['components'] as { schemas: Record<string, object> };
    expect(schemas['JobDto']).to.deep.equal({
      type: 'object',
      properties: {
        name: { type: 'string', minLength: 1 },
        count: { type: 'integer', minimum: 1 },
        timeout: {
          type: ['string', 'number'],
          description: "a length of time such as '90s', or milliseconds",
        },
        ports: { type: 'array', maxItems: 2, items: { $ref: '#/components/schemas/PortDto' } },
        kinds: { type: 'array', items: { enum: ['a', 'b'] } },
      },
      required: ['name'],
      additionalProperties: false,
    });
    expect(schemas['PortDto']).to.deep.include({ required: ['port'] });
  });
});

describe('reading admin routes', () => {
  function messageOf(...classes: object[]): string {
    try {
      const rig = new AdminRig({ classes });
      return rig.port === 0 ? 'accepted' : '';
    } catch (error) {
      expect(error).to.have.property('code', 'INVALID_FRAMEWORK');
      return (error as Error).message;
    }
  }

  it('refuses bad paths, options and places, all at once', () => {
    @Admin('/v1/x')
    class Bad {
      @Get('no-slash' as '/') one(): void {}
      @Post('/b', { status: 404 }) status(): void {}
      @Post('/c', { body: 'JobDto' as never }) body(): void {}
      @Get('/d', { body: JobDto }) getWithBody(): void {}
    }
    const message = messageOf(Bad);
    expect(message).to.contain("Bad.one: @Get('no-slash'): a path begins with '/'");
    expect(message).to.contain("Bad.status: @Post('/b'): option 'status' must be from 200 to 299");
    expect(message).to.contain("Bad.body: @Post('/c'): option 'body' must be a class");
    expect(message).to.contain("Bad.getWithBody: @Get('/d'): a GET has no body: use query");
  });

  it('refuses routes without @Admin, and routes that are there twice', () => {
    class Nowhere {
      @Get('/x') one(): void {}
    }
    expect(messageOf(Nowhere)).to.contain("Nowhere has routes but no @Admin: put @Admin('/v1/…')");
    @Admin('/v1')
    class Twice {
      @Get('/a/:x') one(): void {}
      @Get('/a/:y') other(): void {}
      @Get('/state') state(): void {}
    }
    expect(messageOf(Twice)).to.contain('GET /v1/a/:y');
    expect(messageOf(Twice)).to.contain('GET /v1/state (overview of the framework)');
  });

  it('counts routes of a parent once', () => {
    @Admin('/v1/child')
    class Child extends Jobs {
      @Get('/') override list(): object {
        return {};
      }
    }
    expect(messageOf(Child)).to.equal('accepted');
  });
});
