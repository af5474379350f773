import { expect } from 'chai';
import { formatSpan, printable, renderTable } from '../../../core/command/index.js';

describe('renderTable', () => {
  it('aligns columns and leaves no blanks at the ends of lines', () => {
    const columns = [
      { heading: 'NAME', value: (row: readonly [string, number]) => row[0] },
      { heading: 'N', value: (row: readonly [string, number]) => row[1], align: 'right' as const },
    ];
    const text = renderTable(columns, [
      ['a', 5],
      ['long-name', 10],
    ]);
    expect(text.split('\n')).to.deep.equal(['NAME        N', 'a           5', 'long-name  10']);
  });

  it('makes control characters harmless', () => {
    expect(printable('a\u001b[31mb\nc')).to.equal('a [31mb c');
  });
});

describe('formatSpan', () => {
  for (const [milliseconds, text] of [
    [0, '0ms'],
    [999, '999ms'],
    [1_500, '1.5s'],
    [65_000, '1m 05s'],
    [3_660_000, '1h 01m'],
    [90_000_000, '1d 01h'],
  ] as const) {
    it(`writes ${milliseconds} ms as ${text}`, () => {
      expect(formatSpan(milliseconds)).to.equal(text);
    });
  }
});
