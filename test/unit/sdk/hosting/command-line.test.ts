import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { repositoryFile } from '../../../checks/reference.js';

const MAIN = fileURLToPath(new URL('../../../../core/cli/main.js', import.meta.url));

describe('The page of the command line', () => {
  it('has a row for every option of framework run, and no other', () => {
    const help = execFileSync(process.execPath, [MAIN, 'framework', 'run', '--help'], {
      encoding: 'utf8',
    });
    const options = [...help.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, option]) => option);
    const page = readFileSync(repositoryFile('docs/reference/command-line.md'), 'utf8');
    const section = page.split('## `plateau framework run`\n')[1]?.split('\n## ')[0] ?? '';
    const rows = [...section.matchAll(/^\| `(--[a-z-]+)/gm)].map(([, option]) => option);
    expect(rows).to.have.members(options);
    expect(rows.length).to.be.greaterThan(8);
  });
});
