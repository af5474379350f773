import { expect } from 'chai';
import { choose, nearNames } from '../../../../../sdk/hosting/doctor/choose.js';
import type { Choice, FrameworkFacts } from '../../../../../sdk/hosting/doctor/facts.js';
import { framework } from './facts.js';

function pick(
  frameworks: readonly FrameworkFacts[],
  word: string | undefined,
  storedId?: string,
): string {
  const choice: Choice = choose(frameworks, { word, storedId });
  return choice.kind === 'one' ? choice.framework.id : choice.kind;
}

describe('The framework that is meant', () => {
  const connected = framework({ id: 'C' });
  const away = framework({ id: 'D', state: 'disconnected', subscribedMs: 1 });
  const later = framework({ id: 'E', state: 'recovered', subscribedMs: 2 });
  const removed = framework({ id: 'R', state: 'removed' });
  const other = framework({ id: 'O', name: 'other' });

  it('is the one of the id, whatever it is called', () => {
    expect(pick([connected, removed], 'R')).to.equal('R');
    expect(pick([connected, removed], undefined, 'R')).to.equal('R');
  });

  it('is the connected one of the name, and the others are namesakes', () => {
    const choice = choose([away, connected, removed, other], { word: 'web', storedId: undefined });
    expect(choice).to.deep.equal({ kind: 'one', framework: connected, namesakes: [away] });
  });

  it('is the one in the store, else the last that subscribed, when none is connected', () => {
    expect(pick([away, later, removed], 'web')).to.equal('E');
    expect(pick([away, later, removed], 'web', 'D')).to.equal('D');
    expect(pick([removed, other], 'web')).to.equal('R');
  });

  it('is several when more than one of the name is connected', () => {
    expect(pick([connected, framework({ id: 'C2' })], 'web')).to.equal('several');
  });

  it('is the only one when nothing is said, and none when the store names another', () => {
    expect(pick([removed, other], undefined)).to.equal('O');
    expect(pick([connected, other], undefined)).to.equal('none');
    expect(pick([other], undefined, 'X')).to.equal('none');
    expect(pick([], 'web')).to.equal('none');
  });
});

describe('Names that come near', () => {
  const near = (word: string): readonly string[] =>
    nearNames(word, ['web', 'batch', 'services', 'services', 'my-web-shop']);

  it('are those with a letter or two off, and those that contain it', () => {
    expect(near('bacth')).to.deep.equal(['batch']);
    expect(near('Services')).to.deep.equal(['services']);
    expect(near('web-shop')).to.include('my-web-shop').and.include('web');
    expect(near('zookeeper')).to.deep.equal([]);
  });
});
