import { expect } from 'chai';
import type { Offer, Resource } from '../../../core/api/index.js';
import { OfferRemainder } from '../../../core/client/index.js';

function offer(resources: readonly Resource[]): Offer {
  return {
    id: { value: 'O1' },
    framework_id: { value: 'F1' },
    agent_id: { value: 'S1' },
    hostname: 'host',
    resources,
  };
}

const scalar = (name: string, value: number, rest: Partial<Resource> = {}): Resource => ({
  name,
  type: 'SCALAR',
  scalar: { value },
  ...rest,
});

describe('OfferRemainder', () => {
  it('takes exact amounts until nothing is left', () => {
    const remainder = new OfferRemainder(offer([scalar('cpus', 0.3), scalar('mem', 64)]));
    const size = { cpus: 0.1, memoryMiB: 16 };
    for (let task = 0; task < 3; task++) {
      expect(remainder.fits(size)).to.equal(true);
      expect(remainder.take(size)).to.deep.equal([scalar('cpus', 0.1), scalar('mem', 16)]);
    }
    expect(remainder.left('cpus')).to.equal(0);
    expect(remainder.fits(size)).to.equal(false);
  });

  it('takes what is reserved first, and goes on with what is not', () => {
    const reservations = [{ type: 'STATIC' as const, role: 'r' }];
    const remainder = new OfferRemainder(
      offer([scalar('cpus', 1), scalar('cpus', 0.5, { reservations }), scalar('mem', 10)]),
    );
    expect(remainder.take({ cpus: 0.75, memoryMiB: 10 })).to.deep.equal([
      scalar('cpus', 0.5, { reservations }),
      scalar('cpus', 0.25),
      scalar('mem', 10),
    ]);
  });

  it('leaves volumes and revocable resources alone', () => {
    const volume = {
      persistence: { id: 'v' },
      volume: { container_path: 'd', mode: 'RW' as const },
    };
    const remainder = new OfferRemainder(
      offer([scalar('disk', 100, { disk: volume }), scalar('cpus', 1, { revocable: {} })]),
    );
    expect(remainder.left('disk')).to.equal(0);
    expect(remainder.left('cpus')).to.equal(0);
  });
});
