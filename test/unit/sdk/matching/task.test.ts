import { expect } from 'chai';
import { PlateauError } from '../../../../core/base/index.js';
import { type TaskSpec, task, taskProblems } from '../../../../sdk/decisions/index.js';

const WEB = { name: 'web', cpus: 1, memMiB: 128, command: 'sleep 1000' };

/** The problems of a valid description with some fields changed. */
function problemsWith(fields: Readonly<Record<string, unknown>>): readonly string[] {
  return taskProblems({ ...WEB, ...fields });
}

describe('task()', () => {
  it('refuses data that a restart would change', () => {
    const itself: unknown[] = [];
    itself.push(itself);
    const values: readonly (readonly [unknown, string])[] = [
      [5n, 'not a bigint'],
      [{ a: [new Date(0)] }, 'not a Date'],
      [{ a: () => 1 }, 'not a function'],
      [Number.NaN, 'not NaN'],
      [itself, 'it contains itself'],
    ];
    for (const [data, words] of values) {
      expect(problemsWith({ data })[0]).to.match(new RegExp(`^'data' must be JSON.*${words}`));
    }
  });

  it('gives a valid description back', () => {
    const spec: TaskSpec = {
      ...WEB,
      key: '17',
      diskMiB: 100,
      gpus: 1,
      scalars: { bandwidth: 0.5 },
      ports: [{ name: 'http' }, 8080],
      env: { LEVEL: 'debug' },
      uris: ['http://example.org/a.tgz', { value: '/b', extract: false }],
      user: 'nobody',
      labels: { team: 'blue' },
      killGrace: '10s',
      maxRunTime: '1h',
      healthCheck: { type: 'TCP', tcp: { port: 80 } },
      constraints: [
        ['@hostname', 'UNIQUE'],
        ['rack', 'LIKE', 'r[0-9]+'],
        ['rack', 'GROUP_BY', '3'],
      ],
      preferences: [{ constraint: ['ssd', 'IS', 'yes'], weight: 2 }],
      role: 'eng/web',
      revocable: true,
      payload: 'text',
      data: { a: [1, null] },
    };
    expect(task(spec)).to.equal(spec);
    expect(taskProblems(spec)).to.deep.equal([]);
  });

  it('lists all problems at once, each with its field', () => {
    const spec = { name: 'a b', cpus: Number.NaN, command: 'x', memMib: 3 } as unknown as TaskSpec;
    expect(() => task(spec))
      .to.throw(
        PlateauError,
        /'memMiB' is missing.*'name' is "a b".*'cpus' is NaN.*'memMib' is no field/,
      )
      .with.property('code', 'INVALID_TASK');
  });

  const cases: readonly (readonly [string, Readonly<Record<string, unknown>>, RegExp])[] = [
    ['a slash in the name', { name: 'a/b' }, /'name'.*slash/],
    ['a long name', { name: 'ä'.repeat(60) }, /'name' is longer than 100 bytes/],
    ['an empty key', { key: '' }, /'key' must be a text/],
    ['a long key', { key: 'k'.repeat(129) }, /'key' is longer than 128 bytes/],
    ['too little of a cpu', { cpus: 0.001 }, /'cpus' is 0.001: at least 0.01/],
    ['nothing at all', { cpus: 0, memMiB: 0 }, /both 0/],
    ['negative memory', { memMiB: -1 }, /'memMiB' is -1/],
    ['memory that vanishes', { memMiB: 0.0001 }, /smallest amount is 0.001/],
    ['part of a gpu', { gpus: 0.5 }, /'gpus' is 0.5.*whole/],
    [
      'cpus among other scalars',
      { scalars: { mem: 1 } },
      /'scalars' has 'mem': use the field 'memMiB'/,
    ],
    ['too many ports', { ports: 101 }, /'ports' is 101/],
    ['a port twice', { ports: [80, { port: 80 }] }, /port 80 twice/],
    ['a port that is none', { ports: [70_000] }, /port 70000/],
    ['two names of one variable', { ports: [{ name: 'a-b' }, { name: 'a.b' }] }, /PORT_A_B/],
    ['an unknown protocol', { ports: [{ protocol: 'sctp' }] }, /protocol "sctp"/],
    ['neither command nor executor', { command: undefined }, /neither 'command' nor 'executor'/],
    ['an empty list as command', { command: [] }, /'command' is an empty list/],
    ['a number in the environment', { env: { A: 1 } }, /'env' has 'A'/],
    ['a bad variable', { env: { 'A=B': '1' } }, /'env' has 'A=B'/],
    ['a bad duration', { maxRunTime: '3 moons' }, /'maxRunTime' is '3 moons'/],
    ['a bad check', { healthCheck: { type: 'HTTP' } }, /'healthCheck' is not valid/],
    ['a bad role', { role: '/x' }, /'role' is not valid/],
    ['an operator that is none', { constraints: [['rack', 'LIKES', 'x']] }, /operator 'LIKES'/],
    ['a count that is none', { constraints: [['rack', 'MAX_PER', 'two']] }, /MAX_PER.*'two'/],
    ['a missing argument', { constraints: [['rack', 'LIKE']] }, /LIKE needs an argument/],
    [
      'an argument too many',
      { constraints: [['rack', 'UNIQUE', 'x']] },
      /UNIQUE takes no argument/,
    ],
    ['an unknown field', { constraints: [['@rack', 'UNIQUE']] }, /field '@rack'/],
    ['an expression with a look-ahead', { constraints: [['a', 'LIKE', '(?=x)']] }, /RE2 refuses/],
    [
      'an expression that is huge',
      { constraints: [['a', 'LIKE', 'x'.repeat(1001)]] },
      /longer than 1000/,
    ],
    [
      'an expression that grows',
      {
        constraints: [
          [
            'a',
            'LIKE',
            '(?:[a-z][a-z][a-z]){900}([a-z]{900}){1}[a-z]{900}[a-z]{900}[a-z]{900}[a-z]{900}[a-z]{900}[a-z]{900}[a-z]{900}[a-z]{900}',
          ],
        ],
      },
      /instructions/,
    ],
    [
      'a weight of nothing',
      { preferences: [{ constraint: ['a', 'IS', 'b'], weight: 0 }] },
      /weight 0/,
    ],
    [
      'a default executor',
      { command: undefined, executor: { executor_id: { value: 'e' }, type: 'DEFAULT' } },
      /CUSTOM/,
    ],
  ];
  for (const [what, fields, message] of cases) {
    it(`refuses ${what}`, () => {
      const problems = problemsWith(fields);
      expect(problems.join('\n')).to.match(message);
      expect(problems).to.have.lengthOf(1);
    });
  }

  it('refuses an executor beside a command, and what belongs to a command', () => {
    const executor = { executor_id: { value: 'e' }, command: { value: 'x' } };
    expect(problemsWith({ executor, env: { A: 'b' } })).to.have.lengthOf(2);
    expect(problemsWith({ executor, command: undefined })).to.deep.equal([]);
  });
});
