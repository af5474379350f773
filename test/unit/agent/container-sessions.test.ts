import { expect } from 'chai';
import { ContainerSession } from '../../../core/agent/index.js';
import { FakePipes, Reader, bytes } from './fake-pipes.js';

describe('ContainerSession', () => {
  it('gives everything to all readers, and ends when container and output have ended', () => {
    const pipes = new FakePipes();
    const session = new ContainerSession(pipes);
    const [one, other] = [new Reader(), new Reader()];
    session.listen(one);
    pipes.listener?.data('stdout', bytes('a'));
    session.listen(other);
    pipes.listener?.data('stderr', bytes('b'));
    session.containerEnded();
    expect(session.isOver).to.equal(false);
    pipes.listener?.end();
    expect(one.heard).to.deep.equal(['stdout a', 'stderr b', 'end']);
    expect(other.heard).to.deep.equal(['stderr b', 'end']);
    const late = new Reader();
    session.listen(late);
    expect(late.heard).to.deep.equal(['end']);
  });

  it('holds the container up while one reader has enough, until it takes more or leaves', () => {
    const pipes = new FakePipes();
    const session = new ContainerSession(pipes);
    const [slow, slower] = [new Reader(), new Reader()];
    slow.isFull = true;
    slower.isFull = true;
    session.listen(slow);
    const leaving = session.listen(slower);
    pipes.listener?.data('stdout', bytes('a'));
    expect([pipes.isPaused, session.isHeldUp]).to.deep.equal([true, true]);
    session.ready(slow);
    expect(pipes.isPaused).to.equal(true);
    leaving.dispose();
    expect([pipes.isPaused, session.isHeldUp]).to.deep.equal([false, false]);
  });

  it('has one writer at a time, whose leaving does not end the input', async () => {
    const pipes = new FakePipes();
    const session = new ContainerSession(pipes);
    const input = session.takeInput();
    expect(session.takeInput()).to.equal(undefined);
    await input?.write(bytes('a'));
    input?.release();
    session.takeInput()?.end();
    expect(pipes.written.map(({ length }) => length)).to.deep.equal([1, 0]);
  });

  it('does not wait for ever for the output of what outlives the container', () => {
    const pipes = new FakePipes();
    const session = new ContainerSession(pipes);
    const reader = new Reader();
    session.listen(reader);
    session.containerEnded();
    session.cutOff();
    expect(reader.heard).to.deep.equal(['end']);
    expect(pipes.isClosed).to.equal(true);
  });
});
