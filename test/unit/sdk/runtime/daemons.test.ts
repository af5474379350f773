import { expect } from 'chai';
import { type LogFields, SILENT_LOGGER, VirtualWorld } from '../../../../core/base/index.js';
import { MemoryMedium, MemoryStore } from '../../../../core/store/index.js';
import { kill, stop, teardown, want } from '../../../../sdk/decisions/index.js';
import {
  type DaemonContext,
  FatalError,
  type HandlerDefinition,
  type Repository,
  TransientError,
  type Trouble,
} from '../../../../sdk/framework/index.js';
import {
  DAEMON_STEADY_MS,
  DAEMON_STOP_MS,
  type DaemonView,
} from '../../../../sdk/runtime/index.js';
import { Rig, handler } from './support.js';

type Run = (context: DaemonContext) => Promise<void>;

function daemon(run: Run, options: Partial<HandlerDefinition> = {}): HandlerDefinition {
  return handler('daemon', run, { method: 'watch', ...options });
}

/** A daemon that works every ten seconds; it has no `try`, as none should need one. */
function loop(work: (context: DaemonContext) => unknown): Run {
  return async (context) => {
    while (!context.signal.aborted) {
      // oxlint-disable-next-line no-await-in-loop -- what a daemon is
      await context.sleep('10s');
      // oxlint-disable-next-line no-await-in-loop -- what a daemon is
      await work(context);
    }
  };
}

function stateOf(rig: Rig): DaemonView['state'] | undefined {
  return rig.runtime.view.daemons[0]?.state;
}

describe('A daemon', () => {
  it('begins when @OnStart is done, and not before', async () => {
    const order: string[] = [];
    let go = (): void => {};
    const rig = new Rig({
      handlers: [
        handler('start', () => {
          order.push('start');
          return new Promise<void>((resolve) => (go = resolve));
        }),
        daemon(() => Promise.resolve(void order.push('daemon'))),
      ],
    });
    rig.run();
    await rig.world.advance(1_000);
    expect(order).to.deep.equal(['start']);
    expect(rig.runtime.view.daemons).to.deep.equal([]);
    go();
    await rig.world.settle();
    expect(order).to.deep.equal(['start', 'daemon']);
    await rig.close();
  });

  it('never begins in a framework that is closed before', async () => {
    let runs = 0;
    const start = handler('start', () => new Promise(() => {}));
    const rig = new Rig({ handlers: [start, daemon(() => Promise.resolve(void runs++))] });
    rig.run();
    await rig.world.settle();
    void rig.runtime.close();
    await rig.world.advance(61_000);
    expect(rig.outcome).to.not.equal(undefined);
    expect(runs).to.equal(0);
  });

  it('that loops by sleep ends by itself at the close, in the middle of a sleep, without a further round', async () => {
    let rounds = 0;
    const rig = await new Rig({ handlers: [daemon(loop(() => rounds++))] }).start();
    await rig.pass(35_000);
    expect(rounds).to.equal(3);
    expect(rig.runtime.view.daemons).to.deep.equal([
      { name: 'watch', state: 'running', failures: 0, error: undefined },
    ]);
    await rig.close();
    expect(rounds).to.equal(3);
    expect(rig.outcome).to.equal('closed');
    expect(stateOf(rig)).to.equal('ended');
  });

  it('that reads a generator in a `for await` loop ends by itself, and its `finally` runs', async () => {
    const seen: (number | string)[] = [];
    async function* ticks(context: DaemonContext): AsyncGenerator<number> {
      try {
        for (let tick = 1; ; tick++) {
          // oxlint-disable-next-line no-await-in-loop -- one after the other
          await context.sleep('10s');
          yield tick;
        }
      } finally {
        seen.push('over');
      }
    }
    const watch = daemon(async (context) => {
      for await (const tick of ticks(context)) seen.push(tick);
    });
    const rig = await new Rig({ handlers: [watch] }).start();
    await rig.pass(25_000);
    await rig.close();
    expect(seen).to.deep.equal([1, 2, 'over']);
  });

  it('has its decisions carried out, and @OnOffers asked afterwards', async () => {
    let evaluations = 0;
    const rig = await new Rig({
      handlers: [
        handler('offers', () => void evaluations++),
        daemon(loop((context) => context.decide([want({ name: 'a', count: 1 }), kill('stray')]))),
      ],
    }).start();
    await rig.update('stray', 'TASK_RUNNING');
    await rig.world.advance(1_000);
    evaluations = 0;
    await rig.world.advance(9_100);
    expect(evaluations).to.equal(1);
    expect(rig.take()).to.include('KILL');
    expect(rig.runtime.view.wants?.map(({ name }) => name)).to.deep.equal(['a']);
    await rig.close();
  });

  it('that returns is over, and is not called again', async () => {
    let runs = 0;
    const watch = daemon(() => Promise.resolve(void runs++), { onError: 'retry' });
    const rig = await new Rig({ handlers: [watch] }).start();
    await rig.pass(300_000);
    expect(runs).to.equal(1);
    expect(stateOf(rig)).to.equal('ended');
    await rig.close();
  });

  it('changes repositories in a turn: together with no handler beside it, or not at all', async () => {
    const framework: { jobs?: Repository<string> } = {};
    const order: string[] = [];
    const caught: string[] = [];
    const stored = [{ property: 'jobs', name: 'jobs', version: 1, migrations: {} }];
    const watch = daemon(async (context) => {
      await context.sleep('1s');
      const size = await context.turn(async () => {
        framework.jobs?.set('a', '1');
        await context.sleep('5s');
        order.push('turn');
        return framework.jobs?.size;
      });
      caught.push(String(size));
      const failing = context.turn(() => {
        framework.jobs?.set('b', '2');
        throw new Error('no');
      });
      await failing.catch((error: Error) => caught.push(error.message));
    });
    const status = handler('status', () => void order.push('status'));
    const rig = await new Rig({ framework, stored, handlers: [watch, status] }).start();
    await rig.world.advance(1_500);
    await rig.update('stray', 'TASK_RUNNING', { uuid: 'dQ==' });
    await rig.pass(10_000);
    expect(order).to.deep.equal(['turn', 'status']);
    expect(caught).to.deep.equal(['1', 'no']);
    expect(framework.jobs?.entries()).to.deep.equal([['a', '1']]);
    await rig.close();
  });

  it('goes on while the framework is paused or not connected', async () => {
    let rounds = 0;
    const rig = await new Rig({ handlers: [daemon(loop(() => rounds++))] }).start();
    rig.runtime.pause();
    await rig.breakStream();
    await rig.world.advance(31_000);
    expect(rounds).to.equal(3);
    await rig.close();
  });
});

describe('The sleep of a daemon', () => {
  it('takes a millisecond at least, so that a loop without a wait lets time pass', async () => {
    let rounds = 0;
    const busy = daemon(async (context) => {
      while (!context.signal.aborted) {
        rounds++;
        // oxlint-disable-next-line no-await-in-loop -- what is tested
        await context.sleep(0);
      }
    });
    const rig = await new Rig({ handlers: [busy] }).start();
    await rig.world.advance(100);
    expect(rounds).to.be.within(95, 102);
    await rig.close();
  });

  it('refuses what is no duration', async () => {
    const watch = daemon((context) => context.sleep('soon' as never));
    const rig = await new Rig({ handlers: [watch] }).start();
    expect(String(rig.outcome)).to.contain("'soon' is not a duration");
  });

  it('that nobody awaits does not harm at the end', async () => {
    const rejections: unknown[] = [];
    const note = (reason: unknown): void => void rejections.push(reason);
    process.on('unhandledRejection', note);
    const watch = daemon(async (context) => {
      void context.sleep('1h');
      await context.sleep('2h');
    });
    const rig = await new Rig({ handlers: [watch] }).start();
    await rig.close();
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(rejections).to.deep.equal([]);
  });
});

describe('A daemon that throws', () => {
  const broken = (): Promise<void> => Promise.reject(new Error('broken'));

  function troubles(): { readonly seen: string[]; readonly onError: HandlerDefinition } {
    const seen: string[] = [];
    const onError = handler('error', ({ error, where, policy }: Trouble) => {
      seen.push(`${where} ${policy}: ${error.message}`);
    });
    return { seen, onError };
  }

  it('ends the framework by default, and @OnError is told before', async () => {
    const { seen, onError } = troubles();
    const rig = await new Rig({ handlers: [daemon(broken), onError] }).start();
    expect(rig.outcome).to.include({ code: 'HANDLER_FAILED' });
    expect(String(rig.outcome)).to.contain('The handler watch failed: broken');
    expect(seen).to.deep.equal(['watch crash: broken']);
    expect(stateOf(rig)).to.equal('failed');
    expect(rig.world.clock.pendingTimers).to.equal(0);
  });

  it('at once, without a promise, counts as well', async () => {
    const watch = daemon(() => {
      throw new Error('at once');
    });
    const rig = await new Rig({ handlers: [watch] }).start();
    expect(String(rig.outcome)).to.contain('at once');
  });

  it('is over with `skip`, and the framework goes on', async () => {
    const { seen, onError } = troubles();
    let runs = 0;
    const watch = daemon(
      () => {
        runs++;
        return broken();
      },
      { onError: 'skip' },
    );
    const rig = await new Rig({ handlers: [watch, onError] }).start();
    await rig.pass(300_000);
    expect(runs).to.equal(1);
    expect(rig.outcome).to.equal(undefined);
    expect(seen).to.deep.equal(['watch skip: broken']);
    expect(rig.runtime.view.daemons).to.deep.equal([
      { name: 'watch', state: 'failed', failures: 1, error: 'broken' },
    ]);
    await rig.close();
  });

  it('is called again with growing waits with `retry`, then crashes', async () => {
    const { seen, onError } = troubles();
    const begins: number[] = [];
    const watch = daemon(
      ({ clock }) => {
        begins.push(clock.elapsed());
        return broken();
      },
      { onError: 'retry', retries: 3, backoffMs: 2_000 },
    );
    const rig = await new Rig({ handlers: [watch, onError] }).start();
    expect(stateOf(rig)).to.equal('waiting');
    expect(rig.runtime.view.counters).to.include({ handler_errors: 1, daemon_restarts: 1 });
    await rig.pass(60_000);
    const waits = begins.slice(1).map((at, index) => at - (begins[index] ?? 0));
    expect(waits).to.have.length(3);
    expect(waits[0]).to.be.within(1_000, 2_000);
    expect(waits[1]).to.be.within(2_000, 4_000);
    expect(waits[2]).to.be.within(4_000, 8_000);
    expect(rig.outcome).to.include({ code: 'HANDLER_FAILED' });
    expect(seen.map((text) => text.split(' ')[1])).to.deep.equal([
      'retry:',
      'retry:',
      'retry:',
      'crash:',
    ]);
  });

  it('may do so for ever when it runs well for a while in between', async () => {
    let runs = 0;
    const watch = daemon(
      async (context) => {
        runs++;
        await context.sleep(DAEMON_STEADY_MS);
        throw new Error('broken');
      },
      { onError: 'retry', retries: 1 },
    );
    const rig = await new Rig({ handlers: [watch] }).start();
    await rig.pass(10 * DAEMON_STEADY_MS);
    expect(runs).to.be.within(9, 11);
    expect(rig.outcome).to.equal(undefined);
    await rig.close();
  });

  it('a TransientError is called again whatever the policy, until its retries are used up', async () => {
    for (const onError of ['crash', 'skip', 'retry'] as const) {
      const begins: number[] = [];
      const watch = daemon(
        ({ clock }) => {
          begins.push(clock.elapsed());
          return Promise.reject(new TransientError('busy', { retryAfter: '3s' }));
        },
        { onError, retries: 2 },
      );
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const rig = await new Rig({ handlers: [watch] }).start();
      // oxlint-disable-next-line no-await-in-loop -- as above
      await rig.pass(30_000);
      expect(begins, onError).to.deep.equal([0, 3_000, 6_000]);
      expect(stateOf(rig), onError).to.equal('failed');
      expect(rig.outcome === undefined, onError).to.equal(onError === 'skip');
      // oxlint-disable-next-line no-await-in-loop -- as above
      await rig.close();
    }
  });

  it('a FatalError ends the framework whatever the policy', async () => {
    for (const onError of ['skip', 'retry'] as const) {
      const watch = daemon(() => Promise.reject(new FatalError('gone for good')), { onError });
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const rig = await new Rig({ handlers: [watch] }).start();
      expect(rig.outcome, onError).to.include({ code: 'HANDLER_FAILED' });
      expect((rig.outcome as Error).cause, onError).to.include({ code: 'FATAL' });
    }
  });

  it('leaves nothing running: what it began ends with it', async () => {
    const seen: string[] = [];
    let runs = 0;
    const watch = daemon(
      async (context) => {
        runs++;
        if (runs > 1) {
          await context.sleep('1h');
          return;
        }
        const side = async (): Promise<void> => {
          await context.sleep('30s');
          seen.push('the first run goes on');
        };
        await Promise.all([side(), context.sleep('1s').then(() => Promise.reject(new Error('x')))]);
      },
      { onError: 'retry' },
    );
    const rig = await new Rig({ handlers: [watch] }).start();
    await rig.pass(60_000);
    expect(runs).to.equal(2);
    expect(seen).to.deep.equal([]);
    await rig.close();
  });

  it('is not called again after the end of the framework', async () => {
    let runs = 0;
    const watch = daemon(
      () => {
        runs++;
        return broken();
      },
      { onError: 'retry' },
    );
    const rig = await new Rig({ handlers: [watch] }).start();
    await rig.close();
    await rig.world.advance(60_000);
    expect(runs).to.equal(1);
    expect(stateOf(rig)).to.equal('failed');
  });
});

describe('The end of a framework with a daemon', () => {
  it('waits for what the daemon does about it, for a bounded time', async () => {
    const seen: string[] = [];
    const rig = await new Rig({
      handlers: [
        daemon(async (context) => {
          await context.sleep('1h').catch(() => undefined);
          await new Promise<void>((resolve) => rig.world.clock.setTimer(2_000, resolve));
          seen.push('tidied up');
        }),
      ],
    }).start();
    void rig.runtime.close();
    await rig.world.advance(1_900);
    expect(rig.outcome).to.equal(undefined);
    await rig.world.advance(200);
    expect(seen).to.deep.equal(['tidied up']);
    expect(rig.outcome).to.equal('closed');
    expect(rig.world.clock.pendingTimers).to.equal(0);
  });

  it('goes on without a daemon that does not end, and the log names it', async () => {
    const logged: [string, LogFields | undefined][] = [];
    const log = {
      ...SILENT_LOGGER,
      error: (message: string, fields?: LogFields) => void logged.push([message, fields]),
    };
    const world = new VirtualWorld({ log });
    let go = (): void => {};
    const deaf = daemon(() => new Promise<void>((resolve) => (go = resolve)), { method: 'deaf' });
    const rig = await new Rig({ world, handlers: [deaf] }).start();
    void rig.runtime.close();
    await world.advance(DAEMON_STOP_MS - 1);
    expect(rig.outcome).to.equal(undefined);
    expect(rig.transport.last.isClosed).to.equal(true);
    await world.advance(1);
    expect(rig.outcome).to.equal('closed');
    expect(stateOf(rig)).to.equal('hanging');
    expect(logged.map(([message, fields]) => [message, fields?.['daemon']])).to.deep.equal([
      ['a daemon does not end', 'deaf'],
    ]);
    expect(world.clock.pendingTimers).to.equal(0);
    go();
    await world.settle();
    expect(stateOf(rig)).to.equal('ended');
  });

  it('does not take what the daemon throws then for a failure', async () => {
    const watch = daemon(async (context) => {
      await context.sleep('1h').catch(() => {
        throw new Error('I was not done');
      });
    });
    const rig = await new Rig({ handlers: [watch] }).start();
    await rig.close();
    expect(rig.outcome).to.equal('closed');
    expect(stateOf(rig)).to.equal('ended');
  });

  it('writes what was decided before, and refuses what comes later', async () => {
    const caught: string[] = [];
    const store = new MemoryStore();
    const watch = daemon(async (context) => {
      await context.sleep('1h').catch(() => undefined);
      await context.decide(kill('late')).catch((error: { code: string }) => {
        caught.push(error.code);
      });
      await context.turn(() => 1).catch((error: { code: string }) => void caught.push(error.code));
      await context.sleep(1).catch((error: { code: string }) => void caught.push(error.code));
    });
    const rig = await new Rig({ handlers: [watch], store }).start();
    await rig.close();
    expect(caught).to.deep.equal(['STREAM_ENDED', 'STREAM_ENDED', 'STREAM_ENDED']);
    expect(rig.calls('KILL')).to.deep.equal([]);
  });

  for (const [how, end] of [
    ['a decision to stop', (rig: Rig) => rig.runtime.decide(stop())],
    ['a teardown that no master has heard of yet', (rig: Rig) => rig.runtime.decide(teardown())],
    ['the loss of the lease', (rig: Rig) => rig.runtime.abandon(new Error('deposed'))],
  ] as const) {
    it(`tells it so by the signal: ${how}`, async () => {
      let isTold = false;
      const watch = daemon(async (context) => {
        context.signal.addEventListener('abort', () => (isTold = true));
        await context.sleep('1h');
      });
      const rig = await new Rig({ handlers: [watch] }).start();
      rig.transport.answer = () => new Promise(() => {});
      void end(rig);
      await rig.world.settle();
      expect(isTold).to.equal(true);
      expect(stateOf(rig)).to.equal('ended');
    });
  }

  it('by a write that failed ends a daemon that waits for its decision', async () => {
    const medium = new MemoryMedium();
    const caught: unknown[] = [];
    const stored = [{ property: 'jobs', name: 'jobs', version: 1, migrations: {} }];
    const framework: { jobs?: Repository<string> } = {};
    const store = new MemoryStore({ medium });
    const watch = daemon(async (context) => {
      await context.sleep('10s');
      store.transact = () => Promise.reject(new Error('the disk is full'));
      framework.jobs?.set('a', '1');
      await context.decide(undefined).catch((error: { code: string }) => {
        caught.push(error.code);
      });
    });
    const rig = await new Rig({ handlers: [watch], store, stored, framework }).start();
    await rig.world.advance(11_000);
    expect(caught).to.deep.equal(['STREAM_ENDED']);
    expect(String(rig.outcome)).to.contain('the disk is full');
    expect(stateOf(rig)).to.equal('ended');
    expect(rig.world.clock.pendingTimers).to.equal(0);
  });
});
