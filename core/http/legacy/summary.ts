/** `/state-summary`: agents and frameworks, with numbers of tasks by state instead of tasks. */
import type { Task } from '../../api/index.js';
import type { AgentSnapshot, ClusterSnapshot, WholeFramework } from '../../master/index.js';
import { agentText } from './agents.js';
import { frameworkText } from './frameworks.js';
import { joinedText, listPieces, listText, objectText, rendered, valueText } from './json-text.js';
import { StateCounts } from './tasks.js';

/** Tasks that are counted before others get their turn. */
const TASKS_PER_STEP = 512;

/** What is counted for one agent or framework. */
class Place {
  readonly counts = new StateCounts();
  /** Frameworks of an agent, agents of a framework. */
  readonly others = new Set<string>();

  add(task: Task, other: string): void {
    this.counts.add(task.state);
    this.others.add(other);
  }

  /** The text of an agent or framework with its numbers. */
  text(basics: string, othersName: string): string {
    const ids = listText([...this.others].map(valueText));
    return joinedText(basics, objectText({ ...this.counts.members(), [othersName]: ids }));
  }
}

/** The members `slaves` and `frameworks` of the page, made while they are taken. */
export function* summaryPieces({ agents, frameworks }: ClusterSnapshot): Generator<string> {
  const byAgent = new Map<string, Place>();
  const byFramework = new Map<string, Place>();
  let counted = 0;
  for (const framework of frameworks) {
    const place = placeOf(byFramework, framework.head.id);
    for (const task of tasksOf(framework)) {
      const agentId = task.agent_id.value;
      place.add(task, agentId);
      placeOf(byAgent, agentId).add(task, framework.head.id);
      if (counted++ % TASKS_PER_STEP === 0) yield '';
    }
  }
  const agentPiece = (agent: AgentSnapshot): string =>
    placeOf(byAgent, agent.id).text(agentText(agent), 'framework_ids');
  const frameworkPiece = ({ head }: WholeFramework): string =>
    placeOf(byFramework, head.id).text(frameworkText(head), 'slave_ids');
  yield ',"slaves":';
  yield* listPieces(rendered(agents, agentPiece));
  yield ',"frameworks":';
  yield* listPieces(rendered(frameworks, frameworkPiece));
}

function placeOf(places: Map<string, Place>, id: string): Place {
  const known = places.get(id);
  if (known !== undefined) return known;
  const place = new Place();
  places.set(id, place);
  return place;
}

function* tasksOf({ tasks }: WholeFramework): Generator<Task> {
  yield* tasks.active;
  yield* tasks.unreachable;
  yield* tasks.completed;
}
