/** The network of a Docker container, and the ports of the host that lead to it. */
import type { ContainerInfoDockerInfoPortMapping } from '../../api/index.js';
import type { ContainerSpec } from '../../agent/index.js';
import { refusal } from './refusal.js';

const MAX_PORT = 65_535;

/** @throws LaunchError of stage `command` naming the field that is wrong. */
export function networkArguments(spec: ContainerSpec): readonly string[] {
  const { docker, network_infos: infos = [] } = spec.container ?? { type: 'DOCKER' };
  const mode = docker?.network ?? 'HOST';
  const mappings = docker?.port_mappings ?? infos.flatMap(({ port_mappings: own }) => own ?? []);
  const hasPorts = mode === 'BRIDGE' || mode === 'USER';
  if (mappings.length > 0 && !hasPorts) {
    const problem = `is for the networks BRIDGE and USER, not for ${mode}`;
    throw refusal('container.docker.port_mappings', problem);
  }
  const network = mode === 'USER' ? nameOfNetwork(infos) : mode.toLowerCase();
  const published = mappings.map((mapping, index) =>
    portArgument(mapping, index, spec.ports ?? []),
  );
  return [`--network=${network}`, ...published];
}

function nameOfNetwork(infos: readonly { readonly name?: string | undefined }[]): string {
  const [name, ...others] = infos.map((info) => info.name);
  const field = 'container.network_infos';
  if (infos.length === 0 || others.length > 0) {
    throw refusal(field, 'must hold one network for the network USER, with its name');
  }
  if (name !== undefined && /^[A-Za-z0-9][\w.-]*$/.test(name)) return name;
  throw refusal(`${field}[0].name`, 'must be the name of a network of the engine');
}

function portArgument(
  { host_port: host, container_port: inside, protocol = 'tcp' }: ContainerInfoDockerInfoPortMapping,
  index: number,
  ports: NonNullable<ContainerSpec['ports']>,
): string {
  const field = `container.docker.port_mappings[${index}]`;
  if (!isPort(inside)) throw refusal(`${field}.container_port`, `must be 1 to ${MAX_PORT}`);
  if (!isPort(host)) throw refusal(`${field}.host_port`, `must be 1 to ${MAX_PORT}`);
  if (!ports.some(({ begin, end }) => begin <= BigInt(host) && BigInt(host) <= end)) {
    throw refusal(`${field}.host_port`, `is ${host}, which is not among the 'ports' of the task`);
  }
  const name = protocol.toLowerCase();
  if (/^(?:tcp|udp|sctp)$/.test(name)) return `--publish=${host}:${inside}/${name}`;
  throw refusal(`${field}.protocol`, `must be tcp, udp or sctp, not '${protocol}'`);
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= MAX_PORT;
}
