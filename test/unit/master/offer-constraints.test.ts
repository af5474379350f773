import { expect } from 'chai';
import type {
  SchedulerAttributeConstraintPredicate,
  SchedulerOfferConstraints,
} from '../../../core/api/index.js';
import { id } from '../../../core/base/index.js';
import { type MasterSettings, viewFrameworks } from '../../../core/master/index.js';
import { AGENT_INFO, FRAMEWORK_INFO, FakeStream, Harness, Scheduler } from './harness.js';

const ROLE = FRAMEWORK_INFO.roles?.[0] ?? '*';

function onRack(
  predicate: SchedulerAttributeConstraintPredicate,
  role = ROLE,
): SchedulerOfferConstraints {
  const constraint = { selector: { attribute_name: 'rack' }, predicate };
  return { role_constraints: { [role]: { groups: [{ attribute_constraints: [constraint] }] } } };
}

const isRack = (value: string) => onRack({ text_equals: { value } });
const matches = (regex: string) => onRack({ text_matches: { regex } });

async function subscribe(
  harness: Harness,
  offer_constraints: SchedulerOfferConstraints | undefined,
  frameworkId?: string,
): Promise<Scheduler> {
  const stream = new FakeStream(`constrained-${Math.floor(harness.world.clock.elapsed())}`);
  const framework_info = {
    ...FRAMEWORK_INFO,
    ...(frameworkId !== undefined && { id: { value: frameworkId } }),
  };
  const call = { type: 'SUBSCRIBE' as const, subscribe: { framework_info, offer_constraints } };
  harness.master.schedulerSubscribe(call, stream);
  await harness.world.settle();
  return new Scheduler(harness, stream);
}

async function started(config: MasterSettings = {}): Promise<Harness> {
  const harness = await Harness.started({ config });
  const attributes = [{ name: 'rack', type: 'TEXT' as const, text: { value: 'r1' } }];
  await harness.register({ ...AGENT_INFO, attributes });
  return harness;
}

const shown = ({ master }: Harness) =>
  viewFrameworks(master.cluster).frameworks?.map(({ offer_constraints }) => offer_constraints);

describe('Offer constraints of frameworks', () => {
  it('keep away the agents that do not meet them', async () => {
    const harness = await started();
    const [here, elsewhere] = [
      await subscribe(harness, isRack('r1')),
      await subscribe(harness, isRack('r2')),
    ];
    await harness.world.advance(2000);
    expect(here.stream.offers).to.have.length(1);
    expect(elsewhere.stream.offers).to.deep.equal([]);
    expect(shown(harness)).to.deep.equal([isRack('r1'), isRack('r2')]);
  });

  it('change by UPDATE_FRAMEWORK and leave offers that are out', async () => {
    const harness = await started();
    const scheduler = await subscribe(harness, undefined);
    await harness.world.advance(1000);
    expect(scheduler.stream.offers).to.have.length(1);
    const framework_info = { ...FRAMEWORK_INFO, id: { value: scheduler.id } };
    const update = (offer_constraints?: SchedulerOfferConstraints) =>
      scheduler.ask({
        type: 'UPDATE_FRAMEWORK',
        update_framework: { framework_info, offer_constraints },
      });
    expect(await update(isRack('r2'))).to.deep.equal({ status: 200 });
    expect(scheduler.stream.of('RESCIND')).to.deep.equal([]);
    const offer_ids = scheduler.stream.offers.map((offer) => offer.id);
    const decline = { offer_ids, filters: { refuse_seconds: 0 } };
    scheduler.call({ type: 'DECLINE', decline });
    await harness.world.advance(3000);
    expect(scheduler.stream.offers).to.have.length(1);
    expect(shown(harness)).to.deep.equal([isRack('r2')]);
    expect(await update()).to.deep.equal({ status: 200 });
    await harness.world.advance(1000);
    expect(scheduler.stream.offers).to.have.length(2);
    expect(shown(harness)).to.deep.equal([{}]);
  });

  it('are refused when they are not valid, naming the field, and nothing changes', async () => {
    const harness = await started();
    const good = await subscribe(harness, isRack('r2'));
    const framework_info = { ...FRAMEWORK_INFO, id: { value: good.id } };
    const cases: readonly (readonly [SchedulerOfferConstraints, RegExp])[] = [
      [onRack({ exists: {} }, 'foreign'), /role 'foreign'.*not among the roles/],
      [{ role_constraints: { [ROLE]: { groups: [] } } }, /'groups' must not be empty/],
      [matches('('), /predicate\.regex is not valid: .*missing/],
      [matches('(a+){50}'), /predicate\.regex compiles to 202 instructions; the limit is 100/],
      [matches('x{1000}'.repeat(500)), /compiles to about 500000 instructions/],
      [matches('a'.repeat(4097)), /is longer than 4096 characters/],
    ];
    for (const [offer_constraints, problem] of cases) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const refused = await subscribe(harness, offer_constraints);
      expect(refused.stream.types).to.deep.equal(['ERROR']);
      expect(refused.stream.error).to.match(problem);
      const update_framework = {
        framework_info: { ...framework_info, name: 'changed' },
        offer_constraints,
      };
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const answer = await good.ask({ type: 'UPDATE_FRAMEWORK', update_framework });
      expect(answer.status).to.equal(400);
      expect(answer.message).to.match(problem);
    }
    const kept = harness.master.cluster.frameworks.get(id<'FrameworkId'>(good.id));
    expect(kept?.info.name).to.equal(FRAMEWORK_INFO.name);
    expect(shown(harness)).to.deep.equal([isRack('r2')]);
  });

  it('may be as large as the operator says', async () => {
    const patternLimits = { maxChars: 20, maxInstructions: 3 };
    const harness = await started({ allocator: { patternLimits } });
    expect((await subscribe(harness, matches('r'))).stream.error).to.equal(undefined);
    expect((await subscribe(harness, matches('r12'))).stream.error).to.match(/limit is 3/);
    expect((await subscribe(harness, matches('r'.repeat(21)))).stream.error).to.match(/20 char/);
  });

  it('are said anew at each SUBSCRIBE: a registry does not know them', async () => {
    const harness = await started();
    const before = await subscribe(harness, isRack('r2'));
    const next = await harness.restarted();
    expect(shown(next)).to.deep.equal([{}]);
    await next.world.advance(1);
    const again = await subscribe(next, isRack('r1'), before.id);
    expect(again.id).to.equal(before.id);
    expect(shown(next)).to.deep.equal([isRack('r1')]);
  });
});

describe('UPDATE_FRAMEWORK', () => {
  it('is answered when the change is durable', async () => {
    const harness = await started();
    const scheduler = await subscribe(harness, undefined);
    const record = async (): Promise<string> => {
      const entry = await harness.store.get(`registry/frameworks/${scheduler.id}`);
      return JSON.stringify(entry, (_key, value: unknown) =>
        value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : value,
      );
    };
    expect(await record()).to.not.include('changed');
    const framework_info = { ...FRAMEWORK_INFO, id: { value: scheduler.id }, name: 'changed' };
    const call = {
      type: 'UPDATE_FRAMEWORK' as const,
      framework_id: { value: scheduler.id },
      update_framework: { framework_info },
    };
    const answer = harness.master.schedulerCall(call, scheduler.stream.id);
    expect(answer).to.be.instanceOf(Promise);
    expect(await answer).to.deep.equal({ status: 200 });
    expect(await record()).to.include('changed');
    expect(harness.master.schedulerCall(call, scheduler.stream.id)).to.deep.equal({ status: 200 });
  });
});
