/** What is known about the master and the agent under test before the first case runs. */
import { errorMessage } from '../../../../core/base/index.js';
import { get, listAt, textAt } from './check.js';
import { Operator } from './operator.js';

const REGISTRATION_POLL_MS = 200;
const REGISTRATION_POLLS = 50;

export interface Target {
  readonly master: string;
  readonly agent: string;
  /** In all names of this run, so that two runs against one master do not meet. */
  readonly runId: string;
  readonly version: string;
  readonly agentId: string;
  /** The agent's entry in GET_AGENTS. */
  readonly agentInfo: unknown;
  readonly agentCapabilities: readonly string[];
  readonly masterFlags: Readonly<Record<string, string>>;
  readonly agentFlags: Readonly<Record<string, string>>;
  /** Records something that the reader of the results should know. */
  readonly note: (text: string) => void;
}

/** Asks both. @throws Error when the agent is not registered with the master. */
export async function learnTarget(
  urls: { readonly master: string; readonly agent: string },
  note: (text: string) => void,
): Promise<Target> {
  const master = new Operator(urls.master);
  const agent = new Operator(urls.agent);
  const version = textAt(await master.call('GET_VERSION'), 'version_info.version');
  const agentId = textAt(await agent.page('/state'), 'id');
  const agentInfo = await registeredAgent(master, agentId);
  return {
    ...urls,
    runId: Math.random().toString(36).slice(2, 6),
    version,
    agentId,
    agentInfo,
    agentCapabilities: listAt(agentInfo, 'capabilities').map((one) => textAt(one, 'type')),
    masterFlags: flagsOf(await master.call('GET_FLAGS')),
    agentFlags: flagsOf(await agent.call('GET_FLAGS')),
    note,
  };
}

async function registeredAgent(master: Operator, agentId: string): Promise<unknown> {
  for (let poll = 0; poll < REGISTRATION_POLLS; poll++) {
    const agents = listAt(await master.call('GET_AGENTS'), 'agents');
    const found = agents.find((one) => get(one, 'agent_info.id.value') === agentId);
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, REGISTRATION_POLL_MS));
  }
  throw new Error(`the agent ${agentId} is not registered with the master at ${master.base}`);
}

function flagsOf(answer: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(
    listAt(answer, 'flags').map((flag) => [textAt(flag, 'name'), String(get(flag, 'value'))]),
  );
}

/** Runs something whose failure must not fail the case, and notes it. */
export async function attempt(target: Target, what: string, action: () => unknown): Promise<void> {
  try {
    await action();
  } catch (error) {
    target.note(`${what}: ${errorMessage(error)}`);
  }
}
