/**
 * The reference pages that come from the code: flags, error codes, and the values of limits. `npm run
 * reference` writes them; a test compares what is committed with what it would write.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ERROR_CODES } from '../../core/base/index.js';
import { AGENT_FLAGS, IGNORED_AGENT_FLAGS } from '../../core/cli/flags/agent.js';
import { IGNORED_MASTER_FLAGS, MASTER_FLAGS } from '../../core/cli/flags/master.js';
import { type FlagRow, flagVariable } from '../../core/command/index.js';
import { type Bound, readBounds } from './bounds.js';
import { fillLimits } from './limits.js';

/** The page of which only the values come from the code. */
export const LIMITS_PAGE = 'docs/limits.md';

/** The pages by their path in the repository. */
export async function referencePages(): Promise<ReadonlyMap<string, string>> {
  const limits = readFileSync(repositoryFile(LIMITS_PAGE), 'utf8');
  return new Map([
    ['docs/reference/flags.md', flagsPage()],
    ['docs/reference/errors.md', errorsPage()],
    [LIMITS_PAGE, fillLimits(limits, await codeBounds())],
  ]);
}

/** The bounds of this code. */
export function codeBounds(): Promise<readonly Bound[]> {
  return readBounds(repositoryFile('core'), new URL('../../core/', import.meta.url));
}

/** The absolute path of a file of the repository, whatever folder this was compiled to. */
export function repositoryFile(path: string): string {
  let folder = new URL('.', import.meta.url);
  while (!existsSync(new URL('package.json', folder))) {
    const parent = new URL('..', folder);
    if (parent.href === folder.href) throw new Error('there is no repository above this file');
    folder = parent;
  }
  return fileURLToPath(new URL(path, folder));
}

function flagsPage(): string {
  return [
    '# Flags of master and agent\n',
    'Written `--name=value` or `--name value`, with underscores or dashes; also as environment variables',
    `(\`--work_dir\`: \`${flagVariable('work_dir')}\`); the command line wins. Durations are written as in Mesos: \`15secs\`,`,
    '`10mins`, `1.5hrs`, `1weeks`; sizes as `10MB`. Flags marked * are ours; the others are those of Mesos.\n',
    '## `plateau master`\n',
    flagTable(MASTER_FLAGS),
    '## `plateau agent`\n',
    flagTable(AGENT_FLAGS),
    '## Accepted and ignored\n',
    'These flags of Mesos mean nothing here (yet). They are accepted, with a warning, so that start-up',
    'scripts go on working.\n',
    `Master: ${nameList(IGNORED_MASTER_FLAGS)}\n`,
    `Agent: ${nameList(IGNORED_AGENT_FLAGS)}\n`,
  ].join('\n');
}

function flagTable(rows: readonly FlagRow[]): string {
  const lines = rows.map(
    (row) =>
      `| \`${row.name}\`${row.ours ? ' *' : ''} | ${row.choices?.join(', ') ?? row.kind} | ${cell(row.default)} | ${row.help.replaceAll('|', '\\|')} |`,
  );
  return ['| flag | value | default | meaning |', '|---|---|---|---|', ...lines, ''].join('\n');
}

function cell(text: string | undefined): string {
  return text === undefined ? '' : `\`${text.replaceAll('|', '\\|')}\``;
}

function nameList(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ') + '.';
}

function errorsPage(): string {
  const lines = Object.entries(ERROR_CODES).map(
    ([code, meaning]) => `| \`${code}\` | ${meaning} |`,
  );
  return [
    '# Error codes\n',
    'Every error that Plateau throws on purpose is a `PlateauError` with one of these codes, which do not',
    'change between versions. Its message says what happened, to which id, and what to do next; `context`',
    'holds the ids, `retriable` tells whether the same call may succeed later, `cause` what was underneath.',
    'The command prints the code in brackets after the message.\n',
    '| code | meaning |',
    '|---|---|',
    ...lines,
    '',
  ].join('\n');
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const [path, text] of await referencePages()) writeFileSync(repositoryFile(path), text);
}
