import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type LinkedFolder, linkedFolder } from '../linked-package.js';

const FIXTURES = join(process.cwd(), 'test/unit/sdk/framework/type-fixtures');
const OPTIONS =
  '--ignoreConfig --noEmit --strict --target es2022 --lib es2023 --module nodenext --skipLibCheck ' +
  '--experimentalDecorators --exactOptionalPropertyTypes --types node';

interface Complaint {
  readonly code: string;
  readonly text: string;
  readonly lines: number;
}

/** Complaints of the compiler by `file:line`. */
function complaintsOf(output: string): ReadonlyMap<string, Complaint> {
  const found = new Map<string, Complaint>();
  for (const part of output.split(/^(?=\S+\(\d+,\d+\): error)/m)) {
    const [, file = '', line = '', code = '', text = ''] =
      /^(\S+)\((\d+),\d+\): error (TS\d+): (.*)/s.exec(part) ?? [];
    if (file === '') continue;
    found.set(`${file}:${line}`, { code, text, lines: text.trim().split('\n').length });
  }
  return found;
}

/** What the comments of a fixture say, in the same form. */
function expectedOf(file: string, text: string): ReadonlyMap<string, readonly [string, string]> {
  const found = new Map<string, readonly [string, string]>();
  for (const [index, line] of text.split('\n').entries()) {
    const [, code, part] = / \/\/ error (TS\d+): (.*)$/.exec(line) ?? [];
    if (code !== undefined && part !== undefined) found.set(`${file}:${index + 1}`, [code, part]);
  }
  return found;
}

describe('the types of decorators', function () {
  this.timeout(60_000);
  let folder: LinkedFolder;
  let complaints: ReadonlyMap<string, Complaint>;
  const expected = new Map<string, readonly [code: string, part: string]>();

  before(() => {
    folder = linkedFolder();
    writeFileSync(join(folder.path, 'package.json'), '{"type":"module"}');
    const files = readdirSync(FIXTURES).map((name) => name.replace(/\.txt$/, ''));
    for (const file of files) {
      const text = readFileSync(join(FIXTURES, `${file}.txt`), 'utf8');
      writeFileSync(join(folder.path, file), text);
      for (const [place, what] of expectedOf(file, text)) expected.set(place, what);
    }
    const argv = [folder.tsc, ...OPTIONS.split(' '), ...files];
    const { stdout, error } = spawnSync(process.execPath, argv, {
      cwd: folder.path,
      encoding: 'utf8',
    });
    if (error !== undefined) throw error;
    complaints = complaintsOf(stdout);
  });
  after(() => folder.remove());

  it('accept every right handler and refuse every wrong one, and no line else', () => {
    expect([...complaints.keys()].toSorted()).to.deep.equal([...expected.keys()].toSorted());
    expect(expected.size).to.be.greaterThan(20);
  });

  it('say in the message which signature or value is expected', () => {
    for (const [place, [code, part]] of expected) {
      const complaint = complaints.get(place);
      expect(complaint?.code, place).to.equal(code);
      expect(complaint?.text, place).to.contain(part);
    }
  });

  it('complain in two lines at most', () => {
    const signatures = [...expected].filter(([, [, part]]) => part.includes('"'));
    expect(signatures).to.have.length.greaterThan(10);
    for (const [place] of signatures) expect(complaints.get(place)?.lines, place).to.be.at.most(2);
  });
});
