/**
 * Whatever happens, and whatever handlers decide: each offer is answered once at most, and none stays
 * unanswered; each update is acknowledged; a task is launched once; nothing is left after the end.
 */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { VirtualWorld } from '../../../../core/base/index.js';
import { MemoryStore } from '../../../../core/store/index.js';
import { type Decision, decline, hold, kill, task, want } from '../../../../sdk/decisions/index.js';
import type { Offers } from '../../../../sdk/matching/index.js';
import { Rig, handler } from '../../../unit/sdk/runtime/support.js';

const WEB = task({ name: 'web', cpus: 1, memMiB: 64, command: 'sleep 100' });

type Step =
  | { readonly kind: 'offer'; readonly count: number }
  | { readonly kind: 'rescind'; readonly which: number }
  | { readonly kind: 'update'; readonly which: number; readonly state: number }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'break' | 'pause' | 'resume' | 'decide' };

const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('offer' as const), count: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ kind: fc.constant('rescind' as const), which: fc.nat(50) }),
    fc.record({ kind: fc.constant('update' as const), which: fc.nat(20), state: fc.nat(3) }),
    fc.record({ kind: fc.constant('advance' as const), ms: fc.nat(20_000) }),
    fc.record({ kind: fc.constantFrom('break', 'pause', 'resume', 'decide') }),
  ),
  { maxLength: 40 },
);

const STATES = ['TASK_RUNNING', 'TASK_FAILED', 'TASK_LOST', 'TASK_KILLED'] as const;

/** A master that keeps account. */
class Account {
  readonly rig: Rig;
  readonly made = new Map<string, number>();
  readonly rescinded = new Set<string>();
  readonly uuids = new Set<string>();
  readonly world = new VirtualWorld();
  #session = 0;
  #updates = 0;

  constructor(choices: readonly number[]) {
    const { clock } = this.world;
    let turn = 0;
    const onOffers = (offers: Offers): Decision | Promise<Decision> => {
      const choice = choices[turn++ % choices.length] ?? 0;
      const decision = decide(choice, offers);
      if (choice % 2 === 0) return decision;
      return new Promise((resolve) => clock.setTimer(choice * 10, () => resolve(decision)));
    };
    this.rig = new Rig({
      world: this.world,
      store: new MemoryStore({ delay: { clock, commitMs: () => 7 } }),
      handlers: [handler('offers', onOffers), handler('status', () => undefined)],
    });
  }

  async start(): Promise<void> {
    this.rig.run();
    await this.rig.world.advance(500);
    await this.rig.subscribe();
    await this.rig.world.advance(50);
  }

  async step(step: Step): Promise<void> {
    const { rig, world } = this;
    if (step.kind === 'advance') await rig.pass(step.ms);
    if (step.kind === 'offer') {
      const offers = Array.from({ length: step.count }, () => rig.newOffer());
      for (const { id } of offers) this.made.set(id.value, this.#session);
      await rig.offer(...offers);
    }
    if (step.kind === 'rescind') await this.#rescind(step.which);
    if (step.kind === 'update') await this.#update(step.which, step.state);
    if (step.kind === 'pause') rig.runtime.pause();
    if (step.kind === 'resume') rig.runtime.resume();
    if (step.kind === 'decide') void rig.runtime.decide(want({ name: 'more', count: 1 }));
    if (step.kind !== 'break') return;
    await rig.breakStream();
    await world.advance(20_000);
    this.#session++;
    await rig.subscribe();
    await world.advance(50);
  }

  async #rescind(which: number): Promise<void> {
    const id = `O${which}`;
    if (this.made.get(id) !== this.#session || this.answers().has(id)) return;
    this.rescinded.add(id);
    await this.rig.event({ type: 'RESCIND', rescind: { offer_id: { value: id } } });
  }

  async #update(which: number, state: number): Promise<void> {
    const tasks = this.rig.runtime.view.tasks.all();
    const id = tasks[which % Math.max(1, tasks.length)]?.id ?? 'stray';
    const uuid = Buffer.from(String(this.#updates++)).toString('base64');
    this.uuids.add(uuid);
    await this.rig.update(id, STATES[state] ?? 'TASK_RUNNING', { uuid });
  }

  /** How often each offer was answered, over all sessions. */
  answers(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { calls } of this.rig.transport.sessions) {
      for (const { accept, decline } of calls) {
        for (const { value } of [...(accept?.offer_ids ?? []), ...(decline?.offer_ids ?? [])]) {
          counts.set(value, (counts.get(value) ?? 0) + 1);
        }
      }
    }
    return counts;
  }

  launched(): readonly string[] {
    return this.rig.transport.sessions.flatMap(({ calls }) =>
      calls.flatMap(({ accept }) =>
        (accept?.operations ?? []).flatMap((one) =>
          (one.launch?.task_infos ?? []).map((info) => info.task_id.value),
        ),
      ),
    );
  }

  check(): void {
    expect(this.rig.outcome).to.equal(undefined);
    const answers = this.answers();
    for (const [id, count] of answers) expect(count, `answers to ${id}`).to.equal(1);
    for (const [id, session] of this.made) {
      if (session !== this.#session || this.rescinded.has(id)) continue;
      expect(answers.has(id), `${id} is answered`).to.equal(true);
    }
    const launched = this.launched();
    expect(new Set(launched).size).to.equal(launched.length);
    for (const id of launched) expect(this.rig.runtime.view.tasks.get(id)).to.not.equal(undefined);
  }
}

function decide(choice: number, offers: Offers): Decision {
  const all = [...offers];
  const [first] = all;
  if (first === undefined) return want({ name: 'web', count: choice });
  const running = offers.tasks.live()[0];
  return [
    undefined,
    offers.keep(3, WEB),
    [offers.fit(WEB), running === undefined ? undefined : kill(running)],
    hold(all, { for: '9s' }),
    decline(first),
    [hold(first, { for: '1m' })],
  ][choice % 6];
}

describe('The runtime under any events', () => {
  it('answers every offer once, launches every task once, and leaves nothing behind', async function () {
    this.timeout(60_000);
    await fc.assert(
      fc.asyncProperty(steps, fc.array(fc.nat(30), { minLength: 1 }), async (script, choices) => {
        const account = new Account(choices);
        await account.start();
        for (const step of script) {
          // oxlint-disable-next-line no-await-in-loop -- one after the other
          await account.step(step);
        }
        await account.rig.pass(600_000);
        account.check();
        const closing = account.rig.runtime.close();
        await account.world.advance(1_000);
        await closing;
        expect(account.rig.outcome).to.equal('closed');
        expect(account.world.clock.pendingTimers).to.equal(0);
      }),
      { numRuns: 150 },
    );
  });
});
