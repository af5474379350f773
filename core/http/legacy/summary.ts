/** `/state-summary`: agents and frameworks, with numbers of tasks by state instead of tasks. */
import type { Task } from '../../api/index.js';
import type { ClusterSnapshot, WholeFramework } from '../../master/index.js';
import type { TextPiece } from '../pages/text-store.js';
import { agentText } from './agents.js';
import { frameworkText } from './frameworks.js';
import { joinedPieces, listOfPieces, listText, objectText, valueText } from './json-text.js';
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

  /** An agent or framework with its numbers. */
  pieces(basics: TextPiece, othersName: string): Iterable<TextPiece> {
    const ids = listText([...this.others].map(valueText));
    return joinedPieces(basics, objectText({ ...this.counts.members(), [othersName]: ids }));
  }
}

/** The members `slaves` and `frameworks` of the page, made while they are taken. */
export function* summaryPieces({ agents, frameworks }: ClusterSnapshot): Generator<TextPiece> {
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
  yield ',"slaves":';
  yield* listOfPieces(agents, (agent) =>
    placeOf(byAgent, agent.id).pieces(agentText(agent), 'framework_ids'),
  );
  yield ',"frameworks":';
  yield* listOfPieces(frameworks, ({ head }) =>
    placeOf(byFramework, head.id).pieces(frameworkText(head), 'slave_ids'),
  );
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
