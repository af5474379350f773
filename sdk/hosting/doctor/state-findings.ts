/** Whether the state is good, and whether a copy of the framework uses it. */
import type { StateReport } from '../check-state.js';
import type { DoctorFacts, StoreFacts } from './facts.js';
import { type Finding, countOf, firstOf, note, problem } from './finding.js';

/** Copies: who should be active, and is not. */
export function copyFindings({ store, choice, admin, master }: DoctorFacts): readonly Finding[] {
  const findings: Finding[] = [];
  if (admin?.kind === 'standby') {
    findings.push(
      problem(
        `The copy at ${admin.url} stands by, and no copy is active.`,
        'It takes over by itself within 10 s; if it does not, its log tells who holds the lease.',
      ),
    );
  }
  const isConnected = choice.kind === 'one' && choice.framework.state === 'connected';
  const holder = store?.holder;
  if (holder === undefined || isConnected) return findings;
  if (!holder.isRunning) {
    findings.push(
      problem(
        `The copy that used the state is gone without a word: ${holder.info}.`,
        'Start it again: the lease of a process that is gone keeps nobody out.',
      ),
    );
  } else if (master.kind === 'answers') {
    findings.push(
      problem(
        `A copy holds the state, and the master does not hear of it: ${holder.info}.`,
        'Its log tells whether it reaches this master. If it hangs, end its process: a copy with --standby takes over, or ' +
          'start it again.',
      ),
    );
  }
  return findings;
}

/** The store itself, and what the code would make of it. */
export function stateFindings({ store }: DoctorFacts): readonly Finding[] {
  if (store === undefined) return [];
  const { url, problem: unreadable, report } = store;
  if (unreadable !== undefined) {
    return [
      problem(
        `The state cannot be read: ${unreadable}.`,
        'Name the folder that it was started with by --store; a relative one is looked for in the current folder.',
      ),
    ];
  }
  if (report === undefined) return idless(store);
  if (report.isNew) return [nothingStored(url)];
  return [...fieldFindings(report), ...recordFindings(report), ...unclaimedFindings(report)];
}

function idless({ url, frameworkId }: StoreFacts): readonly Finding[] {
  return frameworkId === undefined ? [nothingStored(url)] : [];
}

function nothingStored(url: string): Finding {
  return note(
    `In ${url} no framework id is stored: the framework has not subscribed over it yet.`,
    'Nothing is to be done, unless it has run before: then this is not its store.',
  );
}

function fieldFindings({ stored, problems }: StateReport): readonly Finding[] {
  return stored.flatMap(({ name, version, storedVersion, failed, migrated, values }) => {
    const field = `@Stored('${name}')`;
    if (storedVersion !== undefined && storedVersion > version) {
      return [
        problem(
          `The values of ${field} are of version ${storedVersion}, and this code reads up to ${version}.`,
          'Run the newer code that wrote them; there is no way back but a copy of the store from before.',
        ),
      ];
    }
    if (failed > 0) {
      const first = problems.find(({ key }) => isOfField(key, name));
      return [
        problem(
          `${failed} of ${countOf(values, 'value')} of ${field} cannot be read: ${first?.message ?? 'see its check'}`,
          "Mend its migrations or its check; 'plateau framework check' tells whether all is good then.",
        ),
      ];
    }
    if (migrated === 0) return [];
    return [
      note(
        `${countOf(migrated, 'value')} of ${field} will be migrated from version ${storedVersion ?? version} to ${version} at the next start.`,
        'Keep a copy of the store if the older code may be wanted again: it cannot read them afterwards.',
      ),
    ];
  });
}

/** Records that are of no field: tasks, operations, the format. */
function recordFindings({ stored, problems }: StateReport): readonly Finding[] {
  const others = problems.filter(({ key }) => !stored.some(({ name }) => isOfField(key, name)));
  return others
    .slice(0, MOST_RECORDS)
    .map(({ message }) =>
      problem(
        message,
        'Until then the framework does not start. If the store is beyond repair, start over an empty one: tasks that ' +
          'run are found again by asking the master.',
      ),
    );
}

const MOST_RECORDS = 5;

function isOfField(key: string, name: string): boolean {
  return key.startsWith(`state/${name}/`) || key === `framework/state/${name}`;
}

function unclaimedFindings({ unclaimed }: StateReport): readonly Finding[] {
  if (unclaimed.length === 0) return [];
  const names = unclaimed.map(({ name, values }) => `'${name}' (${countOf(values, 'value')})`);
  return [
    note(
      `What is stored as ${firstOf(names)} belongs to no field of this code: it stays, unread.`,
      'If a field was renamed, give it its old name in @Stored.',
    ),
  ];
}
