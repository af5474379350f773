/** What the engine is asked for: from what a task asks for to the arguments of `docker run`. */
import { expect } from 'chai';
import type { ContainerSpec } from '../../../core/agent/index.js';
import type {
  CommandInfo,
  ContainerInfo,
  ContainerInfoDockerInfo,
} from '../../../core/api/index.js';
import { id } from '../../../core/base/index.js';
import { type RunPlan, planRun } from '../../../core/containers/index.js';

const OWNER = 'b2a0';
const SANDBOX = '/var/lib/agent/run';

interface Wish {
  readonly command?: CommandInfo;
  readonly docker?: Partial<ContainerInfoDockerInfo>;
  readonly container?: Partial<ContainerInfo>;
  readonly spec?: Partial<ContainerSpec>;
  readonly hasCpuQuota?: boolean;
}

function plan({ command = {}, docker, container, spec, hasCpuQuota = false }: Wish): RunPlan {
  return planRun(
    {
      containerId: id<'ContainerId'>('c1'),
      sandbox: SANDBOX,
      command,
      container: { type: 'DOCKER', docker: { image: 'nginx:1.25', ...docker }, ...container },
      environment: {},
      user: undefined,
      limits: {},
      ...spec,
    },
    { owner: OWNER, hasCpuQuota },
  );
}

/** Of the options those that begin so. */
function options(wish: Wish, ...prefixes: readonly string[]): readonly string[] {
  return plan(wish).arguments.filter((text) => prefixes.some((prefix) => text.startsWith(prefix)));
}

function refusal(wish: Wish): string {
  try {
    plan(wish);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error('it was not refused');
}

describe('Arguments of docker run', () => {
  it('are these, in this order, for a service as schedulers ask for it', () => {
    const {
      arguments: found,
      image,
      name,
      forcePull,
    } = plan({
      command: {
        shell: false,
        arguments: ['-g', 'daemon off;'],
        environment: { variables: [{ name: 'MODE', value: 'live' }] },
      },
      docker: {
        network: 'BRIDGE',
        privileged: true,
        force_pull_image: true,
        port_mappings: [{ host_port: 31_005, container_port: 80, protocol: 'udp' }],
        parameters: [{ key: 'cap-add', value: 'NET_ADMIN' }],
      },
      container: {
        hostname: 'web-1',
        volumes: [{ mode: 'RO', container_path: '/etc/site', host_path: '/srv/site' }],
      },
      spec: {
        environment: {
          PATH: '/bin',
          HOME: '/x',
          MESOS_TASK_ID: 't1',
          MESOS_SANDBOX: SANDBOX,
          MESOS_CONTAINER_IP: '10.0.0.1',
        },
        limits: { cpus: 0.5, memoryMiB: 160 },
        ports: [{ begin: 31_000n, end: 31_009n }],
        volumes: [{ id: 'v', source: '/disk/v', containerPath: 'data' }],
      },
      hasCpuQuota: true,
    });
    expect(found).to.deep.equal([
      'run',
      '--cpu-shares=512',
      '--cpu-period=100000',
      '--cpu-quota=50000',
      '--memory=167772160',
      '--env=MESOS_TASK_ID=t1',
      '--env=MESOS_SANDBOX=/mnt/mesos/sandbox',
      '--env=MESOS_DIRECTORY=/mnt/mesos/sandbox',
      '--env=MESOS_CONTAINER_NAME=mesos-c1',
      '--env=MODE=live',
      `--volume=${SANDBOX}:/mnt/mesos/sandbox:rw`,
      '--volume=/disk/v:/mnt/mesos/sandbox/data:rw',
      '--volume=/srv/site:/etc/site:ro',
      '--network=bridge',
      '--publish=31005:80/udp',
      '--hostname=web-1',
      '--privileged',
      '--cap-add=NET_ADMIN',
      '--label=MESOS_TASK_ID=t1',
      '--label=plateau.agent=b2a0',
      '--name=mesos-c1',
      'nginx:1.25',
      '-g',
      'daemon off;',
    ]);
    expect({ image, name, forcePull }).to.deep.equal({
      image: 'nginx:1.25',
      name: 'mesos-c1',
      forcePull: true,
    });
  });

  it('leave command and entrypoint to the image when nothing is said', () => {
    expect(plan({}).arguments.at(-1)).to.equal('nginx:1.25');
    expect(plan({ command: { shell: false } }).arguments.at(-1)).to.equal('nginx:1.25');
    expect(options({}, '--entrypoint')).to.deep.equal([]);
  });

  it('put a shell in the place of the entrypoint, and the value of others after the image', () => {
    const shell = plan({ command: { value: 'echo "$X" && rm -rf /' } }).arguments;
    expect(shell.slice(-5)).to.deep.equal([
      '--entrypoint=/bin/sh',
      '--name=mesos-c1',
      'nginx:1.25',
      '-c',
      'echo "$X" && rm -rf /',
    ]);
    const direct = { shell: false, value: 'serve', arguments: ['--all', '$(id)'] };
    expect(plan({ command: direct }).arguments.slice(-4)).to.deep.equal([
      'nginx:1.25',
      'serve',
      '--all',
      '$(id)',
    ]);
  });

  it('give the least that engines take to those that ask for less', () => {
    const limits = { cpus: 0.001, memoryMiB: 1 };
    const wish = { spec: { limits }, hasCpuQuota: true };
    expect(options(wish, '--cpu-shares', '--cpu-quota', '--memory')).to.deep.equal([
      '--cpu-shares=2',
      '--cpu-quota=1000',
      '--memory=33554432',
    ]);
    expect(options({}, '--cpu', '--memory')).to.deep.equal([]);
  });

  it('name the network', () => {
    const named = { network_infos: [{ name: 'backend' }] };
    expect(options({}, '--network')).to.deep.equal(['--network=host']);
    expect(options({ docker: { network: 'NONE' } }, '--network')).to.deep.equal(['--network=none']);
    expect(options({ docker: { network: 'USER' }, container: named }, '--network')).to.deep.equal([
      '--network=backend',
    ]);
  });

  it('take the ports of network_infos where container.docker names none', () => {
    const port_mappings = [{ host_port: 31_000, container_port: 8080 }];
    const wish: Wish = {
      docker: { network: 'USER' },
      container: { network_infos: [{ name: 'backend', port_mappings }] },
      spec: { ports: [{ begin: 31_000n, end: 31_000n }] },
    };
    expect(options(wish, '--publish')).to.deep.equal(['--publish=31000:8080/tcp']);
  });

  it('show the address of the host in its own network only', () => {
    const spec = { environment: { MESOS_CONTAINER_IP: '10.0.0.1' } };
    const address = '--env=MESOS_CONTAINER_IP';
    expect(options({ spec }, address)).to.deep.equal(['--env=MESOS_CONTAINER_IP=10.0.0.1']);
    expect(options({ spec, docker: { network: 'BRIDGE' } }, address)).to.deep.equal([]);
  });

  it('let the command decide about variables, and keep secrets out of the line', () => {
    const secret = { type: 'VALUE', value: { data: 'czNjcmV0' } } as const;
    const found = plan({
      command: {
        environment: {
          variables: [
            { name: 'MESOS_TASK_ID', value: 'mine' },
            { name: 'TOKEN', type: 'SECRET', secret },
            { name: 'NOW_PLAIN', type: 'SECRET', secret },
            { name: 'NOW_PLAIN', value: 'a\nb' },
          ],
        },
      },
      spec: { environment: { MESOS_TASK_ID: 't1', TOKEN: 'old' } },
    });
    expect(found.secrets).to.deep.equal([{ name: 'TOKEN', value: 's3cret' }]);
    const variables = found.arguments.filter((text) => text.startsWith('--env='));
    expect(variables).to.include('--env=MESOS_TASK_ID=mine').and.to.include('--env=NOW_PLAIN=a\nb');
    expect(variables.join()).to.not.contain('TOKEN').and.to.not.contain('s3cret');
  });

  it('mount all kinds of volumes that engines have', () => {
    const wish: Wish = {
      container: {
        volumes: [
          { mode: 'RW', container_path: 'logs', host_path: '/var/log/x' },
          { mode: 'RW', container_path: '/scratch', host_path: 'tmp/x' },
          {
            mode: 'RO',
            container_path: '/shared',
            source: {
              type: 'HOST_PATH',
              host_path: { path: '/srv', mount_propagation: { mode: 'HOST_TO_CONTAINER' } },
            },
          },
          {
            mode: 'RW',
            container_path: '/db',
            source: { type: 'DOCKER_VOLUME', docker_volume: { name: 'db', driver: 'rexray' } },
          },
          {
            mode: 'RW',
            container_path: '/own',
            source: { type: 'SANDBOX_PATH', sandbox_path: { type: 'SELF', path: 'own' } },
          },
        ],
      },
    };
    expect(options(wish, '--volume').slice(1)).to.deep.equal([
      '--volume=/var/log/x:/mnt/mesos/sandbox/logs:rw',
      `--volume=${SANDBOX}/tmp/x:/scratch:rw`,
      '--volume=/srv:/shared:ro,rslave',
      '--volume=db:/db:rw',
      `--volume=${SANDBOX}/own:/own:rw`,
      '--volume-driver=rexray',
    ]);
    expect(plan(wish).folders).to.deep.equal([['tmp', 'x'], ['own']]);
  });
});

describe('What docker run is not asked for', () => {
  const image = (name: string): Wish => ({ docker: { image: name } });
  const parameter = (key: string): Wish => ({ docker: { parameters: [{ key, value: 'x' }] } });
  const volume = (more: object): Wish => ({
    container: { volumes: [{ mode: 'RW', container_path: '/x', ...more }] },
  });
  const port = (host_port: number, more: object = {}): Wish => ({
    docker: { network: 'BRIDGE', port_mappings: [{ host_port, container_port: 80, ...more }] },
    spec: { ports: [{ begin: 31_000n, end: 31_001n }] },
  });
  const cases: Readonly<Record<string, readonly [Wish, string]>> = {
    'an option as an image': [image('--privileged'), "'container.docker.image' is not the name"],
    'an image with blanks': [image('a b'), "'container.docker.image' is not the name"],
    'no image': [image(''), "'container.docker.image' is not the name"],
    'another name': [parameter('name'), "'container.docker.parameters[0].key' must not be 'name'"],
    'a container that nobody holds': [parameter('detach'), "must not be 'detach'"],
    'a container that removes itself': [parameter('rm'), "must not be 'rm'"],
    'an option in disguise': [parameter('cap-add=ALL --x'), 'is not the name of an option'],
    'an option with dashes of its own': [parameter('--privileged'), 'is not the name of an option'],
    'ports of others': [port(31_002), "'container.docker.port_mappings[0].host_port' is 31002"],
    'a port that the engine chooses': [port(0), '.host_port'],
    'a port that is none': [port(31_000, { container_port: 70_000 }), '.container_port'],
    'a protocol that is none': [port(31_000, { protocol: 'tcp,udp' }), '.protocol'],
    'ports on the network of the host': [
      { docker: { port_mappings: [{ host_port: 31_000, container_port: 80 }] } },
      "'container.docker.port_mappings' is for the networks BRIDGE and USER, not for HOST",
    ],
    'a network without a name': [
      { docker: { network: 'USER' }, container: { network_infos: [{}] } },
      "'container.network_infos[0].name'",
    ],
    'two networks': [
      { docker: { network: 'USER' }, container: { network_infos: [{ name: 'a' }, { name: 'b' }] } },
      "'container.network_infos' must hold one network",
    ],
    'a network that is an option': [
      { docker: { network: 'USER' }, container: { network_infos: [{ name: 'x --privileged' }] } },
      "'container.network_infos[0].name'",
    ],
    'a volume with a colon': [volume({ host_path: '/a:/etc' }), 'has a colon in a path'],
    'a place outside of the sandbox': [
      volume({ host_path: '../../etc' }),
      "'container.volumes[0].host_path' leads out",
    ],
    'a place inside that leads out': [
      volume({ host_path: '/a', container_path: '../x' }),
      "'container.volumes[0].container_path' leads out",
    ],
    'a volume of an image': [
      volume({ image: { type: 'DOCKER', docker: { name: 'x' } } }),
      "'container.volumes[0]' is an image",
    ],
    'a secret as a volume': [
      volume({ source: { type: 'SECRET', secret: {} } }),
      "'container.volumes[0]' is of type SECRET",
    ],
    'options of a driver': [
      volume({
        source: {
          type: 'DOCKER_VOLUME',
          docker_volume: { name: 'x', driver_options: { parameter: [{ key: 'a', value: 'b' }] } },
        },
      }),
      'driver_options',
    ],
    'a volume whose name is a path': [
      volume({ source: { type: 'DOCKER_VOLUME', docker_volume: { name: '/etc' } } }),
      "docker_volume.name' is not the name of a volume",
    ],
    'what plain containers have': [
      { container: { rlimit_info: {} } },
      "'container.rlimit_info' is not supported",
    ],
    'a variable without a name': [
      { command: { environment: { variables: [{ name: 'A=B', value: '' }] } } },
      "'A=B' is not a name",
    ],
    'a secret of two lines': [
      {
        command: {
          environment: {
            variables: [
              {
                name: 'KEY',
                type: 'SECRET',
                secret: { type: 'VALUE', value: { data: 'YQpBPWI=' } },
              },
            ],
          },
        },
      },
      "the secret environment variable 'KEY'",
    ],
  };
  for (const [what, [wish, message]] of Object.entries(cases)) {
    it(`is ${what}`, () => {
      expect(refusal(wish)).to.contain(message);
    });
  }

  it('is two drivers', () => {
    const source = (name: string, driver: string) =>
      ({ type: 'DOCKER_VOLUME', docker_volume: { name, driver } }) as const;
    const volumes = [
      { mode: 'RW', container_path: '/a', source: source('a', 'one') },
      { mode: 'RW', container_path: '/b', source: source('b', 'two') },
    ] as const;
    expect(refusal({ container: { volumes } })).to.contain('more than one driver');
  });
});
