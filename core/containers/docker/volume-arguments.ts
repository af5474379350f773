/**
 * The volumes of a Docker container: the sandbox, persistent volumes inside of it, and what the container
 * asks for. Paths are absolute, or below the sandbox on either side.
 */
import type {
  MountPropagationMode,
  Volume,
  VolumeMode,
  VolumeSourceDockerVolume,
} from '../../api/index.js';
import type { ContainerSpec } from '../../agent/index.js';
import { namesBelow } from '../volume-links.js';
import { refusal } from './refusal.js';

/** The names on the way to a folder below the sandbox. */
export type SandboxFolder = readonly string[];

interface Volumes {
  readonly arguments: readonly string[];
  readonly folders: readonly SandboxFolder[];
}

/** @throws LaunchError of stage `command` naming the field that cannot be given. */
export function volumeArguments(spec: ContainerSpec, inside: string): Volumes {
  const { sandbox, container, volumes: persistent = [] } = spec;
  const folders: SandboxFolder[] = [];
  const found = [bind({ source: sandbox, target: inside, mode: 'RW' }, 'the sandbox')];
  for (const { source, containerPath, id } of persistent) {
    const name = `the volume '${id}'`;
    const names = namesBelow(containerPath, `the 'container_path' of ${name}`);
    found.push(bind({ source, target: [inside, ...names].join('/'), mode: 'RW' }, name));
  }
  const { volume_driver: driver } = container?.docker ?? {};
  const drivers = new Set(driver === undefined ? [] : [driver]);
  for (const [index, volume] of (container?.volumes ?? []).entries()) {
    const field = `container.volumes[${index}]`;
    const target = insideOf(volume.container_path, inside, field);
    const source = sourceOf(volume, field);
    if (source.driver !== undefined) drivers.add(source.driver);
    if (source.below !== undefined) folders.push(source.below);
    const path = source.below === undefined ? source.path : [sandbox, ...source.below].join('/');
    found.push(
      bind({ source: path, target, mode: volume.mode, propagation: source.propagation }, field),
    );
  }
  return { arguments: [...found, ...driverArguments(drivers)], folders };
}

function bind(
  volume: {
    readonly source: string;
    readonly target: string;
    readonly mode: VolumeMode;
    readonly propagation?: string | undefined;
  },
  what: string,
): string {
  const { source, target, mode, propagation } = volume;
  const options = [
    mode === 'RO' ? 'ro' : 'rw',
    ...(propagation === undefined ? [] : [propagation]),
  ];
  if (![source, target].some((path) => path.includes(':'))) {
    return `--volume=${source}:${target}:${options.join(',')}`;
  }
  throw refusal(what, `has a colon in a path, which Docker does not take: ${source}, ${target}`);
}

function insideOf(path: string, sandbox: string, field: string): string {
  if (path.startsWith('/')) return path;
  return [sandbox, ...namesBelow(path, `'${field}.container_path'`)].join('/');
}

interface Source {
  /** An absolute path of the host, or the name of a volume of the engine. */
  readonly path: string;
  /** Of a folder of the sandbox, instead. */
  readonly below?: SandboxFolder;
  readonly driver?: string | undefined;
  /** As Docker calls it. */
  readonly propagation?: string | undefined;
}

function sourceOf(volume: Volume, field: string): Source {
  const { host_path: path, source } = volume;
  if (path !== undefined) return hostPath(path, `${field}.host_path`);
  if (source?.type === 'HOST_PATH' && source.host_path !== undefined) {
    const { path: origin, mount_propagation: propagation } = source.host_path;
    const found = hostPath(origin, `${field}.source.host_path.path`);
    return { ...found, propagation: PROPAGATION[propagation?.mode ?? 'UNKNOWN'] };
  }
  if (source?.type === 'DOCKER_VOLUME' && source.docker_volume !== undefined) {
    return dockerVolume(source.docker_volume, `${field}.source.docker_volume`);
  }
  if (source?.type === 'SANDBOX_PATH' && source.sandbox_path?.type === 'SELF') {
    const name = `'${field}.source.sandbox_path.path'`;
    return { path: '', below: namesBelow(source.sandbox_path.path, name) };
  }
  const what = source === undefined ? 'an image' : `of type ${source.type ?? 'UNKNOWN'}`;
  throw refusal(field, `is ${what}, which containers of type DOCKER cannot be given`);
}

const PROPAGATION: Readonly<Partial<Record<MountPropagationMode, string>>> = {
  HOST_TO_CONTAINER: 'rslave',
  BIDIRECTIONAL: 'rshared',
};

/** Relative ones are folders of the sandbox. */
function hostPath(path: string, field: string): Source {
  return path.startsWith('/') ? { path } : { path: '', below: namesBelow(path, `'${field}'`) };
}

function dockerVolume(volume: VolumeSourceDockerVolume, field: string): Source {
  const { name, driver, driver_options: options } = volume;
  if (!/^[A-Za-z0-9][\w.-]*$/.test(name)) {
    throw refusal(`${field}.name`, `is not the name of a volume: '${name}'`);
  }
  if ((options?.parameter ?? []).length === 0) return { path: name, driver };
  throw refusal(`${field}.driver_options`, 'is not supported: make the volume beforehand');
}

/** `docker run` takes one driver for all volumes. */
function driverArguments(drivers: ReadonlySet<string>): readonly string[] {
  const [driver, ...others] = drivers;
  if (driver === undefined) return [];
  if (others.length > 0) {
    throw refusal('container.volumes', 'name more than one driver, and Docker takes one');
  }
  if (/^[A-Za-z0-9][\w./:-]*$/.test(driver)) return [`--volume-driver=${driver}`];
  throw refusal('container.volumes', `name no driver: '${driver}'`);
}
