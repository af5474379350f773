/** Whether there is a master, whether it knows the framework, and whether the two are connected. */
import { formatSpan } from '../../../core/command/index.js';
import { nearNames } from './choose.js';
import type { DoctorFacts, FrameworkFacts } from './facts.js';
import { type Finding, firstOf, note, problem } from './finding.js';

export function masterFindings({ master }: DoctorFacts): readonly Finding[] {
  if (master.kind === 'answers') return [];
  return [
    problem(
      master.problem,
      'Start the master, or give the addresses of the masters with --master, separated by commas.',
    ),
  ];
}

export function identityFindings(facts: DoctorFacts): readonly Finding[] {
  const { master, choice } = facts;
  if (master.kind === 'silent') return [];
  if (choice.kind === 'none') return [unknown(facts, master.frameworks)];
  if (choice.kind === 'several') return [several(choice.frameworks)];
  return [
    ...namesakes(choice.namesakes),
    ...otherStore(facts, choice.framework, master.frameworks),
  ];
}

function unknown({ asked }: DoctorFacts, frameworks: readonly FrameworkFacts[]): Finding {
  const { word, storedId } = asked;
  const known = frameworks.filter(({ state }) => state !== 'removed').map(({ name }) => name);
  if (word === undefined) {
    const what =
      storedId === undefined
        ? 'No framework is registered at the master.'
        : `The master does not know the framework ${storedId}, which the store names.`;
    return problem(
      what,
      "Start it with 'plateau framework run'; if it runs, compare the --master that it was given.",
    );
  }
  const near = nearNames(word, known);
  const hint = near.length > 0 ? `Is ${firstOf(near)} meant?` : knownText(known);
  return problem(
    `The master does not know a framework '${word}'.`,
    `${hint} Else start it; if it runs, compare its --master and its name.`,
  );
}

function knownText(names: readonly string[]): string {
  if (names.length === 0) return 'No framework is registered there.';
  return `Registered there: ${firstOf([...new Set(names)].toSorted())}.`;
}

function several(frameworks: readonly FrameworkFacts[]): Finding {
  const [first] = frameworks;
  const all = frameworks.map(({ id, url }) => `${id} at ${url ?? 'an address it does not tell'}`);
  return problem(
    `${frameworks.length} frameworks named '${first?.name ?? ''}' are connected: ${firstOf(all)}.`,
    'Stop all but one, or give each a name of its own with --option name=…; to look at one of them, give ' +
      'its id instead of the name.',
  );
}

function namesakes(frameworks: readonly FrameworkFacts[]): readonly Finding[] {
  if (frameworks.length === 0) return [];
  return [
    note(
      `Of this name, ${frameworks.length} more registered but not connected, and keeping tasks until the failover timeout: ` +
        `${firstOf(frameworks.map(({ id }) => id))}.`,
      'They come from starts over other stores, or over none. To go on with such tasks, start over the old store; ' +
        'to end them, POST frameworkId=ID to /master/teardown of the master.',
    ),
  ];
}

function otherStore(
  { asked: { storedId }, nowMs }: DoctorFacts,
  framework: FrameworkFacts,
  all: readonly FrameworkFacts[],
): readonly Finding[] {
  if (storedId === undefined || storedId === framework.id) return [];
  const stored = all.find(({ id }) => id === storedId);
  const state = stored === undefined ? 'unknown to the master' : stored.state;
  return [
    problem(
      `The store names the framework ${storedId} (${state}), and the one of this name is ${framework.id} ` +
        `(${framework.state}): it runs over another store.`,
      'Give the --store that it was started with; if it was started over the wrong one, stop it and start it over ' +
        'this one.',
    ),
    ...(stored?.state === 'removed' ? [removed(stored, nowMs)] : []),
  ];
}

export function connectionFindings(facts: DoctorFacts): readonly Finding[] {
  const { choice, why, nowMs, admin } = facts;
  if (choice.kind !== 'one') return [];
  const { framework } = choice;
  switch (framework.state) {
    case 'removed':
      return [removed(framework, nowMs)];
    case 'recovered':
      return [
        problem(
          `The framework has not subscribed since this master leads; it is removed, with its tasks, when it has not ` +
            `come back within ${formatSpan(framework.failoverTimeoutMs)}.`,
          START,
        ),
      ];
    case 'disconnected':
      return [disconnected(framework, awayMs(why))];
    case 'connected':
      if (admin?.kind !== 'answers' || admin.connection === 'subscribed') return [];
      return [
        problem(
          `The master counts the framework as connected, and the framework is ${admin.connection}.`,
          'It subscribes again by itself; if it does not, its log tells why, and whether it asks another master.',
        ),
      ];
  }
}

const START =
  "Start it with 'plateau framework run' and the --store that it had; if it runs, its log tells why it does " +
  'not subscribe, and whether it asks another master.';

function disconnected({ failoverTimeoutMs }: FrameworkFacts, away: number | undefined): Finding {
  const since =
    away === undefined ? 'is not connected' : `has not been connected for ${formatSpan(away)}`;
  const leftMs = failoverTimeoutMs - (away ?? 0);
  const within = away === undefined ? 'within' : 'in';
  const left = leftMs > 0 ? `${within} ${formatSpan(leftMs)}` : 'any moment now';
  return problem(`The framework ${since}; it is removed, with its tasks, ${left}.`, START);
}

/** For how long it has been away, as the allocator remembers. */
function awayMs(why: DoctorFacts['why']): number | undefined {
  const newest = (why?.roles ?? []).flatMap(({ decisions }) =>
    decisions.filter(({ kind }) => kind === 'DEACTIVATED').slice(0, 1),
  );
  return newest.length === 0 ? undefined : Math.min(...newest.map(({ agoMs }) => agoMs));
}

function removed({ id, removedMs, failoverTimeoutMs }: FrameworkFacts, nowMs: number): Finding {
  const ago = removedMs === undefined ? '' : ` ${formatSpan(Math.max(0, nowMs - removedMs))} ago`;
  return problem(
    `The master has removed the framework ${id}${ago}: it was away for longer than its failover timeout ` +
      `(${formatSpan(failoverTimeoutMs)}), or was torn down. Its tasks are gone, and the id is of no use any more.`,
    "Start it with '--option onRemoved=reregister', or over an empty store: it begins anew under another id.",
  );
}
