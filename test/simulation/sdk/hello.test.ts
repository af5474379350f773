import { Framework, OnOffers, type Offers, task } from '../../../sdk/index.js';
import { simulate } from '../../../sdk/testing/index.js';

@Framework({ name: 'hello' })
class Hello {
  @OnOffers() place(offers: Offers) {
    return offers.keep(3, task({ name: 'hello', cpus: 0.1, memMiB: 32, command: 'hang' }));
  }
}

describe('The hello world', () => {
  it('keeps three tasks running when a machine starts again', async () => {
    const cluster = simulate({ agents: 3 });
    const hello = cluster.run(Hello);
    await cluster.advance('10s');
    hello.expect.running(3).wantsNothing();
    cluster.reboot('agent-0');
    cluster.reboot('agent-1');
    cluster.reboot('agent-2');
    await cluster.advance('2m');
    hello.expect.running(3);
  });

  it('replaces what is out of reach, and ends what is too much when it comes back', async () => {
    const cluster = simulate({ agents: ['cpus:1;mem:1024', 'cpus:2;mem:1024'] });
    const hello = cluster.run(Hello);
    await cluster.advance('10s');
    const [first] = hello.running();
    const host = first?.hostname ?? '';
    cluster.partition(host);
    await cluster.advance('3m');
    hello.expect.running(3).inState('UNREACHABLE', 3);
    cluster.heal();
    await cluster.advance('3m');
    hello.expect.running(3).inState('UNREACHABLE', 0).inState('KILLED', 3);
  });

  it('survives its own death and that of the master', async () => {
    const cluster = simulate({ seed: 7 });
    const hello = cluster.run(Hello);
    await cluster.advance('10s');
    const before = hello.running().map(({ id }) => id);
    cluster.crash(hello);
    await cluster.advance('30s');
    cluster.restart(hello);
    await cluster.advance('10s');
    hello.expect.running(3);
    cluster.restartMaster();
    await cluster.advance('1m');
    hello.expect.running(3).connected();
    if (hello.running().some(({ id }) => !before.includes(id))) throw new Error('others run');
  });

  it('waits when nothing fits, and says why', async () => {
    const cluster = simulate({ agents: ['cpus:0.2;mem:1024'] });
    const hello = cluster.run(Hello);
    await cluster.advance('1m');
    hello.expect.running(2);
    if (!JSON.stringify(hello.view.unplaced).includes('RESOURCE')) {
      throw new Error(JSON.stringify(hello.view.unplaced));
    }
  });
});
