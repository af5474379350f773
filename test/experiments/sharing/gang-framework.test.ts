import { expect } from 'chai';
import { VirtualWorld } from '../../../core/base/index.js';
import type { FrameworkPort, OfferView, TaskRequest } from '../model/framework.js';
import { GangFramework, LONGEST_HOLD_MS } from './gang-framework.js';

const GANG = { kind: 'gang', tasks: 4, durationMs: 1000, demand: { cpus: 1 } };

/** A framework with one gang of four, on a port that writes down what it does. */
function gangOn(world: VirtualWorld): {
  readonly framework: GangFramework;
  readonly launched: TaskRequest[];
  readonly declined: string[];
} {
  const launched: TaskRequest[] = [];
  const declined: string[] = [];
  const port: FrameworkPort = {
    nowMs: () => world.clock.elapsed(),
    setTimer: (delayMs, callback) => void world.clock.setTimer(delayMs, callback),
    accept: (_offer, tasks) => void launched.push(...tasks),
    decline: (offer) => void declined.push(offer.id),
    suppress: () => {},
    revive: () => {},
  };
  const framework = new GangFramework({ name: 'mpi', submissions: [{ atMs: 0, gang: GANG }] });
  framework.start(port);
  return { framework, launched, declined };
}

function offer(id: string, cpus: number): OfferView {
  return { id, agentId: `agent-${id}`, free: { cpus } };
}

describe('GangFramework', () => {
  it('holds offers until the whole gang has room, then launches all of it', () => {
    const { framework, launched, declined } = gangOn(new VirtualWorld());
    framework.offered([offer('a', 2), offer('b', 0.5)]);
    expect(launched).to.deep.equal([]);
    expect(declined).to.deep.equal(['b']);
    framework.offered([offer('c', 3)]);
    expect(launched).to.have.length(4);
    expect(framework.heldOffers).to.equal(0);
    for (const task of launched) framework.taskEnded(task.id);
    expect(framework.isDone).to.equal(true);
  });

  it('gives up a hold that takes too long, and starts anew', async () => {
    const world = new VirtualWorld();
    const { framework, launched, declined } = gangOn(world);
    framework.offered([offer('a', 2)]);
    await world.advance(LONGEST_HOLD_MS - 1);
    expect(declined).to.deep.equal([]);
    await world.advance(2);
    expect(declined).to.deep.equal(['a']);
    framework.offered([offer('d', 4)]);
    expect(launched).to.have.length(4);
  });
});
