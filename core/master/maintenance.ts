/**
 * Maintenance of machines by operators: a schedule of windows makes machines drain, then they are
 * taken down and brought up. Everything is in the registry before it is acted upon or answered. The
 * machines that go down and the agents that are removed with them are one write: a restarted master
 * finds both or neither.
 */
import {
  type AllocatorInverseOfferStatus,
  type CallAnswer,
  type MachineID,
  type MachineInfo,
  type MachineInfoMode,
  type MaintenanceClusterStatus,
  type MaintenanceSchedule,
  type MaintenanceWindow,
  machineName,
  machineText,
  messagesEqual,
  validateMachines,
  validateMaintenanceSchedule,
} from '../api/index.js';
import type { Agent } from './agent.js';
import { finishRemoval, removeAgent, startLeaving } from './agent-departure.js';
import type { MasterContext } from './context.js';
import { inverseOfferStatuses } from './inverse-offers.js';
import { MACHINE_DOWN } from './machines-down.js';
import type { Machines, Maintenance } from './machines.js';
import { applyWindow, placeOf } from './maintenance-windows.js';
import type { OperatorDecision } from './operator-changes.js';
import type { RegistryChange } from './registry.js';
import {
  MAX_RECORD_LENGTH,
  type RegistryPut,
  keysOf,
  machineKey,
  putMachine,
  putWindow,
  windowKey,
} from './registry-records.js';

/** UPDATE_MAINTENANCE_SCHEDULE: replaces the whole schedule, or changes nothing. */
export function updateSchedule(
  context: MasterContext,
  schedule: MaintenanceSchedule,
): Promise<CallAnswer> {
  return context.operatorChanges.submit(() => decideSchedule(context, schedule));
}

function decideSchedule(context: MasterContext, schedule: MaintenanceSchedule): OperatorDecision {
  const { machines } = context.cluster;
  const windows = schedule.windows ?? [];
  const problem = validateMaintenanceSchedule(schedule) ?? oversizeProblem(windows);
  if (problem !== undefined) return refusal(problem);
  const next = { windows, machines: windows.flatMap((window) => machinesOf(machines, window)) };
  const names = new Set(next.machines.map((info) => machineName(info.id)));
  for (const { id, mode } of machines.infos) {
    if (mode !== 'DOWN' || names.has(machineName(id))) continue;
    const text = `Machine '${machineText(id)}' is down and cannot leave 'schedule'`;
    return refusal(`${text}: bring it up with STOP_MAINTENANCE, which takes it out`);
  }
  return {
    change: changeTo(machines, next),
    apply() {
      adopt(context, next);
      return { status: 200 };
    },
  };
}

/** A record that the store refuses would end the master. */
function oversizeProblem(windows: readonly MaintenanceWindow[]): string | undefined {
  const index = windows.findIndex(
    (window, position) => putWindow(position, window).value.length > MAX_RECORD_LENGTH,
  );
  if (index === -1) return undefined;
  return `'schedule.windows[${index}]' is too large to be recorded: split it into several windows`;
}

function machinesOf(machines: Machines, window: MaintenanceWindow): readonly MachineInfo[] {
  const { unavailability } = window;
  return (window.machine_ids ?? []).map((id) => {
    const mode = machines.get(id)?.mode === 'DOWN' ? 'DOWN' : 'DRAINING';
    return { id, mode, unavailability };
  });
}

/** START_MAINTENANCE: machines that drain go down, and their agents are shut down and removed. */
export function startMaintenance(
  context: MasterContext,
  asked: readonly MachineID[],
): Promise<CallAnswer> {
  return context.operatorChanges.submit(() => {
    const { cluster } = context;
    const problem =
      validateMachines(asked, 'start_maintenance.machines') ??
      modeProblem(cluster.machines, asked, { mode: 'DRAINING', verb: 'taken down' });
    if (problem !== undefined) return refusal(problem);
    const next = withMode(cluster.machines, asked);
    const names = new Set(asked.map((machine) => machineName(machine)));
    const leaving = [...cluster.agents.values()].filter((agent) => {
      const isThere = cluster.machines
        .at(placeOf(agent))
        .some((at) => names.has(machineName(at.id)));
      return isThere && startLeaving(context, agent);
    });
    const change = changeTo(cluster.machines, next);
    const deletes = [...(change.deletes ?? []), ...leaving.flatMap(({ id }) => keysOf(id))];
    return {
      change: { ...change, deletes },
      apply() {
        adopt(context, next);
        shutDownAgents(context, leaving);
        return { status: 200 };
      },
    };
  });
}

/** Removes the agents whose records are gone, and those that came to the machines meanwhile. */
function shutDownAgents(context: MasterContext, recorded: readonly Agent[]): void {
  const removalOf = (agent: Agent): { readonly message: string; readonly shutdown: string } => ({
    message: `Agent ${agent.info.hostname} was removed: ${MACHINE_DOWN}`,
    shutdown: MACHINE_DOWN,
  });
  for (const agent of recorded) finishRemoval(context, agent, removalOf(agent));
  const { agents, machines } = context.cluster;
  for (const agent of agents.values()) {
    const isDown = machines.downAt(placeOf(agent)) !== undefined;
    if (isDown) removeAgent(context, agent, removalOf(agent));
  }
}

/** STOP_MAINTENANCE: machines that are down are up again, and out of the schedule. */
export function stopMaintenance(
  context: MasterContext,
  asked: readonly MachineID[],
): Promise<CallAnswer> {
  return context.operatorChanges.submit(() => {
    const { machines } = context.cluster;
    const problem =
      validateMachines(asked, 'stop_maintenance.machines') ??
      modeProblem(machines, asked, { mode: 'DOWN', verb: 'brought up' });
    if (problem !== undefined) return refusal(problem);
    const names = new Set(asked.map((machine) => machineName(machine)));
    const isLeft = (machine: MachineID): boolean => !names.has(machineName(machine));
    const next = {
      windows: machines.windows.flatMap((window) => {
        const machine_ids = (window.machine_ids ?? []).filter(isLeft);
        return machine_ids.length === 0 ? [] : [{ ...window, machine_ids }];
      }),
      machines: [...machines.infos].filter(({ id }) => isLeft(id)),
    };
    return {
      change: changeTo(machines, next),
      apply() {
        adopt(context, next);
        return { status: 200 };
      },
    };
  });
}

function modeProblem(
  machines: Machines,
  asked: readonly MachineID[],
  needed: { readonly mode: MachineInfoMode; readonly verb: string },
): string | undefined {
  for (const machine of asked) {
    const found = machines.get(machine);
    const text = `Machine '${machineText(machine)}'`;
    if (found === undefined) {
      return `${text} is in no maintenance schedule: name it exactly as the schedule does`;
    }
    if (found.mode === needed.mode) continue;
    const { mode = 'UP' } = found;
    return `${text} is ${mode} and cannot be ${needed.verb}: it has to be ${needed.mode}`;
  }
  return undefined;
}

function withMode(machines: Machines, asked: readonly MachineID[]): Maintenance {
  const names = new Set(asked.map((machine) => machineName(machine)));
  return {
    windows: machines.windows,
    machines: [...machines.infos].map((info) =>
      names.has(machineName(info.id)) ? { ...info, mode: 'DOWN' } : info,
    ),
  };
}

function refusal(message: string): CallAnswer {
  return { status: 400, message };
}

/** What the registry has to be told. */
function changeTo(machines: Machines, next: Maintenance): RegistryChange {
  const puts: RegistryPut[] = [];
  const deletes: string[] = [];
  for (const [position, window] of next.windows.entries()) {
    const former = machines.windows[position];
    if (former === undefined || !messagesEqual('MaintenanceWindow', former, window)) {
      puts.push(putWindow(position, window));
    }
  }
  for (let rest = next.windows.length; rest < machines.windows.length; rest++) {
    deletes.push(windowKey(rest));
  }
  const names = new Set<string>();
  for (const info of next.machines) {
    const name = machineName(info.id);
    names.add(name);
    const former = machines.get(info.id);
    if (former === undefined || !messagesEqual('MachineInfo', former, info)) {
      puts.push(putMachine(name, info));
    }
  }
  for (const { id } of machines.infos) {
    const name = machineName(id);
    if (!names.has(name)) deletes.push(machineKey(name));
  }
  return { puts, deletes };
}

/** The new schedule counts from now on. */
function adopt(context: MasterContext, next: Maintenance): void {
  const { agents, machines } = context.cluster;
  machines.replace(next);
  for (const agent of agents.values()) if (!agent.isLeaving) applyWindow(context, agent);
  const down = next.machines.filter(({ mode }) => mode === 'DOWN').length;
  const fields = { windows: next.windows.length, machines: next.machines.length, down };
  context.log.info('the maintenance of machines has changed', fields);
}

/** GET_MAINTENANCE_SCHEDULE. */
export function viewSchedule({ cluster }: MasterContext): MaintenanceSchedule {
  const { windows } = cluster.machines;
  return windows.length === 0 ? {} : { windows };
}

/** GET_MAINTENANCE_STATUS: machines in the order of the schedule, with what frameworks answered. */
export function viewStatus(context: MasterContext): MaintenanceClusterStatus {
  const { agents, machines } = context.cluster;
  const agentsOf = new Map<MachineInfo, Agent[]>();
  for (const agent of agents.values()) {
    for (const machine of machines.at(placeOf(agent))) {
      agentsOf.set(machine, [...(agentsOf.get(machine) ?? []), agent]);
    }
  }
  const draining: { id: MachineID; statuses?: readonly AllocatorInverseOfferStatus[] }[] = [];
  const down: MachineID[] = [];
  for (const id of machines.windows.flatMap((window) => window.machine_ids ?? [])) {
    const machine = machines.get(id);
    if (machine?.mode === 'DOWN') down.push(id);
    if (machine?.mode !== 'DRAINING') continue;
    const statuses = inverseOfferStatuses(context, agentsOf.get(machine) ?? []);
    draining.push(statuses.length === 0 ? { id } : { id, statuses });
  }
  return {
    draining_machines: draining.length === 0 ? undefined : draining,
    down_machines: down.length === 0 ? undefined : down,
  };
}
