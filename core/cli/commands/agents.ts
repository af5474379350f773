/** `plateau agents`: the agents of the cluster, with what is used and offered of each. */
import type { Command } from 'commander';
import type { MasterResponseGetAgentsAgent, Resource } from '../../api/index.js';
import { type Column, formatAmount, printRows } from '../../command/index.js';
import { Resources } from '../../resources/index.js';
import { type ClientOptions, addClientOptions, operatorClient } from '../client-options.js';

interface AgentRow {
  readonly id: string;
  readonly hostname: string;
  readonly port: number;
  readonly state: 'active' | 'deactivated';
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
  addClientOptions(command).action(async (options: ClientOptions) => {
    const response = await operatorClient(options).call({ type: 'GET_AGENTS' });
    const agents = response?.get_agents?.agents ?? [];
    printRows(agents.map(toRow), { json: options.json, columns: COLUMNS, none: 'no agents' });
  });
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
    state: agent.active ? 'active' : 'deactivated',
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
