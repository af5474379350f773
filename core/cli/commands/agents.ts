/**
 * `plateau agents`: the agents of the cluster, with what is used of each; and what an operator decides
 * about them.
 */
import type { Command } from 'commander';
import {
  type AgentID,
  type AgentInfo,
  type MasterCall,
  type MasterResponseGetAgentsAgent,
  type Resource,
  parseDuration,
  toProtobufDuration,
} from '../../api/index.js';
import { PlateauError } from '../../base/index.js';
import type { OperatorClient } from '../../client/index.js';
import {
  type Column,
  formatAmount,
  printJson,
  printLine,
  printNotice,
  printRows,
} from '../../command/index.js';
import { Resources } from '../../resources/index.js';
import {
  type ClientOptions,
  addClientOptions,
  commandWorld,
  operatorClient,
} from '../client-options.js';

type AgentState = 'active' | 'disconnected' | 'deactivated' | 'draining' | 'drained';

interface AgentRow {
  readonly id: string;
  readonly hostname: string;
  readonly port: number;
  readonly state: AgentState;
  readonly cpus: string;
  readonly memoryMiB: string;
  readonly diskMiB: string;
  readonly attributes: string;
}

const COLUMNS: readonly Column<AgentRow>[] = [
  { heading: 'ID', value: (row) => row.id },
  { heading: 'HOST', value: (row) => `${row.hostname}:${row.port}` },
  { heading: 'STATE', value: (row) => row.state },
  { heading: 'CPUS (used/all)', value: (row) => row.cpus, align: 'right' },
  { heading: 'MEM MiB', value: (row) => row.memoryMiB, align: 'right' },
  { heading: 'DISK MiB', value: (row) => row.diskMiB, align: 'right' },
  { heading: 'ATTRIBUTES', value: (row) => row.attributes },
];

export function define(command: Command): void {
  addClientOptions(command.command('list', { isDefault: true }))
    .description('list the agents, with what is used of their resources')
    .action(async (options: ClientOptions) => {
      const { agents } = await readAgents(operatorClient(options));
      printRows(agents.map(toRow), { json: options.json, columns: COLUMNS, none: 'no agents' });
    });
  addClientOptions(command.command('drain'))
    .description('end the tasks of agents, and offer them no more')
    .argument('<agents...>', AGENTS)
    .option('--max-grace-period <duration>', 'longest time for a task to end, such as 30secs')
    .option('--mark-gone', 'mark the agents gone when nothing is left on them', false)
    .option('--wait', 'return when nothing is left on them', false)
    .action(drain);
  for (const [name, decision] of Object.entries(DECISIONS)) {
    addClientOptions(command.command(name))
      .description(decision.description)
      .argument('<agents...>', AGENTS)
      .action(async (texts: readonly string[], options: ClientOptions) => {
        await decide(texts, options, decision);
      });
  }
}

const AGENTS = 'id of an agent, or a unique end of it such as S0';

interface Decision {
  readonly call: (agent_id: AgentID) => MasterCall;
  /** What the agent is then. */
  readonly done: string;
}

const DECISIONS: Readonly<Record<string, Decision & { readonly description: string }>> = {
  deactivate: {
    description: 'offer agents no more; their tasks go on',
    call: (agent_id) => ({ type: 'DEACTIVATE_AGENT', deactivate_agent: { agent_id } }),
    done: 'deactivated',
  },
  reactivate: {
    description: 'offer agents again that are deactivated or drained',
    call: (agent_id) => ({ type: 'REACTIVATE_AGENT', reactivate_agent: { agent_id } }),
    done: 'active',
  },
  gone: {
    description: 'declare agents dead for ever, with all that runs on them; it cannot be undone',
    call: (agent_id) => ({ type: 'MARK_AGENT_GONE', mark_agent_gone: { agent_id } }),
    done: 'gone',
  },
};

/** Asks for one agent after the other; the first that is refused ends it. Returns their ids. */
async function decide(
  texts: readonly string[],
  options: ClientOptions,
  { call, done }: Decision,
): Promise<readonly string[]> {
  const master = operatorClient(options);
  const ids = await resolve(master, texts);
  for (const value of ids) {
    // oxlint-disable-next-line no-await-in-loop -- each is reported before the next is asked for
    await master.call(call({ value }));
    if (!options.json) printLine(`${value}: ${done}`);
  }
  if (options.json) printJson({ agents: ids, state: done });
  return ids;
}

interface DrainOptions extends ClientOptions {
  readonly maxGracePeriod?: string;
  readonly markGone: boolean;
  readonly wait: boolean;
}

async function drain(texts: readonly string[], options: DrainOptions): Promise<void> {
  const { maxGracePeriod, markGone: mark_gone } = options;
  const max_grace_period =
    maxGracePeriod === undefined ? undefined : toProtobufDuration(parseDuration(maxGracePeriod));
  const ids = await decide(texts, options, {
    call: (agent_id) => ({
      type: 'DRAIN_AGENT',
      drain_agent: { agent_id, max_grace_period, mark_gone },
    }),
    done: 'draining',
  });
  if (options.wait) await untilDrained(ids, options);
}

/** How often a command that waits for agents looks at them. */
const LOOK_MS = 500;

/** @throws PlateauError `NOT_FOUND` when one stops draining and is not drained. */
async function untilDrained(ids: readonly string[], options: DrainOptions): Promise<void> {
  const master = operatorClient(options);
  const { clock } = commandWorld();
  const left = new Set(ids);
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- it waits
    const all = await readAgents(master);
    for (const value of left) {
      const now = stateNow(all, value);
      if (now === 'draining' || now === 'awaited') continue;
      left.delete(value);
      const expected = options.markGone ? 'gone' : 'drained';
      if (now !== expected) {
        const text = `agent ${value} is ${now}, and not being drained any more`;
        throw new PlateauError('NOT_FOUND', text, { context: { agent: value } });
      }
      printNotice(`${value}: ${now}`);
    }
    if (left.size === 0) return;
    // oxlint-disable-next-line no-await-in-loop -- it waits
    await new Promise<void>((settle) => {
      clock.setTimer(LOOK_MS, settle);
    });
  }
}

/** An agent that nobody knows any more counts as gone. */
function stateNow({ agents, awaited }: KnownAgents, value: string): string {
  const agent = agents.find(({ agent_info: { id } }) => id?.value === value);
  if (agent !== undefined) return stateOf(agent);
  return awaited.some(({ id }) => id?.value === value) ? 'awaited' : 'gone';
}

interface KnownAgents {
  readonly agents: readonly MasterResponseGetAgentsAgent[];
  /** Those that have not come back since the master started. */
  readonly awaited: readonly AgentInfo[];
}

async function readAgents(master: OperatorClient): Promise<KnownAgents> {
  const response = await master.call({ type: 'GET_AGENTS' });
  const { agents = [], recovered_agents: awaited = [] } = response?.get_agents ?? {};
  return { agents, awaited };
}

/**
 * The ids that are meant. One that the master does not list is left as it is typed: it may be that of
 * an unreachable agent.
 * @throws PlateauError `INVALID_FLAG` when a text could mean several agents.
 */
async function resolve(
  master: OperatorClient,
  texts: readonly string[],
): Promise<readonly string[]> {
  const { agents, awaited } = await readAgents(master);
  const infos = [...agents.map(({ agent_info: info }) => info), ...awaited];
  const known = infos.flatMap(({ id }) => id?.value ?? []);
  return texts.map((text) => {
    if (known.includes(text)) return text;
    const found = known.filter((value) => value.endsWith(`-${text}`));
    if (found.length <= 1) return found[0] ?? text;
    throw new PlateauError('INVALID_FLAG', `'${text}' could be any of ${found.join(', ')}`, {
      context: { agent: text },
    });
  });
}

function stateOf(agent: MasterResponseGetAgentsAgent): AgentState {
  const { active, deactivated, drain_info: drained } = agent;
  if (drained !== undefined) return drained.state === 'DRAINED' ? 'drained' : 'draining';
  if (deactivated === true) return 'deactivated';
  return active ? 'active' : 'disconnected';
}

function toRow(agent: MasterResponseGetAgentsAgent): AgentRow {
  const used = Resources.fromWire(agent.allocated_resources ?? []);
  const total = Resources.fromWire(agent.total_resources ?? []);
  const share = (name: string): string =>
    `${formatAmount(used.scalar(name) / 1000)}/${formatAmount(total.scalar(name) / 1000)}`;
  return {
    id: agent.agent_info.id?.value ?? '',
    hostname: agent.agent_info.hostname,
    port: agent.agent_info.port ?? 5051,
    state: stateOf(agent),
    cpus: share('cpus'),
    memoryMiB: share('mem'),
    diskMiB: share('disk'),
    attributes: (agent.agent_info.attributes ?? [])
      .map((attribute) => `${attribute.name}:${attributeText(attribute)}`)
      .join(' '),
  };
}

function attributeText(attribute: {
  readonly text?: { readonly value: string } | undefined;
  readonly scalar?: { readonly value: number } | undefined;
  readonly ranges?: Resource['ranges'];
}): string {
  const ranges = attribute.ranges?.range?.map(({ begin, end }) => `${begin}-${end}`).join(',');
  return attribute.text?.value ?? attribute.scalar?.value.toString() ?? `[${ranges ?? ''}]`;
}
