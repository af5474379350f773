import { expect } from 'chai';
import {
  type ContainerInfo,
  type EnvironmentVariable,
  type HealthCheck,
  type Volume,
  isUuidBytes,
  validateCheck,
  validateCheckStatus,
  validateContainerInfo,
  validateEnvironment,
  validateExecutorInfo,
  validateHealthCheck,
  validateId,
  validateKillPolicy,
  withHealthCheckType,
} from '../../../../core/api/index.js';

const judgeVariable = (variable: Omit<EnvironmentVariable, 'name'>): string | undefined =>
  validateEnvironment({
    variables: [
      { name: 'GOOD', value: '' },
      { name: 'V', ...variable },
    ],
  });

const secret = (data: string): EnvironmentVariable['secret'] => ({
  type: 'VALUE',
  value: { data: Buffer.from(data).toString('base64') },
});

const judgeVolume = (volume: Partial<Volume>): string | undefined =>
  validateContainerInfo({
    type: 'MESOS',
    volumes: [{ mode: 'RW', container_path: '/data', ...volume }],
  });

const docker = (key: string): ContainerInfo => ({
  type: 'DOCKER',
  docker: { image: 'i', parameters: [{ key, value: 'v' }] },
});

describe('validateId', () => {
  it('accepts anything that can be the name of a folder', () => {
    for (const id of [
      'a',
      'web.1',
      'a b',
      '...',
      'é',
      '__proto__',
      'constructor',
      '%2e%2e',
      'x'.repeat(255),
      '\u202e',
    ]) {
      expect(validateId(id), id).to.equal(undefined);
    }
  });

  it('refuses what cannot, and names the id', () => {
    for (const id of [
      '',
      '.',
      '..',
      'a/b',
      '/',
      'a\\b',
      'a\u0000',
      'a\n',
      '\u007f',
      'x'.repeat(256),
      'é'.repeat(128),
      '\ud800',
    ]) {
      expect(validateId(id, 'TaskID'), JSON.stringify(id)).to.match(/^TaskID /);
    }
  });
});

describe('isUuidBytes', () => {
  it('looks at length and version only', () => {
    expect(
      isUuidBytes(Buffer.from('00000000000040000000000000000000', 'hex').toString('base64')),
    ).to.equal(true);
    expect(isUuidBytes(Buffer.alloc(16).toString('base64'))).to.equal(false);
    expect(isUuidBytes('')).to.equal(false);
  });
});

describe('validateEnvironment', () => {
  it('accepts values and secrets', () => {
    expect(validateEnvironment(undefined)).to.equal(undefined);
    expect(judgeVariable({ value: 'x' })).to.equal(undefined);
    expect(judgeVariable({ type: 'VALUE', value: '' })).to.equal(undefined);
    expect(judgeVariable({ type: 'SECRET', secret: secret('s') })).to.equal(undefined);
    expect(
      judgeVariable({ type: 'SECRET', secret: { type: 'REFERENCE', reference: { name: 'r' } } }),
    ).to.equal(undefined);
  });

  it('refuses variables whose type and payload do not go together, by name', () => {
    for (const variable of [
      {},
      { type: 'UNKNOWN', value: 'x' },
      { value: 'x', secret: secret('s') },
      { type: 'SECRET' },
      { type: 'SECRET', value: 'x' },
      { type: 'SECRET', value: 'x', secret: secret('s') },
      { type: 'SECRET', secret: {} },
      { type: 'SECRET', secret: { type: 'VALUE' } },
      { type: 'SECRET', secret: { type: 'REFERENCE' } },
      {
        type: 'SECRET',
        secret: { type: 'REFERENCE', reference: { name: 'r' }, value: { data: '' } },
      },
      { type: 'SECRET', secret: secret('a\u0000b') },
    ] as const) {
      expect(judgeVariable(variable), JSON.stringify(variable)).to.match(/'V'/);
    }
  });
});

describe('validateContainerInfo', () => {
  it('accepts volumes with one origin', () => {
    expect(validateContainerInfo(undefined)).to.equal(undefined);
    expect(judgeVolume({ host_path: '/h' })).to.equal(undefined);
    expect(judgeVolume({ image: { type: 'DOCKER', docker: { name: 'i' } } })).to.equal(undefined);
    expect(judgeVolume({ source: { type: 'SANDBOX_PATH', sandbox_path: { path: 'p' } } })).to.equal(
      undefined,
    );
    expect(
      judgeVolume({ source: { type: 'SECRET', secret: { type: 'VALUE', value: { data: '' } } } }),
    ).to.equal(undefined);
  });

  it('refuses volumes without a clear origin, by path', () => {
    for (const volume of [
      {},
      { host_path: '/h', source: { type: 'HOST_PATH', host_path: { path: '/h' } } },
      { source: {} },
      { source: { type: 'UNKNOWN' } },
      { source: { type: 'DOCKER_VOLUME' } },
      { source: { type: 'HOST_PATH' } },
      { source: { type: 'SANDBOX_PATH' } },
      { source: { type: 'SECRET' } },
      { source: { type: 'SECRET', secret: {} } },
      { source: { type: 'CSI_VOLUME' } },
      { source: { type: 'CSI_VOLUME', csi_volume: { plugin_name: 'p' } } },
    ] as const) {
      expect(judgeVolume(volume), JSON.stringify(volume)).to.match(/'\/data'/);
    }
  });

  it('refuses docker containers without docker, and the parameter name', () => {
    expect(validateContainerInfo(docker('net'))).to.equal(undefined);
    expect(validateContainerInfo(docker('name'))).to.match(/'name'/);
    expect(validateContainerInfo({ type: 'DOCKER' })).to.match(/'ContainerInfo.docker'/);
  });
});

describe('validateHealthCheck', () => {
  it('accepts a check of each type', () => {
    for (const check of [
      { type: 'COMMAND', command: { value: 'true' } },
      { type: 'HTTP', http: { port: 80 } },
      { type: 'HTTP', http: { port: 80, path: '/x', scheme: 'https' } },
      { type: 'TCP', tcp: { port: 80 }, delay_seconds: 0 },
    ] as const) {
      expect(validateHealthCheck(check)).to.equal(undefined);
    }
  });

  it('refuses what lacks its payload, and values out of range', () => {
    const bad: [HealthCheck, RegExp][] = [
      [{}, /'health_check.type'/],
      [{ type: 'UNKNOWN' }, /'health_check.type'/],
      [{ type: 'COMMAND' }, /'health_check.command'/],
      [{ type: 'COMMAND', command: {} }, /'health_check.command.value'/],
      [
        { type: 'COMMAND', command: { value: 'x', environment: { variables: [{ name: 'A' }] } } },
        /'A'/,
      ],
      [{ type: 'HTTP' }, /'health_check.http'/],
      [{ type: 'HTTP', http: { port: 80, path: 'x' } }, /'health_check.http.path'/],
      [{ type: 'HTTP', http: { port: 80, scheme: 'ftp' } }, /'health_check.http.scheme'.*ftp/],
      [{ type: 'TCP' }, /'health_check.tcp'/],
    ];
    for (const [check, pattern] of bad) expect(validateHealthCheck(check)).to.match(pattern);
    for (const field of [
      'delay_seconds',
      'interval_seconds',
      'timeout_seconds',
      'grace_period_seconds',
    ]) {
      expect(validateHealthCheck({ type: 'TCP', tcp: { port: 1 }, [field]: -1 })).to.include(
        `'health_check.${field}'`,
      );
    }
  });

  it('infers the type from the payload', () => {
    expect(withHealthCheckType({ command: { value: 'x' } }).type).to.equal('COMMAND');
    expect(withHealthCheckType({ http: { port: 1 } }).type).to.equal('HTTP');
    expect(withHealthCheckType({ type: 'TCP', http: { port: 1 } }).type).to.equal('TCP');
    expect(withHealthCheckType({ http: { port: 1 }, command: {} }).type).to.equal(undefined);
    expect(withHealthCheckType({ tcp: { port: 1 } }).type).to.equal(undefined);
  });
});

describe('validateCheck', () => {
  it('judges type, payload and durations', () => {
    expect(validateCheck({ type: 'COMMAND', command: { command: { value: 'x' } } })).to.equal(
      undefined,
    );
    expect(validateCheck({ type: 'HTTP', http: { port: 1, path: '/' } })).to.equal(undefined);
    expect(validateCheck({ type: 'TCP', tcp: { port: 1 } })).to.equal(undefined);
    expect(validateCheck({})).to.match(/'check.type'/);
    expect(validateCheck({ type: 'UNKNOWN' })).to.match(/'check.type'/);
    expect(validateCheck({ type: 'COMMAND' })).to.match(/'check.command'/);
    expect(validateCheck({ type: 'COMMAND', command: { command: {} } })).to.match(
      /'check.command.command.value'/,
    );
    expect(validateCheck({ type: 'HTTP' })).to.match(/'check.http'/);
    expect(validateCheck({ type: 'HTTP', http: { port: 1, path: 'x' } })).to.match(
      /'check.http.path'/,
    );
    expect(validateCheck({ type: 'TCP' })).to.match(/'check.tcp'/);
    expect(validateCheck({ type: 'TCP', tcp: { port: 1 }, timeout_seconds: -1 })).to.match(
      /'check.timeout_seconds'/,
    );
  });
});

describe('validateCheckStatus', () => {
  it('wants the result that goes with the type, which may be empty', () => {
    expect(validateCheckStatus({ type: 'COMMAND', command: {} })).to.equal(undefined);
    expect(validateCheckStatus({ type: 'HTTP', http: { status_code: 200 } })).to.equal(undefined);
    expect(validateCheckStatus({})).to.match(/'check_status.type'/);
    expect(validateCheckStatus({ type: 'UNKNOWN' })).to.match(/'check_status.type'/);
    expect(validateCheckStatus({ type: 'COMMAND' })).to.match(/'check_status.command'/);
    expect(validateCheckStatus({ type: 'HTTP' })).to.match(/'check_status.http'/);
    for (const status_code of [99, 600]) {
      expect(validateCheckStatus({ type: 'HTTP', http: { status_code } })).to.match(/status_code/);
    }
  });
});

describe('validateKillPolicy', () => {
  it('refuses a negative grace period', () => {
    expect(validateKillPolicy(undefined)).to.equal(undefined);
    expect(validateKillPolicy({ grace_period: { nanoseconds: 0n } })).to.equal(undefined);
    expect(validateKillPolicy({ grace_period: { nanoseconds: -1n } })).to.match(
      /'kill_policy.grace_period'/,
    );
  });
});

describe('validateExecutorInfo', () => {
  const executor_id = { value: 'e' };
  const command = { value: 'x' };

  it('accepts custom executors with a command and default ones without', () => {
    expect(validateExecutorInfo({ executor_id, command })).to.equal(undefined);
    expect(validateExecutorInfo({ executor_id, command, type: 'CUSTOM' })).to.equal(undefined);
    expect(validateExecutorInfo({ executor_id, type: 'DEFAULT' })).to.equal(undefined);
    expect(
      validateExecutorInfo({
        executor_id,
        type: 'DEFAULT',
        container: { type: 'MESOS', mesos: {} },
      }),
    ).to.equal(undefined);
  });

  it('refuses the other combinations', () => {
    const image = { type: 'DOCKER', docker: { name: 'i' } } as const;
    for (const [executor, pattern] of [
      [{ executor_id: { value: '' }, command }, /executor_id/],
      [{ executor_id }, /'ExecutorInfo.command'/],
      [{ executor_id, type: 'UNKNOWN', command }, /'ExecutorInfo.type'/],
      [{ executor_id, type: 'DEFAULT', command }, /'ExecutorInfo.command'/],
      [{ executor_id, type: 'DEFAULT', container: { type: 'DOCKER' } }, /container.type/],
      [{ executor_id, type: 'DEFAULT', container: { type: 'MESOS', mesos: { image } } }, /image/],
      [
        { executor_id, command, shutdown_grace_period: { nanoseconds: -1n } },
        /shutdown_grace_period/,
      ],
    ] as const) {
      expect(validateExecutorInfo(executor)).to.match(pattern);
    }
  });
});
