import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { ENUM_TABLE } from '../../../core/api/index.js';
import { WIRE_CASES } from '../../conformance/wire/cases/index.js';
import { repositoryFile } from '../../checks/reference.js';

/** Families of features of Mesos, with the number of the last of each; they are numbered from 1. */
const FEATURES: Readonly<Record<string, number>> = {
  SC: 25,
  SE: 10,
  EX: 8,
  TK: 21,
  MC: 15,
  AC: 7,
  LE: 10,
  RS: 19,
  AL: 20,
  AG: 27,
  FT: 14,
  SE2: 10,
  MT: 5,
  TO: 7,
};
const STATES = ['works', 'differs', 'not yet'];

function text(file: string): string {
  return readFileSync(repositoryFile(file), 'utf8');
}

/** The cells of each feature's row. */
function rows(): readonly (readonly string[])[] {
  return text('docs/compatibility.md')
    .split('\n')
    .filter((line) => /^\| [A-Z]+2?-[0-9]+ \|/.test(line))
    .map((line) =>
      line
        .split('|')
        .map((cell) => cell.trim())
        .slice(1, -1),
    );
}

/** What stands in code in the last cells and fits. */
function named(pattern: RegExp): readonly string[] {
  const notes = rows().map(([, , , note = '']) => note);
  const codes = notes.flatMap((note) => [...note.matchAll(/`([^`]+)`/g)].map(([, code]) => code));
  return codes.flatMap((code = '') => pattern.exec(code)?.[1] ?? []);
}

describe('The page of compatibility', () => {
  it('has one row for each feature, in order', () => {
    const expected = Object.entries(FEATURES).flatMap(([family, last]) =>
      Array.from({ length: last }, (_, i) => `${family}-${String(i + 1).padStart(2, '0')}`),
    );
    expect(rows().map(([id]) => id)).to.deep.equal(expected);
  });

  it('says of each whether it works, and how it differs if it does', () => {
    for (const [id, feature, state = '', note] of rows()) {
      expect(STATES, id).to.include(state);
      expect(feature, id).not.to.equal('');
      if (state === 'differs') expect(note, id).not.to.equal('');
    }
  });

  it('names flags that exist', () => {
    const known = [...text('docs/reference/flags.md').matchAll(/^\| `([a-z0-9_]+)`/gm)];
    const flags = named(/^--([a-z0-9_]+)/);
    expect(flags).to.have.length.above(8);
    expect(known.map(([, name]) => name)).to.include.members([...flags]);
  });

  it('names commands that exist', () => {
    const known = [...text('docs/reference/command-line.md').matchAll(/`([a-z]+)[ `]/g)];
    const commands = named(/^plateau ([a-z]+)/);
    expect(commands).to.have.length.above(3);
    expect(known.map(([, name]) => name)).to.include.members([...commands]);
  });

  it('names calls, capabilities and states of the schema', () => {
    const known = Object.values(ENUM_TABLE).flatMap((values) => Object.keys(values));
    const names = named(/^([A-Z]+(?:_[A-Z]+)+)$/);
    expect(names).to.have.length.above(2);
    expect(known).to.include.members([...names]);
  });

  it('tells how large the wire suite is', () => {
    const [, told] = /about ([0-9]+) cases/.exec(text('docs/compatibility.md')) ?? [];
    expect(WIRE_CASES.length).to.be.within(Number(told) - 10, Number(told) + 10);
  });
});
