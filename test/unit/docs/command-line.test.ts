import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { EXIT_CODES } from '../../../core/command/index.js';
import { repositoryFile } from '../../checks/reference.js';

const MAIN = fileURLToPath(new URL('../../../core/cli/main.js', import.meta.url));

function help(...argv: readonly string[]): string {
  return execFileSync(process.execPath, [MAIN, ...argv, '--help'], { encoding: 'utf8' });
}

/** Names in the first column of a part of a help text. */
function names(text: string, part: 'Commands' | 'Options'): readonly string[] {
  const lines = text.split(`${part}:\n`)[1]?.split('\n\n')[0]?.split('\n') ?? [];
  return lines.flatMap((line) => /^ {2}(?:-\w, )?((?:--)?[a-z][a-z-]*)/.exec(line)?.[1] ?? []);
}

/** Options of every command that talks to a cluster; the page explains them above its tables. */
const COMMON: ReadonlySet<string> = new Set(['--master', '--json']);

function options(...command: readonly string[]): readonly string[] {
  return names(help(...command), 'Options').filter((option) => option !== '--help');
}

function mentions(page: string, option: string): boolean {
  return new RegExp(`${option}(?![\\w-])`).test(page);
}

describe('The page of the command line', () => {
  const page = readFileSync(repositoryFile('docs/reference/command-line.md'), 'utf8');
  const section = (heading: string): string =>
    page.split(`## \`plateau ${heading}\`\n`)[1]?.split('\n## ')[0] ?? '';

  it('has every command', () => {
    const commands = names(help(), 'Commands');
    expect(commands).to.include.members(['up', 'run', 'why', 'example']);
    const words = new Set([...page.matchAll(/`([a-z]+)/g)].map(([, word]) => word));
    expect(commands.filter((command) => !words.has(command))).to.deep.equal([]);
  });

  for (const command of ['up', 'run', 'simulate']) {
    it(`has a row for every option of ${command}, and no other`, () => {
      const rows = [...section(command).matchAll(/^\| `(--[a-z-]+)/gm)].map(([, option]) => option);
      const own = options(command).filter((option) => !COMMON.has(option));
      expect(rows).to.have.members(own);
    });
  }

  for (const command of ['tasks', 'frameworks', 'roles', 'logs', 'kill', 'why']) {
    it(`has every option of ${command}`, () => {
      expect(options(command)).to.include('--master');
      expect(options(command).filter((option) => !mentions(page, option))).to.deep.equal([]);
    });
  }

  for (const command of [
    'quota list',
    'quota set',
    'quota remove',
    'weights list',
    'weights set',
  ]) {
    it(`has every option of ${command}`, () => {
      const all = options(...command.split(' '));
      expect(all).to.include('--master');
      expect(all.filter((option) => !mentions(page, option))).to.deep.equal([]);
    });
  }

  for (const command of ['status', 'schedule', 'plan', 'cancel', 'start', 'stop']) {
    it(`has every option of maintenance ${command}`, () => {
      expect(names(help('maintenance'), 'Commands')).to.include(command);
      const all = options('maintenance', command);
      expect(all).to.include('--master');
      expect(all.filter((option) => !mentions(page, option))).to.deep.equal([]);
    });
  }

  for (const command of ['list', 'drain', 'deactivate', 'reactivate', 'gone']) {
    it(`has every option of agents ${command}`, () => {
      expect(names(help('agents'), 'Commands')).to.include(command);
      const all = options('agents', command);
      expect(all).to.include('--master');
      expect(all.filter((option) => !mentions(page, option))).to.deep.equal([]);
    });
  }

  it('has every option of the example', () => {
    const all = options('example', 'word-count');
    expect(all.filter((option) => !mentions(page, option))).to.deep.equal([]);
  });

  it('has every exit code', () => {
    for (const code of Object.values(EXIT_CODES)) expect(page).to.include(`\n| ${code} | `);
  });
});
