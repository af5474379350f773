/**
 * What `plateau why` prints: for each role a line for each reason with its nearest misses, what would
 * have to change, and the last decisions. Whatever comes from frameworks and agents is made printable.
 */
import type {
  AgentExamples,
  Amounts,
  Decision,
  NearMiss,
  ReasonExplanation,
  RoleExplanation,
} from '../allocator/index.js';
import { formatAmount, formatSpan, printLine, printable } from '../command/index.js';
import type { FrameworkExplanation, OfferAnswer } from '../master/index.js';

/** Prints the answer of the master. */
export function printExplanation(explanation: FrameworkExplanation): void {
  for (const line of explanationLines(explanation)) printLine(printable(line));
}

/** The lines of the answer; texts in them are as they came. */
export function explanationLines(explanation: FrameworkExplanation): readonly string[] {
  const { name, frameworkId, state, summary, tasks, outstandingOffers, allocation, task } =
    explanation;
  return [
    `framework ${name} (${frameworkId}): ${summary}`,
    `it has ${tasks} task(s) and holds ${outstandingOffers} offer(s)`,
    ...answerLines(explanation),
    ...(task === undefined
      ? []
      : [
          `task: ${[amounts(task.resources), ...task.constraints].filter((part) => part !== '').join(', ')}`,
        ]),
    ...explanation.fittingOffers.map(
      ({ offerIds, hostname, role }) =>
        `you hold ${offerIds.length === 1 ? 'an offer that fits' : 'offers that fit together'}: ${offerIds.join(', ')} (${hostname}, role ${role})`,
    ),
    ...(allocation?.roles ?? []).flatMap((role) => roleLines(role, task !== undefined)),
    ...(allocation === undefined && state !== 'removed'
      ? ['the allocator of this master does not tell its reasons']
      : []),
    ...leftOut(allocation?.rolesLeftOut ?? []),
  ];
}

function roleLines(role: RoleExplanation, hasTask: boolean): string[] {
  const share = percent(role.dominantShare);
  return [
    '',
    `role ${role.role}: dominant share ${share}, weight ${role.weight}`,
    ...(role.lastCycleMs === undefined ? ['  no allocation cycle has run yet'] : []),
    count(role.offeredAgents, 'offer(s) since the last batch began'),
    ...examples(role.holds, hasTask ? 'offered already, with room for the task' : undefined),
    ...examples(role.fits, hasTask ? 'free, with room for the task' : 'offered by the next run'),
    ...role.reasons.flatMap(reasonLines),
    ...decisionLines(role.decisions),
  ];
}

function count(agents: number, text: string): string {
  return `  ${String(agents).padStart(5)} ${text}`;
}

function examples({ agents, examples: some }: AgentExamples, text: string | undefined): string[] {
  if (agents === 0 || text === undefined) return [];
  const names = some.map(({ hostname, agentId }) => `${hostname} (${agentId})`).join(', ');
  return [count(agents, `agent(s) ${text}: ${names}${agents > some.length ? ', …' : ''}`)];
}

function reasonLines({
  reason,
  meaning,
  agents,
  change,
  nearest,
  heldBy,
}: ReasonExplanation): string[] {
  const holders = (heldBy ?? []).map(
    (one) => `framework ${one.frameworkId} in role ${one.role} on ${one.agents} agent(s)`,
  );
  return [
    count(agents, `agent(s) not: ${meaning} [${reason}]`),
    ...nearest.map((miss) => `          ${missText(miss)}`),
    ...(holders.length === 0 ? [] : [`        held by ${holders.join(', ')}`]),
    `        to change that: ${change}`,
  ];
}

function missText(miss: NearMiss): string {
  const facts = [
    ...miss.missing.map(
      ({ resource, missing, available, wanted }) =>
        `lacks ${formatAmount(missing)} ${resource} (has ${formatAmount(available)} of ${formatAmount(wanted)})`,
    ),
    ...(miss.attributes ?? []).map(
      ({ attribute, wanted, found }) =>
        `${found === undefined ? `no ${attribute}` : `${attribute} = ${found}`}, wanted ${wanted}`,
    ),
    ...(miss.filterEndsInMs === undefined
      ? []
      : [`filter ends in ${formatSpan(miss.filterEndsInMs)}`]),
    ...(miss.holders ?? []).map(
      ({ frameworkId, role, held }) => `${frameworkId} (role ${role}) holds ${amounts(held)}`,
    ),
  ];
  return `${miss.hostname} (${miss.agentId})${facts.length === 0 ? '' : `: ${facts.join('; ')}`}`;
}

function decisionLines(decisions: readonly Decision[]): string[] {
  if (decisions.length === 0) return [];
  return ['  last decisions:', ...decisions.map((one) => `    ${decisionText(one)}`)];
}

function decisionText({ kind, atMs, agoMs, agents, dominantShare, reasons }: Decision): string {
  const time = `${new Date(atMs).toISOString()} (${formatSpan(agoMs)} ago)`;
  const share = `share ${percent(dominantShare)}`;
  const others = reasons.length === 0 ? '' : `, refused for ${reasons.join(', ')}`;
  const offered = kind === 'OFFERED' ? ` ${agents} agent(s)` : '';
  return `${time} ${kind}${offered}, ${share}${others}`;
}

function answerLines({ answers }: FrameworkExplanation): string[] {
  const { DECLINED, ACCEPTED, RESCINDED } = answers.lastMinute;
  if (answers.last.length === 0) return [];
  const texts = answers.last.slice(0, SHOWN_ANSWERS).map(answerText);
  return [
    `in the last minute it accepted ${ACCEPTED} offer(s) and declined ${DECLINED}; ${RESCINDED} were rescinded`,
    ...texts.map((text) => `    ${text}`),
  ];
}

/** Answers to offers that are printed; JSON has them all. */
const SHOWN_ANSWERS = 4;

function answerText({ outcome, untilMs, offers, refuseSeconds }: OfferAnswer): string {
  const filter = refuseSeconds === undefined ? '' : `, refusing for ${refuseSeconds} s`;
  return `${new Date(untilMs).toISOString()} ${outcome} ${offers} offer(s)${filter}`;
}

function leftOut(roles: readonly string[]): string[] {
  if (roles.length === 0) return [];
  return ['', `${roles.length} more role(s): ask about one with --role`];
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function amounts(some: Amounts): string {
  const parts = Object.entries(some).map(([name, value]) => `${name}:${formatAmount(value)}`);
  return parts.join('; ');
}
