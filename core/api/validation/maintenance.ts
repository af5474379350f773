/**
 * Maintenance schedules and lists of machines, as far as they can be judged without the state of a
 * cluster. A machine is named by host name, by IPv4 address, or by both; host names are compared
 * without case.
 */
import type { MachineID, MaintenanceSchedule, Unavailability } from '../messages.js';
import { type Reason, firstReason } from './reasons.js';

/** Longest host name of a machine, in characters: what DNS allows. */
export const MAX_MACHINE_HOSTNAME_LENGTH = 253;

/** Machines in a schedule, or in one call that names machines. */
export const MAX_SCHEDULED_MACHINES = 10_000;

/** Machines with the same name are the same machine: host name in lower case, `@`, and address. */
export function machineName(machine: MachineID): string {
  return `${(machine.hostname ?? '').toLowerCase()}@${machine.ip ?? ''}`;
}

/** How a machine is called in texts, such as `host-1 (10.0.0.7)`. */
export function machineText({ hostname, ip }: MachineID): string {
  if (hostname === undefined || hostname === '') return ip ?? '';
  return ip === undefined || ip === '' ? hostname : `${hostname} (${ip})`;
}

/** Why a schedule is not valid, or undefined. An empty one is valid: it ends all maintenance. */
export function validateMaintenanceSchedule(schedule: MaintenanceSchedule): Reason {
  const windows = schedule.windows ?? [];
  const machines: MachineID[] = [];
  for (const [index, { machine_ids: ids = [], unavailability }] of windows.entries()) {
    const field = `schedule.windows[${index}]`;
    if (ids.length === 0) return `'${field}.machine_ids' is empty: name at least one machine`;
    const reason =
      machinesFault(ids, `${field}.machine_ids`) ?? unavailabilityFault(unavailability, field);
    if (reason !== undefined) return reason;
    machines.push(...ids);
  }
  return collectionFault(machines, 'schedule');
}

/** Why a list of machines that is to be taken down, or up, is not valid; or undefined. */
export function validateMachines(machines: readonly MachineID[], field: string): Reason {
  if (machines.length === 0) return `'${field}' is empty: name at least one machine`;
  return machinesFault(machines, field) ?? collectionFault(machines, field);
}

function machinesFault(machines: readonly MachineID[], field: string): Reason {
  return firstReason(machines, (machine, index) => machineFault(machine, `${field}[${index}]`));
}

function machineFault({ hostname, ip }: MachineID, field: string): Reason {
  if ((hostname ?? '') === '' && (ip ?? '') === '') {
    return `'${field}' has neither 'hostname' nor 'ip': a machine needs at least one of them`;
  }
  // As with Mesos, an empty text is as good as none.
  if (hostname !== undefined && hostname !== '' && !HOSTNAME.test(hostname)) {
    const most = `${MAX_MACHINE_HOSTNAME_LENGTH} printable ASCII characters without blanks`;
    return `'${field}.hostname' is not a host name: it has 1 to ${most}`;
  }
  if (ip !== undefined && ip !== '' && !IPV4.test(ip))
    return `'${field}.ip' is not an IPv4 address: '${ip}'`;
  return undefined;
}

const HOSTNAME = new RegExp(`^[!-~]{1,${MAX_MACHINE_HOSTNAME_LENGTH}}$`);
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

function unavailabilityFault({ duration }: Unavailability, field: string): Reason {
  if (duration === undefined || duration.nanoseconds >= 0n) return undefined;
  return `'${field}.unavailability.duration' is negative`;
}

function collectionFault(machines: readonly MachineID[], field: string): Reason {
  if (machines.length > MAX_SCHEDULED_MACHINES) {
    return `'${field}' names ${machines.length} machines, at most ${MAX_SCHEDULED_MACHINES} are allowed`;
  }
  const seen = new Set<string>();
  for (const machine of machines) {
    const name = machineName(machine);
    if (seen.has(name)) return `Machine '${machineText(machine)}' is more than once in '${field}'`;
    seen.add(name);
  }
  return undefined;
}
