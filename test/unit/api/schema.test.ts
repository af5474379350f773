import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { ENUM_TABLE, MESSAGE_TABLE } from '../../../core/api/index.js';
import { renderTable, renderTypes } from '../../../core/api/schema/generate.js';

/** A source text without what a formatter may change. */
function essence(text: string): string {
  return text
    .replaceAll(/\s+/g, '')
    .replaceAll(/["']/g, '')
    .replaceAll(/,([}\]])/g, '$1')
    .replaceAll('=|', '=');
}

describe('schema', () => {
  it('is what the committed types were generated from', () => {
    expect(
      essence(readFileSync('core/api/messages.ts', 'utf8')) === essence(renderTypes()),
    ).to.equal(true, 'run `npm run generate`');
  });

  it('is what the committed table was generated from', () => {
    expect(
      essence(readFileSync('core/api/schema/table.ts', 'utf8')) === essence(renderTable()),
    ).to.equal(true, 'run `npm run generate`');
  });

  it('refers to types that exist only', () => {
    const scalars = ['string', 'bytes', 'bool', 'double', 'int32', 'uint32', 'int64', 'uint64'];
    for (const [name, rows] of Object.entries(MESSAGE_TABLE)) {
      for (const row of rows) {
        const types =
          row.kind === 'scalar'
            ? scalars
            : Object.keys(row.kind === 'enum' ? ENUM_TABLE : MESSAGE_TABLE);
        expect(types, `${name}.${row.name}`).to.include(row.type);
      }
    }
  });

  it('gives each field of a message a name and a number of its own', () => {
    for (const [name, rows] of Object.entries(MESSAGE_TABLE)) {
      expect(new Set(rows.map((row) => row.name)).size, name).to.equal(rows.length);
      expect(new Set(rows.map((row) => row.number)).size, name).to.equal(rows.length);
    }
  });
});
