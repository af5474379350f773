/** Why the master offers nothing, or less: no agents, quota, shares, filters. */
import type { AgentFacts, DoctorFacts, WhyFacts } from './facts.js';
import { type Finding, countOf, note, problem } from './finding.js';
import { isRoleWanted } from './want-findings.js';

export function allocationFindings(facts: DoctorFacts): readonly Finding[] {
  const { master, choice } = facts;
  if (master.kind === 'silent') return [];
  const roles = choice.kind === 'one' && choice.framework.state === 'connected';
  return [...agentFindings(master.agents), ...(roles ? roleFindings(facts) : [])];
}

function agentFindings(agents: AgentFacts): readonly Finding[] {
  const { registered, active, deactivated, unreachable } = agents;
  const lost = unreachable === 0 ? '' : `; ${countOf(unreachable, 'agent')} cannot be reached`;
  if (registered === 0) {
    return [
      problem(
        `No agent is registered at the master, so there is nothing to offer${lost}.`,
        'Start agents with the --master of this one, or look into their logs.',
      ),
    ];
  }
  if (active === 0) {
    const drained = deactivated === 0 ? 'disconnected' : `${deactivated} drained or deactivated`;
    return [
      problem(
        `None of the ${countOf(registered, 'agent')} is active (${drained})${lost}, so nothing is offered.`,
        "'plateau agents' tells the state of each; 'plateau agents reactivate' ends a drain.",
      ),
    ];
  }
  if (unreachable === 0) return [];
  return [
    note(
      `${countOf(unreachable, 'agent')} cannot be reached; tasks there count as unreachable until they come back.`,
      "Of a machine that is lost for ever, say so with 'plateau agents gone': its tasks are replaced then.",
    ),
  ];
}

/** For each role whose offers are wanted: why agents are not offered. */
function roleFindings({ why, admin }: DoctorFacts): readonly Finding[] {
  if (why === undefined || (admin?.kind === 'answers' && isContent(admin))) return [];
  const isStarving = admin?.kind === 'answers' && why.outstandingOffers === 0 && !hadOffers(admin);
  return why.roles
    .filter(({ role }) => admin?.kind !== 'answers' || isRoleWanted(admin, role))
    .flatMap((role) => roleFindingsOf(role, isStarving));
}

type Runtime = Extract<DoctorFacts['admin'], { readonly kind: 'answers' }>;

/** It has all it wants, or wants nothing for now. */
function isContent({ isPaused, wants, waiting }: Runtime): boolean {
  return isPaused || (waiting.length === 0 && (wants === undefined || wants.length === 0));
}

/** Whether something waits although offers came: those tell more than what was not offered. */
function hadOffers({ waiting }: Runtime): boolean {
  return waiting.some(({ refusals }) => refusals.some(({ offers }) => offers > 0));
}

function roleFindingsOf(
  { role, reasons }: WhyFacts['roles'][number],
  isStarving: boolean,
): readonly Finding[] {
  const make = isStarving ? problem : note;
  return reasons
    .filter(({ reason }) => reason !== 'ROLE_SUPPRESSED' && (isStarving || !PASSING.has(reason)))
    .map(({ reason, meaning, agents, change }) =>
      make(
        `Role ${role}: ${countOf(agents, 'agent')} not offered, because ${meaning} [${reason}].`,
        sentence(change),
      ),
    );
}

/** What is so in every cluster that works, and tells nothing when offers come. */
const PASSING: ReadonlySet<string> = new Set(['FILTERED', 'NOTHING_FREE', 'LOWER_SHARE_FIRST']);

/** With a capital and a full stop. */
function sentence(text: string): string {
  const whole = text === '' ? "'plateau why' tells more" : text;
  const capital = whole.charAt(0).toUpperCase() + whole.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
