import { expect } from 'chai';
import { delayAfter, delayedUntil } from '../../../../frameworks/services/decide/delays.js';
import { capacitiesOf, planApp } from '../../../../frameworks/services/decide/plan-app.js';
import { dependencyCycle, stepsOf } from '../../../../frameworks/services/decide/steps.js';
import { chooseVictims } from '../../../../frameworks/services/decide/victims.js';
import { app, instance } from './support.js';

const NOW = 1_000_000;

describe('planApp', () => {
  it('launches what lacks and ends what is too much', () => {
    const instances = [instance(), instance()];
    const facts = { instances, nowMs: NOW, isReconciled: true };
    expect(planApp({ kind: 'keep', app: app({ instances: 5 }) }, facts)).to.include({
      launch: 3,
      isDone: false,
    });
    expect(planApp({ kind: 'keep', app: app({ instances: 2 }) }, facts)).to.include({
      launch: 0,
      isDone: true,
    });
    const fewer = planApp({ kind: 'keep', app: app({ instances: 1 }) }, facts);
    expect(fewer.kills).to.deep.equal([instances[1]]);
  });

  it('ends those of another configuration that are out of reach, so that they do not come back', () => {
    const old = instance({ state: 'UNREACHABLE' }, { config: 'c1' });
    const instances = [old, instance({}, { config: 'c2' })];
    const facts = { instances, nowMs: NOW, isReconciled: true };
    const plan = planApp({ kind: 'roll', app: app({ instances: 1 }, 'c2') }, facts);
    expect(plan.kills).to.deep.equal([old]);
    expect(plan.isDone).to.equal(true);
  });

  it('ends those of another configuration first when a mixture has too many', () => {
    const mixed = [instance({}, { config: 'c1' }), instance({}, { config: 'c2' })];
    for (const instances of [mixed, mixed.toReversed()]) {
      const facts = { instances, nowMs: NOW, isReconciled: true };
      const plan = planApp({ kind: 'keep', app: app({ instances: 1 }, 'c2') }, facts);
      expect(plan.kills).to.deep.equal([mixed[0]]);
    }
  });

  it('says that it would end some if the truth were known', () => {
    const instances = [instance(), instance()];
    const goal = { kind: 'keep', app: app({ instances: 1 }) } as const;
    const unknown = planApp(goal, { instances, nowMs: NOW, isReconciled: false });
    expect(unknown).to.deep.include({ kills: [], isHeldBack: true });
    const known = planApp(goal, { instances, nowMs: NOW, isReconciled: true });
    expect(known.isHeldBack).to.equal(false);
  });

  it('ends nothing because of its number while the truth is not known', () => {
    const facts = { instances: [instance(), instance()], nowMs: NOW, isReconciled: false };
    expect(planApp({ kind: 'keep', app: app({ instances: 1 }) }, facts).kills).to.deep.equal([]);
    expect(planApp({ kind: 'roll', app: app({ instances: 1 }, 'c2') }, facts).kills).to.deep.equal(
      [],
    );
    expect(planApp({ kind: 'stop' }, facts).kills).to.have.length(2);
  });

  it('counts what is out of reach for as long as the app says', () => {
    const lost = instance({ state: 'UNREACHABLE', updatedAt: NOW - 5_000 });
    const plan = (unreachableStrategy: unknown): unknown => {
      const goal = { kind: 'keep', app: app({ instances: 1, unreachableStrategy }) } as const;
      const { launch, wakeAtMs } = planApp(goal, {
        instances: [lost],
        nowMs: NOW,
        isReconciled: true,
      });
      return { launch, wakeAtMs };
    };
    expect(plan({ inactiveAfterSeconds: 0 })).to.deep.equal({ launch: 1, wakeAtMs: undefined });
    expect(plan({ inactiveAfterSeconds: 60 })).to.deep.equal({ launch: 0, wakeAtMs: NOW + 55_000 });
    expect(plan('disabled')).to.deep.equal({ launch: 0, wakeAtMs: undefined });
  });

  it('replaces as many as capacity allows, and ends old ones as new ones are ready', () => {
    const upgradeStrategy = {
      minimumHealthCapacity: 0.75,
      maximumOverCapacity: 0.25,
      minHealthySeconds: 10,
    };
    const wanted = app({ instances: 4, upgradeStrategy }, 'c2');
    const old = [1, 2, 3, 4].map(() => instance());
    const plan = (instances: readonly ReturnType<typeof instance>[]): ReturnType<typeof planApp> =>
      planApp({ kind: 'roll', app: wanted }, { instances, nowMs: NOW, isReconciled: true });
    // One more than four fits, and one of four may be missing.
    expect(plan(old)).to.include({ launch: 1 });
    expect(plan(old).kills).to.have.length(1);
    const young = instance({}, { config: 'c2', healthySince: NOW - 9_000 });
    expect(plan([...old.slice(1), young])).to.include({ launch: 1, wakeAtMs: NOW + 1_000 });
    expect(plan([...old.slice(1), young]).kills).to.deep.equal([]);
    const ready = instance({}, { config: 'c2', healthySince: NOW - 10_000 });
    expect(plan([...old.slice(1), ready]).kills).to.have.length(1);
    const done = [1, 2, 3, 4].map(() => instance({}, { config: 'c2' }));
    expect(plan(done)).to.include({ launch: 0, isDone: true });
    expect(plan([...done, instance({ killedAt: 1 })])).to.include({ launch: 0, isDone: false });
  });

  it('gives up what does not come to run in time', () => {
    const goal = { kind: 'keep', app: app({ instances: 1 }) } as const;
    const staged = instance({ state: 'STAGING', launchedAt: NOW });
    const at = (nowMs: number) => planApp(goal, { instances: [staged], nowMs, isReconciled: true });
    expect(at(NOW)).to.deep.include({ kills: [], wakeAtMs: NOW + 300_000 });
    expect(at(NOW + 300_000).kills).to.deep.equal([staged]);
  });

  it('always has room for one more where nothing could be replaced', () => {
    expect(
      capacitiesOf(app({ instances: 10, upgradeStrategy: { maximumOverCapacity: 0 } })),
    ).to.deep.equal({ minHealthy: 10, most: 11 });
    expect(
      capacitiesOf(
        app({
          instances: 10,
          upgradeStrategy: { minimumHealthCapacity: 0.5, maximumOverCapacity: 0.1 },
        }),
      ),
    ).to.deep.equal({ minHealthy: 5, most: 11 });
  });

  it('is done with what is to stop when only that is left which is out of reach', () => {
    const lost = instance({ state: 'UNREACHABLE' });
    const facts = { instances: [lost], nowMs: NOW, isReconciled: true };
    expect(planApp({ kind: 'stop' }, facts)).to.include({ isDone: false });
    const killed = instance({ state: 'UNREACHABLE', killedAt: 1 });
    expect(planApp({ kind: 'stop' }, { ...facts, instances: [killed] })).to.include({
      isDone: true,
    });
  });
});

describe('chooseVictims', () => {
  it('takes those that are missed least, then the youngest or the oldest', () => {
    const lost = instance({ state: 'UNREACHABLE' });
    const ill = instance({ healthy: false }, { checked: true });
    const staged = instance({ state: 'STAGING' });
    const [oldest, youngest] = [instance({ launchedAt: 1 }), instance({ launchedAt: 2 })];
    const all = [oldest, staged, youngest, ill, lost];
    expect(chooseVictims(all, 5, app())).to.deep.equal([lost, ill, staged, youngest, oldest]);
    expect(chooseVictims(all, 4, app({ killSelection: 'OLDEST_FIRST' })).at(-1)).to.equal(oldest);
  });

  it('keeps what is left even', () => {
    const on = (rack: string, launchedAt: number) => instance({ attributes: { rack }, launchedAt });
    const all = [on('r1', 1), on('r1', 2), on('r1', 3), on('r2', 9)];
    const victims = chooseVictims(all, 2, app({ constraints: [['rack', 'GROUP_BY']] }));
    expect(victims.map(({ task }) => task.attributes['rack'])).to.deep.equal(['r1', 'r1']);
  });
});

describe('Delays', () => {
  const wanted = app({ backoffSeconds: 2, backoffFactor: 2, maxLaunchDelaySeconds: 5 });

  it('grow with each failure of what was launched after the last, up to the longest', () => {
    const failed = (launchedAt: number) => instance({ state: 'FAILED', launchedAt }).task;
    const first = delayAfter(wanted, failed(0), { before: undefined, nowMs: 0 });
    expect(first).to.include({ untilMs: 2_000, nextMs: 4_000 });
    expect(delayAfter(wanted, failed(-5), { before: first, nowMs: 10 })).to.equal(undefined);
    const second = delayAfter(wanted, failed(2_000), { before: first, nowMs: 3_000 });
    expect(second).to.include({ untilMs: 7_000, nextMs: 5_000 });
    const third = delayAfter(wanted, failed(7_000), { before: second, nowMs: 8_000 });
    expect(third).to.include({ untilMs: 13_000, nextMs: 5_000 });
    const quiet = delayAfter(wanted, failed(20_000), { before: third, nowMs: 20_000 });
    expect(quiet).to.include({ untilMs: 22_000 });
  });

  it('do not come from what was asked for or the infrastructure, nor outlive their configuration', () => {
    const raised = (task: Parameters<typeof instance>[0]): unknown =>
      delayAfter(wanted, instance(task).task, { before: undefined, nowMs: 0 });
    expect(raised({ state: 'KILLED' })).to.equal(undefined);
    expect(raised({ state: 'FAILED', killedAt: 1 })).to.equal(undefined);
    expect(raised({ state: 'GONE_BY_OPERATOR' })).to.equal(undefined);
    expect(raised({ state: 'FINISHED' })).to.not.equal(undefined);
    const delay = { config: 'c1', nextMs: 1, untilMs: 99, raisedAt: 0 };
    expect(delayedUntil(wanted, delay, 50)).to.equal(99);
    expect(delayedUntil(wanted, delay, 99)).to.equal(undefined);
    expect(delayedUntil(app({}, 'c2'), delay, 50)).to.equal(undefined);
  });
});

describe('Steps of deployments', () => {
  const none = (): boolean => false;

  it('end what goes, start what is new, and follow dependencies', () => {
    const db = app({ id: '/db' }, 'c2');
    const web = app({ id: '/web', dependencies: ['/db'] }, 'c2');
    const changes = {
      '/old': { from: app({ id: '/old' }) },
      '/web': { to: web },
      '/db': { from: app({ id: '/db' }, 'c1'), to: db },
    };
    const steps = stepsOf(changes, none).map(({ actions }) =>
      actions.map((one) => `${one.action} ${one.app}`),
    );
    expect(steps).to.deep.equal([
      ['StopApplication /old'],
      ['StartApplication /web'],
      ['RestartApplication /db'],
      ['ScaleApplication /web'],
    ]);
  });

  it('replace instances of a mixture, and do nothing where nothing changes', () => {
    const one = app();
    expect(stepsOf({ '/web': { from: one, to: one } }, none)).to.deep.equal([]);
    expect(stepsOf({ '/web': { from: one, to: one } }, () => true)[0]?.actions[0]?.action).to.equal(
      'RestartApplication',
    );
    const more = { ...one, instances: 9 };
    expect(stepsOf({ '/web': { from: one, to: more } }, none)[0]?.actions[0]?.action).to.equal(
      'ScaleApplication',
    );
  });

  it('follow long and wide dependencies without effort', () => {
    const size = 1_000;
    const apps = Array.from({ length: size }, (_, n) =>
      app({
        id: `/n${n}`,
        dependencies: n < 2 ? [] : [`/n${n - 1}`, `/n${n - 2}`],
      }),
    );
    const changes = Object.fromEntries(apps.toReversed().map((to) => [to.id, { to }]));
    const byId = new Map(apps.map((one) => [one.id, one]));
    expect(dependencyCycle(apps.toReversed(), (id) => byId.get(id))).to.equal(undefined);
    expect(stepsOf(changes, none)).to.have.length(size);
  });

  it('are refused when dependencies form a cycle', () => {
    const apps = [
      app({ id: '/a', dependencies: ['/b'] }),
      app({ id: '/b', dependencies: ['/c'] }),
      app({ id: '/c' }),
    ];
    expect(dependencyCycle(apps, (id) => apps.find((one) => one.id === id))).to.equal(undefined);
    const cycle = [...apps.slice(0, 2), app({ id: '/c', dependencies: ['/a'] })];
    expect(dependencyCycle(cycle, (id) => cycle.find((one) => one.id === id))).to.deep.equal([
      '/a',
      '/b',
      '/c',
      '/a',
    ]);
  });
});
