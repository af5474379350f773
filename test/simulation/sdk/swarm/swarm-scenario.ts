/** What has to hold for the framework of 200 tasks, whatever happened: told from the hosts' side. */
import { type TaskRecord, endOf } from '../../../../sdk/index.js';
import type { Scenario, Story } from '../../../../sdk/testing/index.js';
import { KEPT, ONCE, PARALLEL, Swarm, WORK } from './swarm-framework.js';

const AGENTS = 10;

export const scenario: Scenario<Swarm> = {
  framework: Swarm,
  agents: AGENTS,
  faultsFor: '3m',
  healWithin: '60s',
  check(story) {
    story.framework.expect.connected().agreed().running(KEPT, 'kept');
    checkStarts(story);
    checkKeys(story, 'once', ONCE);
    checkKeys(story, 'work', WORK);
  },
  async afterwards(story) {
    const isDone = (): boolean =>
      openKeys(story, 'once', ONCE).length + openKeys(story, 'work', WORK).length === 0;
    await story.cluster.until(isDone, { within: '5m', step: '1s' });
    story.framework.expect.agreed().running(KEPT, 'kept').wantsNothing();
    checkStarts(story);
  },
};

/** Every key is done, runs, or waits for its turn: none is forgotten. */
function checkKeys(story: Story, name: 'once' | 'work', count: number): void {
  const open = openKeys(story, name, count);
  const { tasks } = story.framework.view;
  const live = tasks.live(name);
  const idle = open.filter((key) => !live.some((task) => task.key === key));
  const room = PARALLEL[name] - live.length;
  if (idle.length === 0 || room <= 0) return;
  throw new Error(
    `${idle.length} keys of ${name} wait although ${room} more could run: ${idle.join()}`,
  );
}

/** Keys that are not settled yet. */
function openKeys({ framework }: Story, name: 'once' | 'work', count: number): readonly string[] {
  const { tasks } = framework.view;
  return Array.from({ length: count }, (_, index) => `${index}`).filter(
    (key) => !tasks.attempts(name, key).some((task) => isSettled(task, name)),
  );
}

/** Finished, or ended in a way after which the policy does not let it run again. */
function isSettled(task: TaskRecord, name: 'once' | 'work'): boolean {
  const end = endOf(task);
  if (end === undefined || task.state === 'DROPPED') return false;
  return name === 'once' || end.kind !== 'infrastructure';
}

/** The truth on the hosts: what must not run twice did not, and no key runs twice at one time. */
function checkStarts({ cluster }: Story): void {
  const starts = new Map<string, number>();
  const running = new Map<string, number>();
  for (const { taskId, isRunning } of cluster.started) {
    const key = /^((?:once|work)\.\d+)\./.exec(taskId)?.[1];
    if (key === undefined) continue;
    starts.set(key, (starts.get(key) ?? 0) + 1);
    if (isRunning) running.set(key, (running.get(key) ?? 0) + 1);
  }
  for (const [key, count] of starts) {
    if (key.startsWith('once') && count > 1) throw new Error(`${key} was started ${count} times`);
  }
  for (const [key, count] of running) {
    if (count > 1) throw new Error(`${key} runs ${count} times at one time`);
  }
}
