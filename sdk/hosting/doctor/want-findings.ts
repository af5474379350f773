/** What the framework wants, and why its tasks found no place on the offers that it had. */
import { REFUSALS, type Refusal, type RefusalReason } from '../../matching/index.js';
import type { Explanation } from '../../runtime/index.js';
import type { DoctorFacts, RuntimeFacts } from './facts.js';
import { type Finding, countOf, firstOf, note, problem } from './finding.js';
import { formatAmount } from '../../../core/command/index.js';

/** Names of waiting tasks that are explained; the others are counted. */
const MOST_EXPLAINED = 10;
/** Reasons of one name. */
const MOST_REASONS = 4;

export function wantFindings(facts: DoctorFacts): readonly Finding[] {
  const { admin } = facts;
  if (admin?.kind !== 'answers' || admin.isPaused) return [];
  if (admin.wants === undefined) return [wantsUnknown(), ...waitFindings(admin)];
  if (admin.wants.length === 0) return [...waitFindings(admin), ...nothingWanted(admin)];
  return [
    ...suppressedFindings(admin, facts),
    ...heldFindings(admin, facts),
    ...waitFindings(admin),
  ];
}

function wantsUnknown(): Finding {
  return note(
    'The framework does not say what it wants: it is offered everything, and what it does not use is declined.',
    'offers.keep and offers.place say it by themselves; a handler that uses neither returns want(…) or wantNothing().',
  );
}

function nothingWanted({ waiting }: RuntimeFacts): readonly Finding[] {
  if (waiting.length > 0) return [];
  return [
    note(
      'The framework wants nothing, so its roles are suppressed and it is offered nothing. That is as it should be when ' +
        'nothing is to be started.',
      'If something is: @OnOffers is called when tasks or @Stored fields change; have it place what is missing.',
    ),
  ];
}

/** Whether the wants of a framework ask for offers of a role; unknown wants ask for all. */
export function isRoleWanted({ wants }: RuntimeFacts, role: string): boolean {
  if (wants === undefined) return true;
  return wants.some((want) => want.count > 0 && (want.role === undefined || want.role === role));
}

function suppressedFindings(admin: RuntimeFacts, { why }: DoctorFacts): readonly Finding[] {
  const roles = (why?.suppressedRoles ?? []).filter((role) => isRoleWanted(admin, role));
  if (roles.length === 0) return [];
  return [
    problem(
      `Something is wanted of ${roles.length === 1 ? 'the role' : 'the roles'} ${firstOf(roles)}, and the master has been told ` +
        'to offer nothing of it.',
      `It is said once more within half a minute; if that changes nothing, have it subscribe anew: curl -X POST ${admin.url}/v1/resign`,
    ),
  ];
}

function heldFindings({ heldOffers, url }: RuntimeFacts, { why }: DoctorFacts): readonly Finding[] {
  if (why === undefined || heldOffers === 0 || heldOffers < why.outstandingOffers) return [];
  return [
    problem(
      `All offers that the framework has are held (${heldOffers}), and something is still wanted.`,
      `What it holds is offered to nobody else, and to it nothing new of these agents: hold for a shorter time, or decline. ` +
        `${url}/v1/wants lists them.`,
    ),
  ];
}

function waitFindings({ waiting }: RuntimeFacts): readonly Finding[] {
  const refused = waiting
    .filter(({ count, refusals }) => count > 0 && refusals.length > 0)
    .toSorted((one, other) => other.count - one.count);
  const findings = refused.slice(0, MOST_EXPLAINED).map(waitFinding);
  const more = refused.length - findings.length;
  if (more <= 0) return findings;
  return [
    ...findings,
    note(
      `Tasks of ${countOf(more, 'further name')} wait as well.`,
      'GET /v1/wants of the admin interface has all of them.',
    ),
  ];
}

function waitFinding({ name, count, refusals }: Explanation): Finding {
  const reasons = refusals.toSorted((one, other) => other.offers - one.offers);
  const [first] = reasons;
  const texts = reasons.slice(0, MOST_REASONS).map(refusalText);
  const what = `${countOf(count, 'task')} '${name}' ${count === 1 ? 'waits' : 'wait'}: ${texts.join('; ')}.`;
  const remedy = first === undefined ? '' : REMEDIES[first.reason];
  return reasons.every(({ reason }) => AS_ASKED.has(reason))
    ? note(what, remedy)
    : problem(what, remedy);
}

function refusalText({ reason, detail, offers, nearest }: Refusal): string {
  const text = detail === '' ? REFUSALS[reason] : `${REFUSALS[reason]} (${detail})`;
  const times = offers === 0 ? '' : `, on ${countOf(offers, 'offer')}`;
  const near =
    nearest === undefined
      ? ''
      : `, nearest ${nearest.hostname} with ${formatAmount(nearest.left)} of ${formatAmount(nearest.wanted)}`;
  return `${text}${times}${near}`;
}

/** Reasons that the framework itself has set: they pass, or are meant so. */
const AS_ASKED: ReadonlySet<RefusalReason> = new Set(['BACKOFF', 'PARALLEL', 'LIMIT']);

const REMEDIES: Readonly<Record<RefusalReason, string>> = {
  NO_OFFERS:
    'It waits for offers: what stands in the way of those is among the other findings, if anything does.',
  ROLE: 'Place it for a role whose offers come, or add its role to @Framework.',
  PREDICATE: 'Look at the predicate that is given to the placement: it refuses these offers.',
  RESOURCE:
    'Ask for less, end something, or add an agent with more: what a task asks for has to be free on one agent.',
  PORTS:
    'Ask for a number of ports instead of fixed ones, or have agents offer these with --resources.',
  CONSTRAINT:
    'Loosen the constraint, or give agents what it asks for with --attributes or a domain.',
  UNAVAILABLE: "Wait for the end of the maintenance; 'plateau maintenance' tells when that is.",
  BACKOFF:
    'Nothing is to be done about the wait; the sandbox of the last attempt tells why it failed.',
  PARALLEL: 'Nothing is to be done, unless more should run at one time: raise that bound.',
  ATTEMPTS:
    'Look why it failed, in the sandbox of the last attempt; then allow more attempts, or forget the old ones.',
  UNCERTAIN:
    "Wait until its agent comes back or is given up; of a machine that is lost, say so with 'plateau agents gone'.",
  LIMIT: 'Nothing is to be done: the rest is placed in the turns that follow.',
};
