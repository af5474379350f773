/**
 * The page `offer_constraints_debug`: which agents the offer constraints of each framework keep away,
 * role by role, and the roles that it has suppressed. Each agent is tried when its turn comes.
 */
import {
  type RoleConstraints,
  compileOfferConstraints,
  re2Compiler,
} from '../../allocator/index.js';
import type { AgentInfo } from '../../api/index.js';
import type { ClusterView } from '../../master/index.js';
import { quotedText, valueText } from './json-text.js';

/** What frameworks stated was checked against the limits of the operator when it came. */
const compile = re2Compiler({
  maxChars: Number.MAX_SAFE_INTEGER,
  maxInstructions: Number.MAX_SAFE_INTEGER,
});

/** Agents that are tried before others may get their turn. */
const AGENTS_PER_PIECE = 50;

type Framework = ClusterView['frameworks'] extends ReadonlyMap<string, infer F> ? F : never;

/** All frameworks that are subscribed, or may come back. */
export function* offerConstraintsPage(cluster: ClusterView): Generator<string> {
  const agents = Array.from(cluster.agents.values(), ({ info, id }) => ({ info, id }));
  const frameworks = [...cluster.frameworks.values()];
  let separator = '{"frameworks":{';
  for (const framework of frameworks) {
    yield `${separator}${quotedText(framework.id)}:`;
    separator = ',';
    yield* frameworkPieces(framework, agents);
  }
  yield separator === ',' ? '}}' : '{"frameworks":{}}';
}

interface Candidate {
  readonly id: string;
  readonly info: AgentInfo;
}

function* frameworkPieces(framework: Framework, agents: readonly Candidate[]): Generator<string> {
  const { roles, suppressedRoles, offerConstraints } = framework;
  const constraints = compileOfferConstraints(offerConstraints, compile);
  yield `{"suppressed_roles":${valueText([...suppressedRoles])}`;
  yield ',"excluded_by_attribute_constraints":{';
  let separator = '';
  for (const role of roles) {
    yield `${separator}${quotedText(role)}:`;
    separator = ',';
    yield* excludedPieces(constraints.get(role), agents);
  }
  yield '}}';
}

function* excludedPieces(
  constraints: RoleConstraints | undefined,
  agents: readonly Candidate[],
): Generator<string> {
  let separator = '[';
  if (constraints !== undefined) {
    for (let start = 0; start < agents.length; start += AGENTS_PER_PIECE) {
      const part = agents.slice(start, start + AGENTS_PER_PIECE);
      const excluded = part.filter(({ info }) => !constraints.isMetBy(info));
      for (const { id } of excluded) {
        yield `${separator}${quotedText(id)}`;
        separator = ',';
      }
      yield '';
    }
  }
  yield separator === '[' ? '[]' : ']';
}
