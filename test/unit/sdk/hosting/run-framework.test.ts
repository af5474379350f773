import { expect } from 'chai';
import type { SchedulerCall } from '../../../../core/api/index.js';
import {
  type Candidacy,
  type Lease,
  type LeaseHolder,
  VirtualWorld,
  toDisposable,
} from '../../../../core/base/index.js';
import { Admin, type AdminRequest, Get, Put, refuse } from '../../../../sdk/admin/index.js';
import { MemoryStore } from '../../../../core/store/index.js';
import {
  type Context,
  Framework,
  LOG,
  MemoryRepository,
  OnOffers,
  OnStart,
  type Repository,
  Stored,
  inject,
  provide,
  token,
} from '../../../../sdk/framework/index.js';
import {
  type RunOptions,
  type RunningFramework,
  runFramework,
} from '../../../../sdk/hosting/index.js';
import type {
  Interceptor,
  Session,
  SessionHandlers,
  Transport,
} from '../../../../sdk/runtime/index.js';

/** A lease that the test gives and takes. */
class ManualLease implements Lease {
  readonly waiting: { readonly holder: LeaseHolder; grant(): void; take(reason: string): void }[] =
    [];
  resigned = 0;

  contend(holder: LeaseHolder): Candidacy {
    let grant = (): void => {};
    let giveUp = (_error: Error): void => {};
    let take = (_reason: string): void => {};
    const acquired = new Promise<void>((resolve, reject) => {
      grant = resolve;
      giveUp = reject;
    });
    acquired.catch(() => {});
    const lost = new Promise<string>((resolve) => {
      take = resolve;
    });
    this.waiting.push({ holder, grant, take });
    return {
      acquired,
      lost,
      resign: async () => {
        this.resigned += 1;
        giveUp(new Error('resigned'));
        take('resigned');
      },
    };
  }
  /** Tells all who look who holds it. */
  tell: (holder: LeaseHolder | undefined) => void = () => {};
  watch(listener: (holder: LeaseHolder | undefined) => void): { dispose(): void } {
    this.tell = listener;
    listener({ id: 'another', info: 'a copy on moon' });
    return toDisposable(() => {});
  }
  async close(): Promise<void> {}
}

/** A transport at whose other end a master takes every subscription and says nothing further. */
class QuietTransport implements Transport {
  readonly opened: SchedulerCall[] = [];
  readonly handlers: SessionHandlers[] = [];
  openSessions = 0;
  isClosed = false;

  open(subscribe: SchedulerCall, handlers: SessionHandlers): Session {
    this.opened.push(subscribe);
    this.handlers.push(handlers);
    this.openSessions += 1;
    queueMicrotask(() => {
      void handlers.onEvent({
        type: 'SUBSCRIBED',
        subscribed: { framework_id: { value: 'F1' }, heartbeat_interval_seconds: 15 },
      });
    });
    return {
      master: 'http://m',
      call: async () => {},
      close: async () => {
        this.openSessions -= 1;
      },
    };
  }
  async close(): Promise<void> {
    this.isClosed = true;
  }
}

@Framework({ name: 'counter' })
class Counter {
  @Stored('starts') starts: Repository<number> = new MemoryRepository();
  @OnOffers() place(): void {}
  @OnStart() start(): void {
    this.starts.set('n', (this.starts.get('n') ?? 0) + 1);
  }
}

describe('runFramework', () => {
  let world: VirtualWorld;
  let transports: QuietTransport[];
  let options: RunOptions & { readonly store: MemoryStore };
  let running: RunningFramework | undefined;

  beforeEach(() => {
    world = new VirtualWorld();
    transports = [];
    running = undefined;
    options = {
      world,
      store: new MemoryStore(),
      admin: false,
      transport: () => {
        const transport = new QuietTransport();
        transports.push(transport);
        return transport;
      },
    };
  });
  afterEach(async () => {
    await running?.close();
    expect(
      transports.every(({ openSessions, isClosed }) => openSessions === 0 && isClosed),
    ).to.equal(true);
  });

  /** Lets promises go on until a condition holds; the timeout of the test is the bound. */
  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((resolve) => setImmediate(resolve));
  }

  it('runs a class until it is closed, as the user of this process', async () => {
    running = await runFramework(Counter, options);
    expect(running).to.include({ name: 'counter', state: 'active', adminPort: undefined });
    await until(() => running?.frameworkId === 'F1');
    const info = transports[0]?.opened[0]?.subscribe?.framework_info;
    expect(info).to.include({ name: 'counter', failover_timeout: 604_800 });
    expect(info?.user).to.be.a('string').and.not.equal('');
    await running.close();
    await running.ended;
    expect(running.state).to.equal('closed');
  });

  it('finds its id and state again', async () => {
    for (const expected of [1, 2]) {
      running = await runFramework(Counter, options);
      await until(() => running?.frameworkId === 'F1');
      expect((running.framework as Counter).starts.get('n')).to.equal(expected);
      await running.close();
    }
    expect(transports[1]?.opened[0]?.subscribe?.framework_info.id).to.deep.equal({ value: 'F1' });
  });

  it('refuses a class that is no framework, and what the options of the command line break', async () => {
    const bad = await runFramework(Object, options).catch((error: unknown) => error);
    expect(bad).to.have.property('code', 'INVALID_FRAMEWORK');
    const overridden = await runFramework(Counter, { ...options, overrides: { gpus: 'x' } }).catch(
      (error: unknown) => error,
    );
    expect((overridden as Error).message).to.contain(
      "option 'gpus' of @Framework must be true or false",
    );
  });

  it('does not wait for another copy unless it may stand by', async () => {
    const lease = new ManualLease();
    const starting = runFramework(Counter, { ...options, lease }).catch((error: unknown) => error);
    await until(() => lease.waiting.length === 1);
    await world.clock.advance(1_000);
    const error = await starting;
    expect(error).to.have.property('code', 'WORK_DIR_LOCKED');
    expect((error as Error).message)
      .to.contain('in use by a copy on moon')
      .and.contain('--standby');
    expect(lease.resigned).to.equal(1);
    expect(transports).to.deep.equal([]);
  });

  it('refuses to stand by where copies have nothing to agree by', async () => {
    const alone = await runFramework(Counter, { ...options, standby: true }).catch(
      (error: unknown) => error,
    );
    expect(alone).to.have.property('code', 'INVALID_FLAG');
    expect((alone as Error).message).to.contain('--lease');
  });

  it('stands by, takes over, is deposed at once, and stands by again', async () => {
    const lease = new ManualLease();
    running = await runFramework(Counter, { ...options, lease, standby: true });
    expect(running.state).to.equal('standby');
    expect(transports).to.deep.equal([]);

    lease.waiting[0]?.grant();
    await until(() => running?.frameworkId === 'F1');
    expect(running.state).to.equal('active');
    const first = running.framework;

    lease.waiting[0]?.take('the other one has it');
    await until(() => lease.waiting.length === 2);
    expect(running.state).to.equal('standby');
    expect(transports[0]).to.include({ openSessions: 0, isClosed: true });

    lease.waiting[1]?.grant();
    await until(() => running?.frameworkId === 'F1');
    expect(transports).to.have.length(2);
    expect(running.framework).to.be.instanceOf(Counter).and.not.equal(first);
    expect((running.framework as Counter).starts.get('n')).to.equal(2);
  });

  it('stands by again when a newer copy has claimed the state', async () => {
    const lease = new ManualLease();
    running = await runFramework(Counter, { ...options, lease, standby: true });
    lease.waiting[0]?.grant();
    await until(() => running?.frameworkId === 'F1');
    await options.store.claimEpoch();
    // Its next write is refused: nothing of a deposed copy reaches the store.
    void transports[0]?.handlers[0]?.onEvent({
      type: 'UPDATE',
      update: {
        status: {
          task_id: { value: 'T' },
          state: 'TASK_RUNNING',
          agent_id: { value: 'A' },
          uuid: 'dXVpZA==',
        },
      },
    });
    await until(() => lease.waiting.length === 2);
    expect(running.state).to.equal('standby');
    expect((await options.store.list('tasks/')).length).to.equal(0);
  });

  it('ends when it is deposed and may not stand by', async () => {
    const lease = new ManualLease();
    const starting = runFramework(Counter, { ...options, lease });
    await until(() => lease.waiting.length === 1);
    lease.waiting[0]?.grant();
    running = await starting;
    lease.waiting[0]?.take('expired');
    const error = await running.ended.catch((each: unknown) => each);
    expect(error).to.have.property('code', 'LEASE_LOST');
    expect(running.state).to.equal('closed');
  });

  it('runs admin routes as turns: durable before the answer, undone when they throw', async () => {
    @Admin('/v1/jobs')
    @Framework({ name: 'jobs' })
    class Jobs {
      @Stored('jobs') jobs: Repository<number> = new MemoryRepository();
      @OnOffers() place(): void {}
      @Put('/:name') async write({ params }: AdminRequest, context: Context): Promise<object> {
        this.jobs.set(params['name'] ?? '', 1);
        if (params['name'] === 'bad') throw refuse(409, 'no');
        await context.decide([]);
        return { size: this.jobs.size };
      }
    }
    running = await runFramework(Jobs, { ...options, admin: {} });
    await until(() => running?.frameworkId === 'F1');
    const put = (name: string): Promise<Response> =>
      fetch(`http://127.0.0.1:${running?.adminPort}/v1/jobs/${name}`, { method: 'PUT' });
    expect(await (await put('good')).json()).to.deep.equal({ size: 1 });
    const keys = async (): Promise<readonly string[]> =>
      (await options.store.list('state/')).map(({ key }) => key);
    expect(await keys()).to.deep.equal(['state/jobs/good']);
    expect((await put('bad')).status).to.equal(409);
    expect(await keys()).to.deep.equal(['state/jobs/good']);
    expect((running.framework as Jobs).jobs.size).to.equal(1);
  });

  it('passes requests on to the copy that the lease names, and answers as soon as it is active', async () => {
    const lease = new ManualLease();
    const other = new ManualLease();
    running = await runFramework(Counter, { ...options, lease, standby: true, admin: {} });
    const store = new MemoryStore();
    const leader = await runFramework(Counter, {
      ...options,
      store,
      lease: other,
      standby: true,
      admin: {},
    });
    other.waiting[0]?.grant();
    await until(() => leader.frameworkId === 'F1');
    const url = `http://127.0.0.1:${running.adminPort}/v1/state`;
    // That copy did not say where it is.
    expect((await fetch(url)).status).to.equal(503);
    const [holder] = other.waiting.map((each) => each.holder);
    expect(holder?.info).to.match(
      /^framework 'counter', pid \d+ on \S+ at http:\/\/127\.0\.0\.1:\d+$/,
    );
    lease.tell(holder);
    const passed = await fetch(url);
    expect(passed.status).to.equal(200);
    expect(passed.headers.get('x-plateau-leader')).to.equal(`http://127.0.0.1:${leader.adminPort}`);
    lease.tell(lease.waiting[0]?.holder);
    expect((await fetch(url)).status).to.equal(503);
    lease.waiting[0]?.grant();
    await until(() => running?.frameworkId === 'F1');
    const own = await fetch(url);
    expect([own.status, own.headers.get('x-plateau-leader')]).to.deep.equal([200, null]);
    await leader.close();
  });

  it('gives its place up when it is asked to, leaves it to others for a while, and stands by', async () => {
    for (const standby of [true, false]) {
      const lease = new ManualLease();
      const starting = runFramework(Counter, { ...options, lease, standby, admin: {} });
      await until(() => lease.waiting.length === 1);
      lease.waiting[0]?.grant();
      running = await starting;
      await until(() => running?.frameworkId === 'F1');
      const url = `http://127.0.0.1:${running.adminPort}`;
      const answer = await fetch(`${url}/v1/resign`, { method: 'POST' });
      expect(await answer.json()).to.deep.equal({ resigned: true });
      await until(() => lease.resigned === 1);
      await world.clock.advance(1_900);
      expect(lease.waiting).to.have.length(1);
      expect(running.state).to.equal('standby');
      await world.clock.advance(200);
      await until(() => lease.waiting.length === 2);
      lease.waiting[1]?.grant();
      await until(() => running?.frameworkId === 'F1');
      expect(transports.at(-2)).to.include({ openSessions: 0, isClosed: true });
      await running.close();
    }
  });

  it('can be closed after it gave its place up', async () => {
    const lease = new ManualLease();
    running = await runFramework(Counter, { ...options, lease, standby: true, admin: {} });
    lease.waiting[0]?.grant();
    await until(() => running?.frameworkId === 'F1');
    await fetch(`http://127.0.0.1:${running.adminPort}/v1/resign`, { method: 'POST' });
    await until(() => lease.resigned === 1);
    await running.close();
    await running.ended;
    expect(lease.waiting).to.have.length(1);
  });

  it('hands interceptors what passes', async () => {
    const seen: string[] = [];
    const interceptor: Interceptor = (traffic, next) => {
      seen.push(String(traffic.direction === 'in' ? traffic.event.type : traffic.call.type));
      next(traffic);
    };
    running = await runFramework(Counter, { ...options, interceptors: [interceptor] });
    await until(() => running?.frameworkId === 'F1');
    expect(seen.slice(0, 2)).to.deep.equal(['SUBSCRIBE', 'SUBSCRIBED']);
  });

  it('tells what a handler threw as the reason of its end', async () => {
    @Framework({ name: 'broken' })
    class Broken {
      @OnOffers() place(): void {}
      @OnStart() start(): void {
        throw new Error('no luck');
      }
    }
    running = await runFramework(Broken, options);
    const error = await running.ended.catch((each: unknown) => each);
    expect(error).to.have.property('code', 'HANDLER_FAILED');
    expect((error as Error).message).to.contain('no luck');
  });

  it('can be closed while it stands by', async () => {
    const lease = new ManualLease();
    running = await runFramework(Counter, { ...options, lease, standby: true });
    await running.close();
    await running.ended;
    expect(lease.resigned).to.be.greaterThan(0);
  });

  it('injects into the class and into routes, and closes what it made at the end of each term', async () => {
    const book: string[] = [];
    const LIMIT = token<number>('limit');
    const CONNECTION = token('connection', {
      make: () => {
        book.push('made');
        return { limit: inject(LIMIT), close: (): void => void book.push('closed') };
      },
    });
    @Framework({ name: 'injected' })
    class Injected {
      constructor(readonly connection = inject(CONNECTION)) {}
      @OnOffers() place(): void {}
    }
    @Admin('/v1/limit')
    class Limits {
      constructor(
        private readonly framework: Injected,
        private readonly connection = inject(CONNECTION),
        private readonly log = inject(LOG),
      ) {}
      @Get() read(): object {
        const { framework, connection, log } = this;
        const isSame = framework.connection === connection && log === world.log;
        return { limit: connection.limit, isSame };
      }
    }
    const lease = new ManualLease();
    running = await runFramework(Injected, {
      ...options,
      lease,
      standby: true,
      admin: { routes: [Limits] },
      provide: [provide(LIMIT, { value: 1 }), provide(LIMIT, { value: 5 })],
    });
    expect(book).to.deep.equal([]);
    lease.waiting[0]?.grant();
    await until(() => running?.frameworkId === 'F1');
    const response = await fetch(`http://127.0.0.1:${running.adminPort}/v1/limit`);
    expect(await response.json()).to.deep.equal({ limit: 5, isSame: true });

    lease.waiting[0]?.take('the other one has it');
    await until(() => lease.waiting.length === 2);
    expect(book).to.deep.equal(['made', 'closed']);
    lease.waiting[1]?.grant();
    await until(() => running?.frameworkId === 'F1');
    await running.close();
    expect(book).to.deep.equal(['made', 'closed', 'made', 'closed']);
  });

  it('does not start without what it needs, and closes what it has made by then', async () => {
    const book: string[] = [];
    const MADE = token('made', { make: () => ({ close: (): void => void book.push('closed') }) });
    const MISSING = token<object>('missing');
    @Framework({ name: 'lacking' })
    class Lacking {
      readonly made = inject(MADE);
      readonly missing = inject(MISSING);
      @OnOffers() place(): void {}
    }
    const error = await runFramework(Lacking, options).catch((each: unknown) => each);
    expect(error).to.have.property('code', 'INVALID_FRAMEWORK');
    expect((error as Error).message).to.contain("Lacking needs 'missing', and nobody provides it");
    expect(book).to.deep.equal(['closed']);
    expect(transports).to.deep.equal([]);
    const given = [provide(MISSING, { value: {} })];
    const object = await runFramework(new Counter(), { ...options, provide: given }).catch(
      (each: unknown) => each,
    );
    expect((object as Error).message).to.contain('it is made already');
  });
});
