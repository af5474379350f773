/** Versions and capabilities that master and agent announce. */
import type {
  AgentInfoCapability,
  AgentInfoCapabilityType,
  DomainInfo,
  MasterInfo,
  MasterInfoCapability,
} from './messages.js';

/** The Mesos version that Plateau is compatible with. Clients branch on it. */
export const MESOS_VERSION = '1.11.0';

/** The version of Plateau itself; a test compares it with `package.json`. */
export const PLATEAU_VERSION = '0.1.0';

/** Capabilities that a master announces in MasterInfo. */
export const MASTER_CAPABILITIES: readonly MasterInfoCapability[] = [
  { type: 'AGENT_UPDATE' },
  { type: 'AGENT_DRAINING' },
  { type: 'QUOTA_V2' },
];

const AGENT_CAPABILITY_TYPES: readonly AgentInfoCapabilityType[] = [
  'MULTI_ROLE',
  'HIERARCHICAL_ROLE',
  'RESERVATION_REFINEMENT',
  'RESOURCE_PROVIDER',
  'RESIZE_VOLUME',
  'AGENT_OPERATION_FEEDBACK',
  'AGENT_DRAINING',
  'TASK_RESOURCE_LIMITS',
];

/** Capabilities that an agent announces when it registers. */
export const AGENT_CAPABILITIES: readonly AgentInfoCapability[] = AGENT_CAPABILITY_TYPES.map(
  (type) => ({ type }),
);

export interface MasterInfoOptions {
  /** Random UUID of this master process. */
  readonly id: string;
  /** IPv4 address in dotted form; what is none counts as 0.0.0.0. */
  readonly ip: string;
  readonly port: number;
  /** What clients are redirected to. */
  readonly hostname: string;
  /** Region and zone of the master; undefined: it does not say. */
  readonly domain?: DomainInfo | undefined;
}

/** The MasterInfo of a master, as schedulers and agents see it. */
export function masterInfo(options: MasterInfoOptions): MasterInfo {
  const { id, ip, port, hostname, domain } = options;
  return {
    id,
    ip: ipAsInteger(ip),
    port,
    pid: `master@${ip}:${port}`,
    hostname,
    version: MESOS_VERSION,
    address: { hostname, ip, port },
    ...(domain !== undefined && { domain }),
    capabilities: MASTER_CAPABILITIES,
  };
}

/** IPv4 in network byte order read on a little-endian host: 127.0.0.1 is 16777343. */
export function ipAsInteger(ip: string): number {
  const bytes = ip.split('.').map(Number);
  const isIpv4 = bytes.length === 4 && bytes.every((byte) => byte >= 0 && byte <= 255);
  return isIpv4 ? bytes.reduceRight((sum, byte) => sum * 256 + byte, 0) : 0;
}
