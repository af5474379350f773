import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { PlateauError } from '../../../core/base/index.js';
import { LogFile, MAX_OLD_LOG_FILES, createLogger } from '../../../core/command/index.js';

describe('The log in a file', () => {
  let folder: string;
  let faults: string[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'plateau-log-'));
    faults = [];
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function open(name: string, maxBytes?: number): LogFile {
    const path = join(folder, name);
    return new LogFile({ path, maxBytes, onFault: (message) => void faults.push(message) });
  }

  const text = (name: string): string => readFileSync(join(folder, name), 'utf8');

  it('is appended to, in a folder that is made when absent', () => {
    mkdirSync(join(folder, 'a'));
    writeFileSync(join(folder, 'a/log'), 'before\n');
    open('a/log').write('after\n');
    open('b/c/log').write('first\n');
    expect(text('a/log')).to.equal('before\nafter\n');
    expect(text('b/c/log')).to.equal('first\n');
  });

  it('is put aside at its size, counting what was there, and loses no line that is kept', () => {
    writeFileSync(join(folder, 'log'), 'x'.repeat(95));
    const file = open('log', 100);
    const lines = Array.from({ length: 60 }, (_, index) => `line ${index} ${'.'.repeat(10)}\n`);
    for (const line of lines) file.write(line);
    const names = readdirSync(folder).toSorted();
    expect(names).to.deep.equal(['log', 'log.1', 'log.2', 'log.3', 'log.4']);
    expect(names).to.have.length(MAX_OLD_LOG_FILES + 1);
    const kept = ['log.4', 'log.3', 'log.2', 'log.1', 'log'].map(text).join('');
    expect(lines.join('').endsWith(kept)).to.equal(true);
    for (const name of names) expect(text(name).length, name).to.be.within(1, 130);
    expect(faults).to.deep.equal([]);
  });

  it('begins anew when somebody took the file away', () => {
    const file = open('log', 10);
    file.write('0123456789\n');
    rmSync(join(folder, 'log'));
    file.write('next\n');
    expect(text('log')).to.equal('next\n');
    expect(existsSync(join(folder, 'log.1'))).to.equal(false);
  });

  it('says once that a disk is full, and goes on', () => {
    symlinkSync('/dev/full', join(folder, 'log'));
    const file = open('log');
    for (let count = 0; count < 200; count++) file.write(`${'x'.repeat(10_000)}\n`);
    expect(faults).to.have.length(1);
    expect(faults[0]).to.include('ENOSPC');
  });

  it('is refused by the name of its flag when it cannot be opened', () => {
    mkdirSync(join(folder, 'log'));
    expect(() => open('log'))
      .to.throw(PlateauError, /--log_dir/)
      .with.property('code', 'INVALID_FLAG');
  });

  it('gets what the logger writes, in its form, and follows its level', async () => {
    const file = join(folder, 'json');
    const log = await createLogger({ name: 'test', level: 'warn', format: 'json', file });
    log.info('unheard');
    log.warn('heard', { task: 't1' });
    log.level = 'info';
    log.child({ part: 'p' }).info('heard too');
    const lines = text('json').trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as object)).to.have.length(2);
    expect(JSON.parse(lines[0] ?? '')).to.include({ level: 'warn', msg: 'heard', task: 't1' });
    expect(JSON.parse(lines[1] ?? '')).to.include({ level: 'info', msg: 'heard too', part: 'p' });
    const readable = join(folder, 'text');
    const other = await createLogger({
      name: 'test',
      level: 'info',
      format: 'text',
      file: readable,
    });
    other.warn('for people', { task: 't2' });
    expect(text('text')).to.match(/^\[\d{4}-\d\d-\d\d .*\] WARN.*: for people\n/);
    expect(text('text')).to.include('"t2"');
  });
});
