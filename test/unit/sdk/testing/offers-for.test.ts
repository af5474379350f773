import { expect } from 'chai';
import { task } from '../../../../sdk/index.js';
import { offersFor, taskView } from '../../../../sdk/testing/index.js';

const WEB = task({ name: 'web', cpus: 1, memMiB: 64, command: 'hang' });

describe('Offers made by hand', () => {
  it('are those of agents with these resources, attributes, hosts and roles', () => {
    const [first, second] = offersFor([
      'cpus:2;mem:128;ports:[31000-31001]',
      { resources: 'cpus:1;mem:64', attributes: 'rack:r1', hostname: 'h2', role: 'web' },
    ]);
    expect(first).to.include({ hostname: 'agent-0', role: '*', cpus: 2, memMiB: 128 });
    expect(first?.ports(5)).to.deep.equal([31_000, 31_001]);
    expect(second).to.include({ hostname: 'h2', role: 'web' });
    expect(second?.attributes).to.include({ rack: 'r1', '@hostname': 'h2' });
  });

  it('come with the tasks that are said to be there', () => {
    const tasks = [{ name: 'web' }, { name: 'web', state: 'UNREACHABLE' as const }];
    const placed = (count: number): number =>
      offersFor(['cpus:9;mem:999'], { tasks }).keep(count, WEB, { unreachableFor: '1m' }).placed
        .length;
    expect([placed(2), placed(4)]).to.deep.equal([0, 2]);
  });

  it('are equal for equal arguments, and placements on them too', () => {
    const ids = (seed: string): readonly string[] =>
      offersFor(['cpus:2;mem:256'], { seed })
        .keep(2, WEB)
        .placed.map(({ id }) => id);
    expect(ids('a')).to.deep.equal(ids('a')).and.not.deep.equal(ids('b'));
  });

  it('refuse resources that cannot be read', () => {
    expect(() => offersFor(['cpus:many'])).to.throw(/cpus/);
  });
});

describe('A view of tasks made by hand', () => {
  const view = taskView([
    { name: 'job', key: '1', state: 'FINISHED' },
    { name: 'job', key: '2' },
    { name: 'web', hostname: 'h1' },
  ]);

  it('finds them by id, name, key and state', () => {
    expect(view.size).to.equal(3);
    expect(view.get('web-2')).to.include({ hostname: 'h1', state: 'RUNNING' });
    expect(view.live('job').map(({ key }) => key)).to.deep.equal(['2']);
    expect(view.all('job')).to.have.length(2);
    expect(view.attempts('job', '1')).to.have.length(1);
  });
});
