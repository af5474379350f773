/** `plateau frameworks`: the frameworks that are or were subscribed. */
import type { Command } from 'commander';
import type { MasterResponseGetFrameworksFramework } from '../../api/index.js';
import { frameworkRoles } from '../../api/index.js';
import { type Column, printRows } from '../../command/index.js';
import { type ClientOptions, addClientOptions, operatorClient } from '../client-options.js';

interface FrameworkRow {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly string[];
  readonly user: string;
  readonly state: 'active' | 'disconnected' | 'inactive' | 'completed';
  readonly failoverTimeoutSeconds: number;
}

const COLUMNS: readonly Column<FrameworkRow>[] = [
  { heading: 'ID', value: (row) => row.id },
  { heading: 'NAME', value: (row) => row.name },
  { heading: 'ROLES', value: (row) => row.roles.join(',') },
  { heading: 'USER', value: (row) => row.user },
  { heading: 'STATE', value: (row) => row.state },
];

export function define(command: Command): void {
  addClientOptions(command)
    .option('--all', 'also those that have completed', false)
    .action(async (options: ClientOptions & { readonly all: boolean }) => {
      const response = await operatorClient(options).call({ type: 'GET_FRAMEWORKS' });
      const found = response?.get_frameworks;
      const rows = (found?.frameworks ?? []).map((framework) => toRow(framework, false));
      if (options.all) {
        rows.push(...(found?.completed_frameworks ?? []).map((each) => toRow(each, true)));
      }
      printRows(rows, { json: options.json, columns: COLUMNS, none: 'no frameworks' });
    });
}

function toRow(
  framework: MasterResponseGetFrameworksFramework,
  isCompleted: boolean,
): FrameworkRow {
  const { framework_info: info } = framework;
  const state = framework.connected ? (framework.active ? 'active' : 'inactive') : 'disconnected';
  return {
    id: info.id?.value ?? '',
    name: info.name,
    roles: frameworkRoles(info),
    user: info.user,
    state: isCompleted ? 'completed' : state,
    failoverTimeoutSeconds: info.failover_timeout ?? 0,
  };
}
