/** Handlers that return, throw and store what no compiler would let pass, and that die half way. */
import { expect } from 'chai';
import type { OperationStatus } from '../../../../core/api/index.js';
import { MemoryStore } from '../../../../core/store/index.js';
import { want, task } from '../../../../sdk/decisions/index.js';
import type { Context, OperationUpdate, Repository } from '../../../../sdk/framework/index.js';
import type { TaskUpdate, Trouble } from '../../../../sdk/framework/index.js';
import type { Offers } from '../../../../sdk/matching/index.js';
import { Rig, handler } from './support.js';

const WEB = task({ name: 'web', cpus: 1, memMiB: 64, command: 'sleep 100' });
const keepOne = handler('offers', (offers: Offers) => offers.keep(1, WEB));

/** Gives an offer to a framework that returns something once. What has become of it. */
async function returning(decision: unknown): Promise<Rig> {
  let isOver = false;
  const onOffers = handler('offers', (offers: Offers) => {
    if (offers.isEmpty || isOver) return undefined;
    isOver = true;
    return decision;
  });
  const rig = await new Rig({ handlers: [onOffers] }).start();
  rig.take();
  await rig.offer(rig.newOffer());
  await rig.world.advance(100);
  return rig;
}

describe('An update whose handler has not come to its end', () => {
  const noting = (told: string[]) =>
    handler('status', ({ state }: TaskUpdate) => void told.push(state));

  async function finished(rig: Rig): Promise<string> {
    await rig.offer(rig.newOffer());
    const id = rig.runtime.view.tasks.all()[0]?.id ?? '';
    await rig.update(id, 'TASK_RUNNING', { uuid: 'dQ==' });
    await rig.update(id, 'TASK_FINISHED', { uuid: 'dR==' });
    return id;
  }

  it('comes again when the handler decided something and then threw', async () => {
    const store = new MemoryStore();
    const onStatus = handler('status', async ({ state }: TaskUpdate, context: Context) => {
      if (state !== 'FINISHED') return;
      await context.decide(want({ name: 'more', count: 0 }));
      throw new Error('half way');
    });
    const first = await new Rig({ store, handlers: [keepOne, onStatus] }).start();
    const id = await finished(first);
    expect(first.outcome).to.include({ code: 'HANDLER_FAILED' });
    const told: string[] = [];
    const second = await new Rig({ store, handlers: [keepOne, noting(told)] }).start();
    await second.update(id, 'TASK_FINISHED', { uuid: 'dR==' });
    expect(told).to.deep.equal(['FINISHED']);
    await second.close();
  });

  it('comes again when somebody else decided something meanwhile', async () => {
    const store = new MemoryStore();
    const onStatus = handler(
      'status',
      ({ state }: TaskUpdate) => {
        if (state === 'FINISHED') throw new Error('not now');
      },
      { onError: 'retry' },
    );
    const first = await new Rig({ store, handlers: [keepOne, onStatus] }).start();
    const id = await finished(first);
    await first.runtime.decide(want({ name: 'more', count: 0 }));
    await first.close();
    const told: string[] = [];
    const second = await new Rig({ store, handlers: [keepOne, noting(told)] }).start();
    await second.update(id, 'TASK_FINISHED', { uuid: 'dR==' });
    expect(told).to.deep.equal(['FINISHED']);
    await second.close();
  });

  it('is written when its turn is over, whatever was decided meanwhile', async () => {
    const store = new MemoryStore();
    const onStatus = handler('status', async (_update: TaskUpdate, context: Context) => {
      await context.decide(want({ name: 'more', count: 0 }));
    });
    const first = await new Rig({ store, handlers: [keepOne, onStatus] }).start();
    const id = await finished(first);
    await first.close();
    const told: string[] = [];
    const second = await new Rig({ store, handlers: [keepOne, noting(told)] }).start();
    await second.update(id, 'TASK_FINISHED', { uuid: 'dR==' });
    expect(told).to.deep.equal([]);
    expect(second.runtime.view.tasks.get(id)?.state).to.equal('FINISHED');
    await second.close();
  });

  it('comes again if it is of an operation', async () => {
    const store = new MemoryStore();
    const status: OperationStatus = {
      operation_id: { value: 'op' },
      agent_id: { value: 'A1' },
      state: 'OPERATION_FINISHED',
      uuid: { value: 'dQ==' },
    };
    const event = { type: 'UPDATE_OPERATION_STATUS', update_operation_status: { status } } as const;
    const onOperation = handler('operation', async (_update: OperationUpdate, context: Context) => {
      await context.decide(want({ name: 'more', count: 0 }));
      throw new Error('half way');
    });
    const first = await new Rig({ store, handlers: [onOperation] }).start();
    await first.event(event);
    expect(first.outcome).to.include({ code: 'HANDLER_FAILED' });
    const told: string[] = [];
    const second = await new Rig({
      store,
      handlers: [handler('operation', ({ state }: OperationUpdate) => void told.push(state))],
    }).start();
    await second.event(event);
    expect(told).to.deep.equal(['OPERATION_FINISHED']);
    await second.close();
  });
});

describe('What is no decision', () => {
  const cases: readonly (readonly [string, unknown, string])[] = [
    ['null', null, 'it is null'],
    ['a list with a number', [[5]], 'a list with an entry that is none'],
    ['actions that are no list', { actions: 5 }, 'it is a object'],
    ['an accept without offers', { kind: 'accept' }, "'offerIds' of the action 'accept'"],
    ['a hold of a text', { kind: 'hold', offerIds: 'O1', for: '1s' }, "'offerIds'"],
    ['a kill of nobody', { kind: 'kill' }, "'taskId' of the action 'kill' must be a text"],
    ['a message without data', { kind: 'message', agentId: 'a', executorId: 'e' }, "'data'"],
    ['wants that are no list', { kind: 'want', wants: 5, replaces: 'all' }, "'wants'"],
    ['a want without a name', { kind: 'want', wants: [{ count: 1 }], replaces: 'all' }, "'name'"],
    ['a want of NaN cpus', want({ name: 'x', count: 1, cpus: Number.NaN }), "'cpus'"],
    ['forget without tasks', { kind: 'forget' }, "'taskIds'"],
  ];
  for (const [name, decision, words] of cases) {
    it(`is refused with what to do: ${name}`, async () => {
      const rig = await returning(decision);
      expect(rig.outcome).to.include({ code: 'HANDLER_FAILED' });
      expect(String(rig.outcome)).to.contain(words);
      expect(String(rig.outcome), 'nothing of the engine').to.not.match(
        /not iterable|undefined \(/,
      );
      expect(rig.world.clock.pendingTimers).to.equal(0);
    });
  }

  it('names the roles when something is wanted for another one, which would wait for ever', async () => {
    const rig = await returning(want({ name: 'x', count: 1, role: 'batch' }));
    expect(String(rig.outcome)).to.contain("no role 'batch'").and.to.contain('Its roles are web');
  });
});

describe('Promises and streams that are not well made', () => {
  const broken: readonly (readonly [string, unknown])[] = [
    [
      'then throws',
      {
        // oxlint-disable-next-line unicorn/no-thenable -- that is the case
        then: () => {
          throw new Error('broken');
        },
      },
    ],
    [
      'subscribe throws',
      {
        subscribe: () => {
          throw new Error('broken');
        },
      },
    ],
  ];
  for (const [name, result] of broken) {
    it(`fail their handler alone: ${name}`, async () => {
      const troubles: string[] = [];
      const rig = await new Rig({
        handlers: [
          handler('message', () => result, { onError: 'skip' }),
          handler(
            'error',
            ({ where, policy }: Trouble) => void troubles.push(`${where} ${policy}`),
          ),
        ],
      }).start();
      await rig.event({
        type: 'MESSAGE',
        message: { agent_id: { value: 'A' }, executor_id: { value: 'E' }, data: '' },
      });
      await rig.world.advance(100);
      expect(troubles).to.deep.equal(['message skip']);
      expect(rig.outcome).to.equal(undefined);
      await rig.close();
    });
  }

  it('end at their time when subscribing gives nothing back', async () => {
    const rig = await returning({ subscribe: () => undefined });
    await rig.world.advance(61_000);
    expect(String(rig.outcome)).to.contain('took longer than 60000 ms');
    expect(rig.world.clock.pendingTimers).to.equal(0);
  });

  it('may throw what has no text', async () => {
    const nothing: unknown = Object.create(null);
    const rig = new Rig({
      handlers: [
        handler('offers', () => {
          throw nothing;
        }),
      ],
    });
    rig.run();
    await rig.world.advance(100);
    expect(rig.outcome).to.include({ code: 'HANDLER_FAILED' });
  });
});

describe('Values that a restart would change', () => {
  const values: readonly (readonly [string, unknown])[] = [
    ['a Date', new Date(0)],
    ['a Map', { inside: new Map([['a', 1]]) }],
    ['NaN', [1, Number.NaN]],
    ['a Uint8Array', new Uint8Array(2)],
  ];
  for (const [name, value] of values) {
    it(`are refused when they are stored: ${name}`, async () => {
      const framework: { notes?: Repository<unknown> } = {};
      const rig = new Rig({
        framework,
        stored: [{ property: 'notes', name: 'notes', version: 1, migrations: {} }],
        handlers: [handler('offers', () => framework.notes?.set('key', value))],
      });
      rig.run();
      await rig.world.advance(100);
      expect(String(rig.outcome)).to.contain(`${name} would be something else after a restart`);
    });
  }

  it('are not those whose form stays: objects of classes, and fields that are undefined', async () => {
    class Body {
      readonly size = 3;
      readonly name = undefined;
    }
    const framework: { notes?: Repository<unknown> } = {};
    const rig = await new Rig({
      framework,
      stored: [{ property: 'notes', name: 'notes', version: 1, migrations: {} }],
      handlers: [handler('offers', () => framework.notes?.set('key', [new Body()]))],
    }).start();
    expect((await rig.store.get('state/notes/key'))?.value).to.equal('[{"size":3}]');
    await rig.close();
  });
});
