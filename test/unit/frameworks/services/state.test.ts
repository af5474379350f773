import { expect } from 'chai';
import type { NamedEvent } from '../../../../sdk/admin/index.js';
import { MemoryRepository } from '../../../../sdk/index.js';
import { parseSelector } from '../../../../frameworks/services/api/selector.js';
import { AppIndex } from '../../../../frameworks/services/state/app-index.js';
import {
  type DeploymentParts,
  DeploymentStore,
} from '../../../../frameworks/services/state/deployment-store.js';
import { EventHub, MAX_KEPT_EVENTS } from '../../../../frameworks/services/state/event-hub.js';
import { LaunchQueue, funnelOf } from '../../../../frameworks/services/state/launch-queue.js';
import {
  MAX_VERSIONS,
  type ServiceState,
  forgetApp,
  setApp,
  versionsOf,
} from '../../../../frameworks/services/state/model.js';
import type { AppRecord } from '../../../../frameworks/services/state/app-record.js';
import { app } from './support.js';

function deploymentStore(): DeploymentStore {
  const parts: DeploymentParts = {
    plans: new MemoryRepository(),
    progress: new MemoryRepository(),
    changes: new MemoryRepository(),
  };
  return new DeploymentStore(() => parts);
}

function state(): ServiceState {
  const apps = new MemoryRepository<AppRecord>();
  return {
    apps,
    index: new AppIndex(() => apps),
    versions: new MemoryRepository(),
    deployments: deploymentStore(),
    instances: new MemoryRepository(),
    delays: new MemoryRepository(),
    failures: new MemoryRepository(),
  };
}

describe('Versions', () => {
  it('are kept up to the bound, the newest first, and forgotten with the app', () => {
    const stored = state();
    for (let number = 1; number <= MAX_VERSIONS + 5; number++) {
      setApp(stored, app({}, `2030-01-01T00:00:00.${String(number).padStart(3, '0')}Z`));
    }
    const versions = versionsOf(stored, '/web');
    expect(versions).to.have.length(MAX_VERSIONS);
    expect(stored.versions.size).to.equal(MAX_VERSIONS);
    expect(versions[0]?.version).to.equal('2030-01-01T00:00:00.055Z');
    forgetApp(stored, '/web');
    expect([stored.apps.size, stored.versions.size]).to.deep.equal([0, 0]);
  });
});

describe('EventHub', () => {
  function read(
    hub: EventHub,
    types: readonly string[],
    lastId?: string,
  ): { readonly seen: NamedEvent[]; end(): void } {
    const seen: NamedEvent[] = [];
    const stream = hub.stream({
      types,
      lastId,
      shape: (event) => event,
      onOpen: () => {},
      onEnd: () => {},
    });
    const subscription = stream.subscribe({
      next: (event) => void seen.push(event),
      error: () => {},
      complete: () => {},
    });
    return { seen, end: () => subscription.unsubscribe() };
  }
  const event = (eventType: string) => ({ eventType, timestamp: 't' });

  it('tells readers of the types that they ask for, and what they missed', () => {
    const hub = new EventHub('run');
    const one = read(hub, ['a']);
    hub.publish([event('a'), event('b')]);
    expect(one.seen.map((each) => each.event)).to.deep.equal(['a']);
    expect(one.seen[0]?.id).to.equal('run.1');
    one.end();
    hub.publish([event('a')]);
    expect(one.seen).to.have.length(1);
    expect(hub.readers).to.equal(0);
    expect(read(hub, [], 'run.1').seen.map((each) => each.id)).to.deep.equal(['run.2', 'run.3']);
    expect(read(hub, [], 'other.1').seen).to.deep.equal([]);
  });

  it('keeps a bounded number', () => {
    const hub = new EventHub('run');
    for (let number = 0; number < MAX_KEPT_EVENTS + 10; number++) hub.publish([event('a')]);
    expect(read(hub, [], 'run.0').seen).to.have.length(MAX_KEPT_EVENTS);
  });
});

describe('LaunchQueue', () => {
  it('counts the reasons of offers as a funnel', () => {
    const queue = new LaunchQueue();
    const spec = { name: 'web', cpus: 1, memMiB: 1 };
    const refusals = [
      { reason: 'CONSTRAINT', detail: 'rack LIKE r1', offers: 2 },
      {
        reason: 'RESOURCE',
        detail: 'mem',
        offers: 3,
        nearest: { hostname: 'h1', wanted: 5, left: 4 },
      },
    ] as const;
    queue.looked('/web', { offers: 5, placed: 0, unplaced: [{ spec, count: 4, refusals }] }, 100);
    queue.looked(
      '/web',
      { offers: 0, placed: 0, unplaced: [{ spec, count: 4, refusals: [] }] },
      200,
    );
    const waiting = queue.get('/web');
    expect(waiting).to.include({ count: 4, sinceMs: 100, processed: 5, unused: 5 });
    expect(waiting?.words[1]).to.equal('RESOURCE mem in 3 offers: 5 wanted, at most 4 left (h1)');
    const steps = funnelOf(waiting?.last ?? new Map());
    expect(steps).to.have.length(10);
    expect(steps.find(({ reason }) => reason === 'UnfulfilledConstraint')).to.include({
      declined: 2,
      processed: 5,
    });
    expect(steps.find(({ reason }) => reason === 'InsufficientMemory')).to.include({
      declined: 3,
      processed: 3,
    });
    queue.looked('/web', { offers: 1, placed: 4, unplaced: [] }, 300);
    expect(queue.get('/web')).to.equal(undefined);
  });
});

describe('parseSelector', () => {
  const labels = { team: 'a', stage: 'prod' };
  const cases: readonly (readonly [string, boolean])[] = [
    ['team', true],
    ['other', false],
    ['team==a', true],
    ['team==b', false],
    ['team!=b', true],
    ['team in (a, b),stage==prod', true],
    ['team notin (a)', false],
    ['other notin (a)', true],
  ];
  for (const [text, holds] of cases) {
    it(`reads '${text}'`, () => expect(parseSelector(text)?.(labels)).to.equal(holds));
  }

  it('refuses what is none', () => {
    expect(parseSelector('a===b c')).to.equal(undefined);
  });
});
