/** What `docker inspect` says of a container, as far as it is used; Docker and Podman alike. */
import type { NetworkInfo } from '../../api/index.js';
import { isRecord } from '../../base/index.js';

/** From this size on what an engine says about a container is not passed on to its scheduler. */
export const MAX_INSPECTION_BYTES = 64 * 1024;

/** What is used of it. */
export interface Inspection {
  readonly id: string;
  /** Without the slash that Docker puts in front. */
  readonly name: string;
  readonly isRunning: boolean;
  /** Whether its first process was ever started. */
  readonly hasStarted: boolean;
  /** Of its first process, in the numbers of the host of the engine; 0: it has none. */
  readonly pid: number;
  readonly exitCode: number;
  /** What its image, or its options, say it is to be stopped by: a name or a number. */
  readonly stopSignal: string;
  readonly isOutOfMemory: boolean;
  /** Milliseconds since the epoch; undefined: it has not ended. */
  readonly finishedAtMs: number | undefined;
  /** Its own networks; undefined: it uses that of the host, or of another container. */
  readonly networkInfos: readonly NetworkInfo[] | undefined;
  /** What the engine wrote about it, in base64, as an array of one; undefined: it is too long. */
  readonly data: string | undefined;
}

/** Reads what `docker inspect` of containers has written; what is not one is left out. */
export function parseInspections(text: string): readonly Inspection[] {
  const values: unknown = JSON.parse(text);
  return Array.isArray(values) ? values.filter(isRecord).map(readOne) : [];
}

type Fields = Readonly<Record<string, unknown>>;

function readOne(value: Fields): Inspection {
  const state = fieldsOf(value['State']);
  const startedAtMs = timeOf(state['StartedAt']);
  const isRunning = state['Running'] === true;
  return {
    id: textOf(value['Id']),
    name: textOf(value['Name']).replace(/^\//, ''),
    isRunning,
    hasStarted: isRunning || startedAtMs !== undefined,
    pid: numberOf(state['Pid']),
    exitCode: numberOf(state['ExitCode']),
    stopSignal: signalOf(fieldsOf(value['Config'])['StopSignal']),
    isOutOfMemory: state['OOMKilled'] === true,
    finishedAtMs: timeOf(state['FinishedAt']),
    networkInfos: networksOf(value),
    data: dataOf(value),
  };
}

function networksOf(value: Fields): readonly NetworkInfo[] | undefined {
  const mode = textOf(fieldsOf(value['HostConfig'])['NetworkMode']);
  if (mode === 'host' || mode.startsWith('container:')) return undefined;
  const settings = fieldsOf(value['NetworkSettings']);
  const named = Object.entries(fieldsOf(settings['Networks'])).map(([name, network]) =>
    networkInfo(fieldsOf(network), isDefault(name) ? undefined : name),
  );
  const found = named.length > 0 ? named : [networkInfo(settings, undefined)];
  return found.filter(({ ip_addresses: addresses }) => (addresses ?? []).length > 0);
}

/** Those of engines themselves, which nobody asked for by name. */
function isDefault(name: string): boolean {
  return name === 'bridge' || name === 'podman' || name === 'none';
}

function networkInfo(network: Fields, name: string | undefined): NetworkInfo {
  const addresses = [
    { protocol: 'IPv4', ip_address: textOf(network['IPAddress']) },
    { protocol: 'IPv6', ip_address: textOf(network['GlobalIPv6Address']) },
  ] as const;
  return {
    ...(name !== undefined && { name }),
    ip_addresses: addresses.filter(({ ip_address: address }) => address !== ''),
  };
}

function dataOf(value: Fields): string | undefined {
  const text = JSON.stringify([value]);
  if (Buffer.byteLength(text) > MAX_INSPECTION_BYTES) return undefined;
  return Buffer.from(text).toString('base64');
}

/** Engines write the year 1 for what has not happened. */
function timeOf(value: unknown): number | undefined {
  const timeMs = Date.parse(textOf(value));
  return timeMs > 0 ? timeMs : undefined;
}

function fieldsOf(value: unknown): Fields {
  return isRecord(value) ? value : {};
}

/** Docker writes names, Podman numbers; absent is the common one. */
function signalOf(value: unknown): string {
  if (typeof value === 'number' && value > 0) return String(value);
  return /^\w[\w+-]*$/.test(textOf(value)) ? textOf(value) : 'SIGTERM';
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
