import { expect } from 'chai';
import { ScalarNames, type ShareNode, ShareTree } from '../../../core/allocator/index.js';
import { resources } from './resource-text.js';

/** A tree with one client in each role, called as the role. */
class Sorter {
  readonly names = new ScalarNames();
  readonly tree = new ShareTree<string>({ names: this.names, fairnessExcluded: ['gpus'] });
  readonly clients = new Map<string, ShareNode<string>>();

  constructor(total: string) {
    this.total(total, 1);
  }

  total(amounts: string, sign: 1 | -1): void {
    this.tree.changeTotal(this.names.measure(resources(amounts)), sign);
  }

  add(...roles: string[]): void {
    for (const role of roles) {
      const node = this.tree.addClient(role, 'client', role);
      this.clients.set(role, node);
      this.tree.activate(node);
    }
  }

  node(role: string): ShareNode<string> {
    const node = this.clients.get(role);
    if (node === undefined) throw new Error(`no client ${role}`);
    return node;
  }

  /** Serves that many cpus and MiB once. */
  serve(role: string, amount: number): void {
    this.serveAmounts(role, `cpus:${amount};mem:${amount}`);
  }

  serveAmounts(role: string, amounts: string): void {
    this.tree.serve(this.node(role), this.names.measure(resources(amounts)));
  }

  giveBack(role: string, amount: number): void {
    const amounts = this.names.measure(resources(`cpus:${amount};mem:${amount}`));
    this.tree.charge(this.node(role), amounts, -1);
  }

  remove(role: string): void {
    const node = this.node(role);
    this.tree.charge(node, Float64Array.from(node.allocated), -1);
    this.tree.removeClient(node);
    this.clients.delete(role);
  }

  get order(): string {
    const order: string[] = [];
    this.tree.settle();
    this.tree.walkRoles((leaf) => {
      for (const { client } of leaf.ordered) order.push(client ?? '?');
      return false;
    });
    return order.join(' ');
  }
}

describe('ShareTree', () => {
  it('orders by dominant share, whichever resource dominates', () => {
    const sorter = new Sorter('cpus:100;mem:100');
    sorter.add('a', 'b', 'c', 'd');
    sorter.serveAmounts('a', 'cpus:5;mem:5');
    sorter.serveAmounts('b', 'cpus:6;mem:6');
    sorter.serveAmounts('c', 'cpus:1;mem:1');
    sorter.serveAmounts('d', 'cpus:3;mem:1');
    expect(sorter.order).to.equal('c d a b');
    sorter.remove('a');
    sorter.giveBack('b', 4);
    expect(sorter.order).to.equal('c b d');
    sorter.add('e');
    sorter.serveAmounts('e', 'cpus:1;mem:5');
    sorter.total('cpus:50', -1);
    expect(sorter.order).to.equal('c b e d');
  });

  it('breaks ties by how often each was served, which giving back does not undo', () => {
    const sorter = new Sorter('cpus:100;mem:100');
    sorter.add('a', 'b', 'c', 'd', 'e');
    for (const role of ['a', 'b', 'e']) sorter.serve(role, 3);
    for (let time = 0; time < 3; time++) sorter.serve('c', 1);
    sorter.serve('d', 2);
    sorter.serve('d', 1);
    expect(sorter.order).to.equal('a b e d c');
    sorter.giveBack('c', 3);
    expect(sorter.order).to.equal('c a b e d');
    sorter.serve('c', 3);
    expect(sorter.order).to.equal('a b e d c');
    sorter.tree.deactivate(sorter.node('a'));
    sorter.giveBack('a', 3);
    sorter.serve('a', 3);
    expect(sorter.order).to.equal('b e d c');
    sorter.tree.activate(sorter.node('a'));
    expect(sorter.order).to.equal('b e a d c');
  });

  it('divides shares by weights, set before or after, on leaves and on inner roles', () => {
    const sorter = new Sorter('cpus:100;mem:100');
    sorter.tree.setWeight('b', 3);
    sorter.tree.setWeight('a', 2);
    sorter.add('a/x', 'b/y');
    expect(sorter.order).to.equal('a/x b/y');
    sorter.serve('a/x', 10);
    sorter.serve('b/y', 10);
    expect(sorter.order).to.equal('b/y a/x');
    sorter.add('b/z');
    sorter.serve('b/z', 5);
    expect(sorter.order).to.equal('b/z b/y a/x');
    sorter.add('b');
    sorter.serve('b', 4);
    expect(sorter.order).to.equal('a/x b b/z b/y');
    sorter.tree.setWeight('b', 30);
    expect(sorter.order).to.equal('b b/z b/y a/x');
    sorter.tree.setWeight('b', 1);
    expect(sorter.tree.weightOf('b')).to.equal(1);
    expect(sorter.order).to.equal('a/x b b/z b/y');
  });

  it('lets a role compete with its children, and its subtree with its siblings', () => {
    const sorter = new Sorter('cpus:100;mem:100');
    sorter.add('x/a', 'x/b');
    sorter.serve('x/a', 10);
    sorter.serve('x/b', 6);
    sorter.add('x');
    sorter.serve('x', 7);
    sorter.add('z');
    sorter.serve('z', 20);
    expect(sorter.order).to.equal('z x/b x x/a');
    expect(sorter.tree.ownShare('x')).to.equal(0.07);
    expect(sorter.tree.subtreeShare('x')).to.equal(0.23);
    sorter.remove('x');
    expect(sorter.order).to.equal('x/b x/a z');
    expect(sorter.tree.ownShare('x')).to.equal(0);
  });

  it('visits one subtree completely before the next', () => {
    const sorter = new Sorter('cpus:100;mem:100');
    sorter.add('a/b', 'c', 'd', 'd/e');
    sorter.serve('c', 8);
    sorter.serve('d', 3);
    sorter.serve('d/e', 2);
    expect(sorter.order).to.equal('a/b d/e d c');
    sorter.serve('a/b', 6);
    expect(sorter.order).to.equal('d/e d a/b c');
  });

  it('leaves excluded and unknown resources out of shares', () => {
    const sorter = new Sorter('cpus:10;mem:100;gpus:2');
    sorter.add('a', 'b');
    sorter.serveAmounts('a', 'cpus:1;mem:5;gpus:2;disk:50');
    sorter.serveAmounts('b', 'cpus:2;mem:5');
    expect(sorter.tree.ownShare('a')).to.equal(0.1);
    expect(sorter.tree.ownShare('b')).to.equal(0.2);
    expect(sorter.order).to.equal('a b');
  });

  it('keeps the old order while a walk serves clients', () => {
    const sorter = new Sorter('cpus:100;mem:100');
    sorter.add('a', 'b', 'c');
    const seen: string[] = [];
    sorter.tree.walkRoles((leaf) => {
      seen.push(leaf.role);
      sorter.serve(leaf.role, 10);
      return leaf.role === 'b';
    });
    expect(seen.join(' ')).to.equal('a b');
    expect(sorter.order).to.equal('c a b');
  });

  it('refuses to remove a client that holds something', () => {
    const sorter = new Sorter('cpus:10');
    sorter.add('a');
    sorter.serve('a', 1);
    expect(() => sorter.tree.removeClient(sorter.node('a'))).to.throw('still holds resources');
  });
});
