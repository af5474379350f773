/**
 * What the registry holds: one record per object, each under a key of its own, and how they are read
 * back. Values are JSON by the schema of the registry.
 */
import {
  type AgentInfo,
  type FrameworkInfo,
  MESOS_VERSION,
  type MachineInfo,
  type MaintenanceWindow,
  type MasterInfo,
  type QuotaConfig,
  type RegistryAgent,
  type RegistryFramework,
  decodeJson,
  encodeJson,
} from '../api/index.js';
import {
  type AgentId,
  type FrameworkId,
  type StoreEntry,
  PlateauError,
  id,
} from '../base/index.js';
import { type Deactivation, deactivationRecord, readDeactivation } from './deactivation.js';

/** Version of the layout below; a registry of a newer one is refused. */
export const REGISTRY_FORMAT = 1;

/** What the keys of all records begin with. */
export const ROOT = 'registry/';
const MASTER_KEY = `${ROOT}master`;
const AGENTS = `${ROOT}agents/`;
const FRAMEWORKS = `${ROOT}frameworks/`;
const WEIGHTS = `${ROOT}weights/`;
const QUOTAS = `${ROOT}quotas/`;
const MACHINES = `${ROOT}machines/`;
const WINDOWS = `${ROOT}windows/`;
const DEACTIVATIONS = `${ROOT}drains/`;

/** Longest role that can have a weight or a quota, in characters: keys of a store are bounded. */
export const MAX_RECORDED_ROLE_LENGTH = 120;

/** One record to write. */
export interface RegistryPut {
  readonly key: string;
  readonly value: string;
}

/** Longest record, in characters (they are ASCII): values of a store are bounded. */
export const MAX_RECORD_LENGTH = 1_000_000;

/** Whether what a client sent fits into a record. A write that the store refuses ends the master. */
export function isRecordable(info: FrameworkInfo): boolean {
  return encodeJson('FrameworkInfo', info).length < MAX_RECORD_LENGTH - RECORD_OVERHEAD;
}

/** The same for an agent. */
export function isAgentRecordable(info: AgentInfo): boolean {
  return encodeJson('AgentInfo', info).length < MAX_RECORD_LENGTH - RECORD_OVERHEAD;
}

/** Room for what a record holds beside the info that a client sent. */
const RECORD_OVERHEAD = 10_000;

export function agentKey(agentId: AgentId): string {
  return AGENTS + agentId;
}

export function frameworkKey(frameworkId: FrameworkId): string {
  return FRAMEWORKS + frameworkId;
}

export function putAgent(agentId: AgentId, record: RegistryAgent): RegistryPut {
  return { key: agentKey(agentId), value: encodeJson('RegistryAgent', record) };
}

export function deactivationKey(agentId: AgentId): string {
  return DEACTIVATIONS + agentId;
}

export function putDeactivation(agentId: AgentId, deactivation: Deactivation): RegistryPut {
  const record = deactivationRecord(agentId, deactivation);
  return { key: deactivationKey(agentId), value: encodeJson('RegistryDeactivation', record) };
}

/** Everything that is recorded of an agent. */
export function keysOf(agentId: AgentId): readonly string[] {
  return [agentKey(agentId), deactivationKey(agentId)];
}

export function putFramework(frameworkId: FrameworkId, record: RegistryFramework): RegistryPut {
  return { key: frameworkKey(frameworkId), value: encodeJson('RegistryFramework', record) };
}

export function putWeight(role: string, weight: number): RegistryPut {
  return { key: WEIGHTS + role, value: encodeJson('RegistryWeight', { role, weight }) };
}

export function putMaster(info: MasterInfo): RegistryPut {
  const value = encodeJson('RegistryMaster', { info, format: REGISTRY_FORMAT });
  return { key: MASTER_KEY, value };
}

export function quotaKey(role: string): string {
  return QUOTAS + role;
}

export function putQuota(config: QuotaConfig): RegistryPut {
  return { key: quotaKey(config.role), value: encodeJson('RegistryQuota', { config }) };
}

/** @param name what tells machines apart: their host name in lower case, and their ip. */
export function machineKey(name: string): string {
  return MACHINES + name;
}

export function putMachine(name: string, info: MachineInfo): RegistryPut {
  return { key: machineKey(name), value: encodeJson('RegistryMachine', { info }) };
}

export function windowKey(position: number): string {
  return WINDOWS + String(position).padStart(WINDOW_DIGITS, '0');
}

/** @param position where in the schedule the window stands, from 0. */
export function putWindow(position: number, window: MaintenanceWindow): RegistryPut {
  return { key: windowKey(position), value: encodeJson('RegistryWindow', { position, window }) };
}

/** Digits of the position of a window: keys are listed in the order of the schedule. */
const WINDOW_DIGITS = 6;

/** What a former master left. */
export interface RegistryContents {
  readonly agents: ReadonlyMap<AgentId, RegistryAgent>;
  readonly deactivations: ReadonlyMap<AgentId, Deactivation>;
  readonly frameworks: ReadonlyMap<FrameworkId, RegistryFramework>;
  readonly weights: ReadonlyMap<string, number>;
  /** By role. */
  readonly quotas: ReadonlyMap<string, QuotaConfig>;
  /** Machines that are being drained or are down, in the order of their keys. */
  readonly machines: readonly MachineInfo[];
  /** The maintenance schedule. */
  readonly windows: readonly MaintenanceWindow[];
}

/**
 * Reads the records of a registry.
 * @throws PlateauError `WORK_DIR_FORMAT` when a newer version has written it.
 */
export function readContents(entries: readonly StoreEntry[]): RegistryContents {
  const agents = new Map<AgentId, RegistryAgent>();
  const deactivations = new Map<AgentId, Deactivation>();
  const frameworks = new Map<FrameworkId, RegistryFramework>();
  const weights = new Map<string, number>();
  const quotas = new Map<string, QuotaConfig>();
  const machines: MachineInfo[] = [];
  const windows: MaintenanceWindow[] = [];
  for (const { key, value } of entries) {
    if (key === MASTER_KEY) checkFormat(decodeJson('RegistryMaster', value).format);
    else if (key.startsWith(AGENTS)) {
      agents.set(id<'AgentId'>(key.slice(AGENTS.length)), decodeJson('RegistryAgent', value));
    } else if (key.startsWith(FRAMEWORKS)) {
      const frameworkId = id<'FrameworkId'>(key.slice(FRAMEWORKS.length));
      frameworks.set(frameworkId, decodeJson('RegistryFramework', value));
    } else if (key.startsWith(WEIGHTS)) {
      const { role, weight } = decodeJson('RegistryWeight', value);
      weights.set(role, weight);
    } else if (key.startsWith(QUOTAS)) {
      const { config } = decodeJson('RegistryQuota', value);
      quotas.set(config.role, config);
    } else if (key.startsWith(MACHINES)) machines.push(decodeJson('RegistryMachine', value).info);
    else if (key.startsWith(WINDOWS)) windows.push(decodeJson('RegistryWindow', value).window);
    else if (key.startsWith(DEACTIVATIONS)) {
      deactivations.set(...readDeactivation(decodeJson('RegistryDeactivation', value)));
    }
  }
  return { agents, deactivations, frameworks, weights, quotas, machines, windows };
}

function checkFormat(format: number): void {
  if (format <= REGISTRY_FORMAT) return;
  throw new PlateauError(
    'WORK_DIR_FORMAT',
    `the registry has format ${format}; this version (Mesos ${MESOS_VERSION}) knows formats up to ` +
      `${REGISTRY_FORMAT}: start the version that wrote it, or use another store`,
    { context: { format } },
  );
}
