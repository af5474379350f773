/**
 * The machines that are to be maintained, and the schedule that says when. A machine is in here as
 * long as the schedule names it: draining until an operator takes it down, down until one brings it
 * up, which takes it out of the schedule.
 */
import {
  type MachineID,
  type MachineInfo,
  type MaintenanceWindow,
  type Unavailability,
  machineName,
} from '../api/index.js';

/** Where an agent runs. Several agents may run on one machine. */
export interface Place {
  readonly hostname: string;
  /** From which the agent connects. */
  readonly ip: string;
}

/** What is scheduled, and how far it is. Replaced as a whole. */
export interface Maintenance {
  readonly windows: readonly MaintenanceWindow[];
  readonly machines: readonly MachineInfo[];
}

export class Machines {
  #windows: readonly MaintenanceWindow[] = [];
  #machines: ReadonlyMap<string, MachineInfo> = new Map();

  /** The schedule, as it was given. */
  get windows(): readonly MaintenanceWindow[] {
    return this.#windows;
  }

  get infos(): Iterable<MachineInfo> {
    return this.#machines.values();
  }

  /** Takes over another schedule, or other modes. */
  replace({ windows, machines }: Maintenance): void {
    this.#windows = windows;
    this.#machines = new Map(machines.map((info) => [machineName(info.id), info]));
  }

  /** A machine under exactly this name, host name without case; undefined: it is up. */
  get(machine: MachineID): MachineInfo | undefined {
    return this.#machines.get(machineName(machine));
  }

  /** The machines that a place belongs to: named by host name, by address, or by both. */
  at({ hostname, ip }: Place): readonly MachineInfo[] {
    if (this.#machines.size === 0) return [];
    const plain = plainIp(ip);
    const names: readonly MachineID[] = [{ hostname, ip: plain }, { hostname }, { ip: plain }];
    return names.flatMap((name) => this.get(name) ?? []);
  }

  /** The machine that is down there, if any. */
  downAt(place: Place): MachineInfo | undefined {
    return this.at(place).find(({ mode }) => mode === 'DOWN');
  }

  /** When the place is maintained; of several windows, the one that starts first. */
  unavailabilityAt(place: Place): Unavailability | undefined {
    let first: Unavailability | undefined;
    for (const { unavailability } of this.at(place)) {
      if (unavailability === undefined) continue;
      const isFirst =
        first === undefined || unavailability.start.nanoseconds < first.start.nanoseconds;
      if (isFirst) first = unavailability;
    }
    return first;
  }
}

/** Machines are named by IPv4 addresses; a socket for both versions writes those in the longer form. */
function plainIp(ip: string): string {
  return ip.startsWith('::ffff:') ? ip.slice('::ffff:'.length) : ip;
}
