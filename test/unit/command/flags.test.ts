import { expect } from 'chai';
import { Command } from 'commander';
import {
  type FlagRow,
  type Flags,
  addFlags,
  addIgnoredFlags,
  dashFlags,
  givenIgnoredFlags,
  parseSize,
  readFlags,
} from '../../../core/command/index.js';

const ROWS: readonly FlagRow[] = [
  { name: 'work_dir', kind: 'text', help: '' },
  { name: 'ping_timeout', kind: 'duration', default: '15secs', help: '' },
  { name: 'interval', kind: 'duration', default: '1secs', minimum: 1, help: '' },
  { name: 'max_things', kind: 'integer', default: '5', minimum: 1, help: '' },
  { name: 'switch_user', kind: 'boolean', default: 'true', help: '' },
  { name: 'insecure', kind: 'boolean', default: 'false', help: '' },
  { name: 'registry', kind: 'choice', default: 'lmdb', choices: ['lmdb', 'in_memory'], help: '' },
  { name: 'limit', kind: 'size', default: '10MB', help: '' },
];
const IGNORED = ['zk', 'log_dir', 'quiet'];

function parse(...argv: readonly string[]): { flags: Flags; command: Command } {
  const command = new Command('test').exitOverride().configureOutput({ writeErr: () => {} });
  addFlags(command, ROWS);
  addIgnoredFlags(command, IGNORED);
  command.parse(dashFlags(['node', 'test', ...argv]));
  return { flags: readFlags(command, ROWS), command };
}

describe('Flags', () => {
  it('takes defaults where nothing is given', () => {
    const { flags } = parse();
    expect(flags.text('work_dir')).to.equal(undefined);
    expect(flags.durationMs('ping_timeout')).to.equal(15_000);
    expect(flags.number('max_things')).to.equal(5);
    expect(flags.boolean('switch_user')).to.equal(true);
    expect(flags.bytes('limit')).to.equal(10 * 1024 * 1024);
  });

  it('takes underscores and dashes, with = and without', () => {
    for (const argv of [
      ['--work_dir=/x'],
      ['--work-dir=/x'],
      ['--work_dir', '/x'],
      ['--work-dir', '/x'],
    ]) {
      expect(parse(...argv).flags.text('work_dir')).to.equal('/x');
    }
  });

  it('takes booleans in each of the forms of Mesos', () => {
    expect(parse('--no-switch_user').flags.boolean('switch_user')).to.equal(false);
    expect(parse('--switch_user=false').flags.boolean('switch_user')).to.equal(false);
    expect(parse('--insecure').flags.boolean('insecure')).to.equal(true);
    expect(parse('--insecure=1').flags.boolean('insecure')).to.equal(true);
  });

  it('reads the environment, and the command line wins', () => {
    process.env['PLATEAU_WORK_DIR'] = '/from-environment';
    try {
      expect(parse().flags.text('work_dir')).to.equal('/from-environment');
      expect(parse('--work_dir=/x').flags.text('work_dir')).to.equal('/x');
    } finally {
      delete process.env['PLATEAU_WORK_DIR'];
    }
  });

  for (const [argument, words] of [
    ['--ping_timeout=soon', 'ping-timeout'],
    ['--ping_timeout=-1secs', 'must not be negative'],
    ['--interval=0secs', 'at least 1ms'],
    ['--max_things=0', 'at least 1'],
    ['--max_things=1.5', 'whole number'],
    ['--switch_user=maybe', 'true or false'],
    ['--registry=zookeeper', 'lmdb, in_memory'],
    ['--limit=big', 'size'],
    ['--unknown=1', 'unknown option'],
  ] as const) {
    it(`refuses ${argument} and says why`, () => {
      expect(() => parse(argument)).to.throw(words);
    });
  }

  it('accepts flags of Mesos that mean nothing, in any form, and tells which', () => {
    const { command } = parse('--zk=zk://h:1/p', '--no-quiet', '--log_dir', '/var/log');
    expect(givenIgnoredFlags(command, IGNORED)).to.deep.equal(['zk', 'log_dir', 'quiet']);
    expect(givenIgnoredFlags(parse().command, IGNORED)).to.deep.equal([]);
  });

  it('shows every flag that has a value, as text', () => {
    expect(parse('--work_dir=/x').flags.shown()).to.deep.equal({
      work_dir: '/x',
      ping_timeout: '15secs',
      max_things: '5',
      switch_user: 'true',
      insecure: 'false',
      registry: 'lmdb',
      interval: '1secs',
      limit: '10MB',
    });
  });
});

describe('dashFlags', () => {
  it('leaves values, and what follows --, as they are', () => {
    expect(dashFlags(['run', '--my_flag=a_b', 'c_d', '--', '--e_f'])).to.deep.equal([
      'run',
      '--my-flag=a_b',
      'c_d',
      '--',
      '--e_f',
    ]);
  });
});

describe('parseSize', () => {
  it('reads units as powers of 1024', () => {
    expect(parseSize('4096')).to.equal(4096);
    expect(parseSize('1.5KB')).to.equal(1536);
    expect(parseSize('2gb')).to.equal(2 * 1024 ** 3);
    expect(() => parseSize('-1KB')).to.throw("'-1KB' is not a size");
  });
});
