/** What the framework says of itself: pause, handlers, and what it waits for the master to say or do. */
import { formatSpan } from '../../../core/command/index.js';
import type { DaemonView } from '../../runtime/index.js';
import type { DoctorFacts, OpenKill, RuntimeFacts } from './facts.js';
import { type Finding, countOf, note, problem } from './finding.js';

/** Tasks whose state is not known for so long after a subscription are forgotten by the master, it seems. */
const RECONCILED_WITHIN_MS = 60_000;
/** Beyond its grace period, so long is a kill under way at most. */
const KILLED_WITHIN_MS = 60_000;
/** Events that wait: handlers do not keep up. */
const MANY_EVENTS = 100;

export function runtimeFindings(facts: DoctorFacts): readonly Finding[] {
  const { admin } = facts;
  switch (admin?.kind) {
    case undefined:
    case 'standby':
      return [];
    case 'none':
      return [
        note(
          'The framework tells no address of an admin interface: what it wants, and why its tasks wait, is not known.',
          'Run it with its admin interface, which is there unless --no-admin is given.',
        ),
      ];
    case 'silent':
      return [
        problem(
          `${admin.problem}.`,
          'If it runs on another host and serves on loopback, look from there. Else it hangs, perhaps in a handler that ' +
            'never returns: end its process, and start it again.',
        ),
      ];
    case 'foreign':
      return [
        note(
          `At ${admin.url}, which the framework names as its address, no admin interface answers.`,
          'Leave the option webuiUrl out to have its admin interface named.',
        ),
      ];
    case 'answers':
      return [
        ...pauseFindings(admin),
        ...handlerFindings(admin),
        ...unreconciledFindings(admin, facts),
        ...killFindings(admin, facts.nowMs),
      ];
  }
}

function pauseFindings({ isPaused, url }: RuntimeFacts): readonly Finding[] {
  if (!isPaused) return [];
  return [
    problem(
      'The framework is paused: it wants no offers, and starts nothing.',
      `End the pause: curl -X POST ${url}/v1/resume`,
    ),
  ];
}

function handlerFindings({ retrying, daemons, queued, url }: RuntimeFacts): readonly Finding[] {
  const failing = retrying.map(({ handler, failures, error }) =>
    problem(
      `The handler ${handler} has failed ${countOf(failures, 'time')} in a row, and is called again: ${error}`,
      'Mend the handler. Other events wait meanwhile, unless it is @OnOffers.',
    ),
  );
  const broken = daemons
    .filter(({ state, failures }) => failures > 0 || state === 'hanging')
    .map(daemonFinding);
  if (queued < MANY_EVENTS) return [...failing, ...broken];
  return [
    ...failing,
    ...broken,
    problem(
      `${queued} events wait for their turn: a handler is slow, or waits for something.`,
      `Handlers should return soon; ${url}/v1/decisions tells which has decided last. Long work belongs beside them.`,
    ),
  ];
}

function daemonFinding({ name, state, failures, error }: DaemonView): Finding {
  if (state === 'hanging') {
    return problem(
      `The daemon ${name} does not end, although it was asked to.`,
      'It should look at its signal, and end soon after that is aborted.',
    );
  }
  const then = state === 'failed' ? 'is not started any more' : 'is started again';
  return problem(
    `The daemon ${name} has failed ${countOf(failures, 'time')} in a row, and ${then}: ${error ?? 'it does not say why'}`,
    'Mend the daemon; its log tells more.',
  );
}

function unreconciledFindings(
  { unreconciled, url }: RuntimeFacts,
  { choice, nowMs }: DoctorFacts,
): readonly Finding[] {
  if (unreconciled === 0) return [];
  const since = choice.kind === 'one' ? choice.framework.subscribedMs : undefined;
  const elapsedMs = nowMs - (since ?? nowMs);
  const what = `The master was asked about ${countOf(unreconciled, 'task')} and has not answered yet`;
  if (elapsedMs < RECONCILED_WITHIN_MS) {
    return [note(`${what}.`, 'It is asked again until it answers: look again in a minute.')];
  }
  return [
    problem(
      `${what}, ${formatSpan(elapsedMs)} after the framework has subscribed.`,
      `A new master waits for its agents before it answers: see 'plateau agents'. ${url}/v1/tasks lists the tasks; it is ` +
        'asked again until it answers.',
    ),
  ];
}

function killFindings({ kills }: RuntimeFacts, nowMs: number): readonly Finding[] {
  const late = kills
    .filter(({ askedMs, graceMs }) => nowMs - askedMs > graceMs + KILLED_WITHIN_MS)
    .toSorted((one, other) => one.askedMs - other.askedMs);
  const [oldest] = late;
  if (oldest === undefined) return [];
  return [
    problem(
      `${countOf(late.length, 'task')} should have ended and ${late.length === 1 ? 'has' : 'have'} not: ${killText(oldest, nowMs)}.`,
      "The kill is repeated until it has ended. See whether the agent answers with 'plateau agents'; of a machine that is " +
        "lost for ever, say so with 'plateau agents gone'.",
    ),
  ];
}

function killText({ name, taskId, hostname, askedMs }: OpenKill, nowMs: number): string {
  const where = hostname === '' ? '' : ` on ${hostname}`;
  return `'${name}' (${taskId})${where} was asked to ${formatSpan(nowMs - askedMs)} ago`;
}
