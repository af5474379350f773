import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { SILENT_LOGGER } from '../../../core/base/index.js';
import { ProcessContainerizer } from '../../../core/containers/index.js';
import { HTTP_LIMITS } from '../../../core/http/index.js';
import { type Bound, formatBound } from '../../checks/bounds.js';
import { fillLimits, missingLimits } from '../../checks/limits.js';
import { LIMITS_PAGE, codeBounds, repositoryFile } from '../../checks/reference.js';

/** Rows of the summary by their first words, with the bounds that they repeat. */
const SUMMARY = [
  ['body of a call', 'MAX_CALL_BYTES'],
  ['all header lines', 'MAX_HEADER_BYTES', 'MAX_HEADER_LINES'],
  ['nesting', 'MAX_JSON_DEPTH'],
  ['ids', 'MAX_ID_BYTES'],
  ['headers complete', 'HEADERS_TIMEOUT_MS', 'REQUEST_TIMEOUT_MS'],
  ['connections', 'MAX_CONNECTIONS'],
  ['a stream', 'MAX_STREAM_BUFFER_BYTES'],
  ['an answer', 'PAGE_STALL_MS'],
  ['report', 'MAX_LINK_MESSAGE_BYTES'],
] as const;

const REQUEST_AREAS: ReadonlySet<string> = new Set(['http', 'api']);

function written(name: string, value: number): string {
  return formatBound({ name, value });
}

function page(): string {
  return readFileSync(repositoryFile(LIMITS_PAGE), 'utf8');
}

describe('The page of limits', () => {
  it('lists every bound of the code', async () => {
    const bounds = await codeBounds();
    expect(bounds.filter(({ isRequired }) => isRequired)).to.have.length.greaterThan(80);
    expect(missingLimits(page(), bounds), 'add a row for each to docs/limits.md').to.deep.equal([]);
  });

  it('reads constants and settings from the code', async () => {
    const bounds = await codeBounds();
    expect(bounds).to.deep.include.members([
      { area: 'api', name: 'MAX_CALL_BYTES', value: HTTP_LIMITS.callBytes, isRequired: true },
      { area: 'master', name: 'maxAgentPingTimeouts', value: 5, isRequired: true },
      { area: 'containers', name: 'IDLE_TIMEOUT_MS', value: 15_000, isRequired: false },
    ]);
  });

  it('sums up the bounds of requests with their values', async () => {
    const bounds = await codeBounds();
    const summary = page().split('\n### ')[0];
    for (const [what, ...names] of SUMMARY) {
      const values = names.map((name) => {
        const found = bounds.find((bound) => bound.name === name && REQUEST_AREAS.has(bound.area));
        return found === undefined ? name : formatBound(found);
      });
      const row = summary?.split('\n').find((line) => line.startsWith(`| ${what}`));
      for (const value of values) expect(row, what).to.include(value);
    }
  });

  it('says what the process containerizer does not enforce', () => {
    const { unenforced } = new ProcessContainerizer({ workDir: '/nowhere', log: SILENT_LOGGER });
    expect(unenforced).to.not.be.empty;
    for (const text of unenforced) expect(page()).to.include(`* ${text}`);
  });
});

describe('fillLimits', () => {
  const bound: Bound = { area: 'http', name: 'MAX_BYTES', value: 2048, isRequired: true };
  const rows = '### `core/http`: servers\n| bound | value | what |\n| `MAX_BYTES` | old | text |';

  it('writes the value and nothing else', () => {
    expect(fillLimits(rows, [bound])).to.equal(rows.replace('old', '2 KiB'));
  });

  it('refuses a row that the code does not have in that area', () => {
    expect(() => fillLimits(rows, [{ ...bound, area: 'agent' }])).to.throw('MAX_BYTES');
  });

  it('refuses a row that could mean two values', () => {
    expect(() => fillLimits(rows, [bound, { ...bound, value: 1 }])).to.throw('several');
  });

  it('names what the page lacks', () => {
    const other = { ...bound, name: 'MAX_LINES' };
    const optional = { ...bound, name: 'SOME_BYTES', isRequired: false };
    expect(missingLimits(rows, [bound, other, optional])).to.deep.equal(['http/MAX_LINES']);
  });

  it('writes values in the largest unit that leaves a whole number', () => {
    expect(written('MAX_BYTES', 16 * 1024 ** 2)).to.equal('16 MiB');
    expect(written('MAX_BYTES', 107)).to.equal('107 bytes');
    expect(written('WAIT_MS', 75_000)).to.equal('75 s');
    expect(written('ageMs', 86_400_000)).to.equal('1 day');
    expect(written('ageMs', 14 * 86_400_000)).to.equal('14 days');
    expect(written('LIFE_SECONDS', 60)).to.equal('1 min');
    expect(written('MAX_TASK_CHARS', 2048)).to.equal('2,048 characters');
    expect(written('MAX_TASKS', 20_000)).to.equal('20,000');
  });
});
