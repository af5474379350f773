/** `plateau maintenance`: which machines are, or will be, maintained, and what operators do about it. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import {
  type AllocatorInverseOfferStatus,
  type MachineID,
  type MaintenanceSchedule,
  type MaintenanceWindow,
  decodeJson,
  durationInfoMs,
  encodeJson,
  formatDuration,
  machineName,
  machineText,
  parseDuration,
  timeInfoMs,
  toDurationInfo,
  toTimeInfo,
} from '../../api/index.js';
import { PlateauError, errorMessage } from '../../base/index.js';
import type { OperatorClient } from '../../client/index.js';
import { type Column, printJson, printLine, printNotice, printRows } from '../../command/index.js';
import {
  type ClientOptions,
  addClientOptions,
  commandWorld,
  operatorClient,
} from '../client-options.js';

interface MachineRow {
  readonly machine: string;
  readonly mode: 'draining' | 'down';
  /** ISO 8601. */
  readonly start: string;
  /** Such as `2hrs`; undefined: the end is open. */
  readonly duration: string | undefined;
  /** How many agents are registered from there. */
  readonly agents: number;
  readonly answers: readonly { readonly frameworkId: string; readonly status: string }[];
}

const COLUMNS: readonly Column<MachineRow>[] = [
  { heading: 'MACHINE', value: (row) => row.machine },
  { heading: 'MODE', value: (row) => row.mode },
  { heading: 'START', value: (row) => row.start },
  { heading: 'DURATION', value: (row) => row.duration },
  { heading: 'AGENTS', value: (row) => row.agents, align: 'right' },
  {
    heading: 'ANSWERS',
    value: ({ answers }) =>
      answers.length === 0
        ? undefined
        : answers.map(({ frameworkId, status }) => `${frameworkId}:${status}`).join(' '),
  },
];

interface PlanOptions extends ClientOptions {
  readonly start: string;
  readonly duration?: string;
}

const MACHINES = 'host name, IPv4 address, or both as HOST/ADDRESS';

export function define(command: Command): void {
  addClientOptions(command.command('status', { isDefault: true }))
    .description('list the machines of the schedule, and what frameworks answered')
    .action(showStatus);
  addClientOptions(command.command('schedule'))
    .description('print the schedule, or replace it by that of a file')
    .argument('[file]', 'JSON as `schedule` prints it; - for standard input')
    .action(schedule);
  addClientOptions(command.command('plan'))
    .description('add a window to the schedule: the machines drain from now on')
    .argument('<machines...>', MACHINES)
    .option('--start <time>', "when it begins: now, 'in 10mins', or ISO 8601", 'now')
    .option('--duration <duration>', 'how long it takes, such as 2hrs (default: open)')
    .action(plan);
  addClientOptions(command.command('cancel'))
    .description('take machines out of the schedule that are not down')
    .argument('<machines...>', MACHINES)
    .action(cancel);
  addClientOptions(command.command('start'))
    .description('take draining machines down: their agents and tasks are ended')
    .argument('<machines...>', MACHINES)
    .action(async (texts: readonly string[], options: ClientOptions) => {
      const master = operatorClient(options);
      const machines = resolve(texts, await readSchedule(master));
      await master.call({ type: 'START_MAINTENANCE', start_maintenance: { machines } });
      report(options, { machines, done: 'down' });
    });
  addClientOptions(command.command('stop'))
    .description('bring machines up again, and take them out of the schedule')
    .argument('<machines...>', MACHINES)
    .action(async (texts: readonly string[], options: ClientOptions) => {
      const master = operatorClient(options);
      const machines = resolve(texts, await readSchedule(master));
      await master.call({ type: 'STOP_MAINTENANCE', stop_maintenance: { machines } });
      report(options, { machines, done: 'up' });
    });
}

async function showStatus(options: ClientOptions): Promise<void> {
  const master = operatorClient(options);
  const response = await master.call({ type: 'GET_MAINTENANCE_STATUS' });
  const status = response?.get_maintenance_status?.status;
  const down = new Set((status?.down_machines ?? []).map((machine) => machineName(machine)));
  const answers = new Map<string, readonly AllocatorInverseOfferStatus[]>();
  for (const { id, statuses } of status?.draining_machines ?? []) {
    answers.set(machineName(id), statuses ?? []);
  }
  const { windows = [] } = await readSchedule(master);
  const places = await placesOfAgents(master);
  const rows = windows.flatMap(({ machine_ids: machines = [], unavailability }) =>
    machines.map((machine): MachineRow => {
      const { start, duration } = unavailability;
      const name = machineName(machine);
      return {
        machine: machineText(machine),
        mode: down.has(name) ? 'down' : 'draining',
        start: isoText(timeInfoMs(start)),
        duration: duration === undefined ? undefined : formatDuration(durationInfoMs(duration)),
        agents: places.filter((place) => isPartOf(machine, place)).length,
        answers: (answers.get(name) ?? []).map((answer) => ({
          frameworkId: answer.framework_id.value,
          status: answer.status,
        })),
      };
    }),
  );
  printRows(rows, { json: options.json, columns: COLUMNS, none: 'no machine is to be maintained' });
}

/** Times of the wire may be beyond what a Date can hold. */
function isoText(timeMs: number): string {
  const date = new Date(timeMs);
  return Number.isNaN(date.getTime()) ? `${timeMs}ms` : date.toISOString();
}

async function schedule(file: string | undefined, options: ClientOptions): Promise<void> {
  const master = operatorClient(options);
  if (file === undefined) {
    printLine(encodeJson('MaintenanceSchedule', await readSchedule(master)));
    return;
  }
  const windows = readFile(file).windows ?? [];
  await replace(master, windows);
  report(options, { machines: windows.flatMap(machinesOf), done: 'scheduled' });
}

function readFile(file: string): MaintenanceSchedule {
  try {
    return decodeJson('MaintenanceSchedule', readFileSync(file === '-' ? 0 : file));
  } catch (cause) {
    const text = `the file ${file} holds no maintenance schedule: ${errorMessage(cause)}`;
    throw new PlateauError('INVALID_FLAG', text, { context: { file }, cause });
  }
}

async function plan(texts: readonly string[], options: PlanOptions): Promise<void> {
  const unavailability = {
    start: toTimeInfo(startOf(options.start)),
    duration:
      options.duration === undefined ? undefined : toDurationInfo(parseDuration(options.duration)),
  };
  const machine_ids = texts.map((text) => parseMachine(text));
  const master = operatorClient(options);
  const { windows = [] } = await readSchedule(master);
  assertNotPlanned(machine_ids, windows);
  await replace(master, [...windows, { machine_ids, unavailability }]);
  report(options, { machines: machine_ids, done: 'scheduled' });
  const places = await placesOfAgents(master);
  for (const machine of machine_ids) {
    if (places.some((place) => isPartOf(machine, place))) continue;
    printNotice(`no agent runs on ${machineText(machine)} now: see HOST of plateau agents`);
  }
}

/** A second window for a machine is refused by the master, in words about the schedule as a whole. */
function assertNotPlanned(
  machines: readonly MachineID[],
  windows: readonly MaintenanceWindow[],
): void {
  const planned = new Set(windows.flatMap(machinesOf).map(machineName));
  const again = machines.find((machine) => planned.has(machineName(machine)));
  if (again === undefined) return;
  const text = machineText(again);
  throw new PlateauError(
    'CALL_REFUSED',
    `${text} has a window already: take it out with 'plateau maintenance cancel ${text}' first`,
  );
}

function startOf(text: string): number {
  const now = commandWorld().clock.now();
  if (text === 'now') return now;
  if (text.startsWith('in ')) return now + parseDuration(text.slice('in '.length).trim());
  const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(time)) return time;
  const advice = "write now, 'in 10mins', or a time such as 2030-05-01T22:00:00Z";
  throw new PlateauError('INVALID_FLAG', `--start is no time: '${text}': ${advice}`, {
    context: { flag: 'start', value: text },
  });
}

async function cancel(texts: readonly string[], options: ClientOptions): Promise<void> {
  const master = operatorClient(options);
  const former = await readSchedule(master);
  const machines = resolve(texts, former);
  const names = new Set(machines.map((machine) => machineName(machine)));
  const scheduled = new Set((former.windows ?? []).flatMap(machinesOf).map(machineName));
  const missing = machines.find((machine) => !scheduled.has(machineName(machine)));
  if (missing !== undefined) {
    throw new PlateauError('NOT_FOUND', `${machineText(missing)} is in no maintenance schedule`, {
      context: { machine: machineText(missing) },
    });
  }
  const windows = (former.windows ?? []).flatMap((window) => {
    const machine_ids = machinesOf(window).filter((machine) => !names.has(machineName(machine)));
    return machine_ids.length === 0 ? [] : [{ ...window, machine_ids }];
  });
  await replace(master, windows);
  report(options, { machines, done: 'not to be maintained' });
}

/** Where the registered agents run: the name that each says, and the address it connects from. */
async function placesOfAgents(master: OperatorClient): Promise<readonly MachineID[]> {
  const response = await master.call({ type: 'GET_AGENTS' });
  return (response?.get_agents?.agents ?? []).map(({ agent_info: { hostname }, pid = '' }) => {
    const ip = pid.slice(pid.indexOf('@') + 1, pid.lastIndexOf(':'));
    return { hostname, ip };
  });
}

function machinesOf({ machine_ids: machines }: MaintenanceWindow): readonly MachineID[] {
  return machines ?? [];
}

async function readSchedule(master: OperatorClient): Promise<MaintenanceSchedule> {
  const response = await master.call({ type: 'GET_MAINTENANCE_SCHEDULE' });
  return response?.get_maintenance_schedule?.schedule ?? {};
}

async function replace(
  master: OperatorClient,
  windows: readonly MaintenanceWindow[],
): Promise<void> {
  const update_maintenance_schedule = { schedule: { windows } };
  await master.call({ type: 'UPDATE_MAINTENANCE_SCHEDULE', update_maintenance_schedule });
}

/** A machine as it is typed. What is wrong with it the master says. */
function parseMachine(text: string): MachineID {
  const slash = text.indexOf('/');
  if (slash !== -1) return { hostname: text.slice(0, slash), ip: text.slice(slash + 1) };
  return /^\d+(\.\d+){3}$/.test(text) ? { ip: text } : { hostname: text };
}

/**
 * The machines under the names of the schedule, of which a part may be typed. What the schedule does
 * not have is left as it is: the master refuses it.
 * @throws PlateauError `INVALID_FLAG` when a text could mean several machines.
 */
function resolve(texts: readonly string[], { windows }: MaintenanceSchedule): MachineID[] {
  const scheduled = (windows ?? []).flatMap(machinesOf);
  return texts.map((text) => {
    const typed = parseMachine(text);
    const exact = scheduled.find((machine) => machineName(machine) === machineName(typed));
    if (exact !== undefined) return exact;
    const found = scheduled.filter((machine) => isPartOf(typed, machine));
    if (found.length <= 1) return found[0] ?? typed;
    const names = found.map((machine) => machineText(machine)).join(', ');
    throw new PlateauError('INVALID_FLAG', `'${text}' could be any of ${names}: type both parts`, {
      context: { machine: text },
    });
  });
}

/** Whether a name of a machine, or a part of one, fits a machine whose name is complete. */
function isPartOf(typed: MachineID, machine: MachineID): boolean {
  const isHost =
    typed.hostname === undefined || machineName({ hostname: typed.hostname }) === hostOf(machine);
  return isHost && (typed.ip === undefined || typed.ip === machine.ip);
}

function hostOf({ hostname }: MachineID): string | undefined {
  return hostname === undefined ? undefined : machineName({ hostname });
}

function report(
  { json }: ClientOptions,
  what: { readonly machines: readonly MachineID[]; readonly done: string },
): void {
  const machines = what.machines.map((machine) => machineText(machine));
  if (json) printJson({ machines, state: what.done });
  else if (machines.length === 0) printLine('the schedule is empty');
  else printLine(`${machines.join(', ')}: ${what.done}`);
}
