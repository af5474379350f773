/** `plateau roles`: roles with their weight, frameworks and what they hold. */
import type { Command } from 'commander';
import type { Role } from '../../api/index.js';
import { type Column, formatAmount, printRows } from '../../command/index.js';
import { Resources } from '../../resources/index.js';
import { type ClientOptions, addClientOptions, operatorClient } from '../client-options.js';

interface RoleRow {
  readonly name: string;
  readonly weight: number;
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly frameworks: readonly string[];
}

const COLUMNS: readonly Column<RoleRow>[] = [
  { heading: 'ROLE', value: (row) => row.name },
  { heading: 'WEIGHT', value: (row) => formatAmount(row.weight), align: 'right' },
  { heading: 'CPUS', value: (row) => formatAmount(row.cpus), align: 'right' },
  { heading: 'MEM MiB', value: (row) => formatAmount(row.memoryMiB), align: 'right' },
  { heading: 'FRAMEWORKS', value: (row) => row.frameworks.length, align: 'right' },
];

export function define(command: Command): void {
  addClientOptions(command).action(async (options: ClientOptions) => {
    const response = await operatorClient(options).call({ type: 'GET_ROLES' });
    const rows = (response?.get_roles?.roles ?? []).map(toRow);
    printRows(rows, { json: options.json, columns: COLUMNS, none: 'no roles are in use' });
  });
}

function toRow(role: Role): RoleRow {
  const held = Resources.fromWire(role.resources ?? []);
  return {
    name: role.name,
    weight: role.weight,
    cpus: held.scalar('cpus') / 1000,
    memoryMiB: held.scalar('mem') / 1000,
    frameworks: (role.frameworks ?? []).map((framework) => framework.value),
  };
}
