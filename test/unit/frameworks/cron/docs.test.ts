import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { CronDocument, cronLimits, specOf } from '../../../../frameworks/cron/index.js';
import { readDocuments } from '../../../../sdk/documents/index.js';
import { formatBound } from '../../../checks/bounds.js';
import { repositoryFile } from '../../../checks/reference.js';
import { ApiRig } from './api-rig.js';

function file(path: string): string {
  return readFileSync(repositoryFile(path), 'utf8');
}

/** Blocks of a language on a page. */
function blocks(language: string, page = 'docs/cron.md'): readonly string[] {
  const pattern = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g');
  return [...file(page).matchAll(pattern)].map(([, text = '']) => text);
}

describe('The guide to cron', () => {
  it('has documents that are valid', () => {
    const documents = blocks('yaml').flatMap((text) =>
      readDocuments(text, CronDocument, { source: 'docs/cron.md' }),
    );
    expect(documents.map(({ id }) => id)).to.deep.equal(['report.nightly', 'each.second']);
  });

  it('shows due times as they are', async () => {
    const rig = await new ApiRig().start();
    try {
      const [document] = readDocuments(blocks('yaml')[0] ?? '', CronDocument, { source: 'docs' });
      if (document === undefined) throw new Error('no document');
      rig.cron.engine.create(specOf(document, Date.now()), Date.now());
      const path = '/v1/cron/jobs/report.nightly/next?count=3&from=2030-03-30T12:00:00Z';
      const { json } = await rig.ask('GET', path);
      const shown = (json['next'] as readonly Record<string, string>[]).map((row) =>
        [
          row['at']?.replace('.000Z', 'Z'),
          row['local'],
          row['timezone'],
          row['schedule'],
          row['note'],
        ]
          .filter(Boolean)
          .join('  '),
      );
      const [, table = ''] = /\$ plateau cron next.*\n([^`]*)```/.exec(file('docs/cron.md')) ?? [];
      const [, ...rows] = table.trimEnd().split('\n');
      expect(rows.map((row) => row.replaceAll(/ {2,}/g, '  ').trimEnd())).to.deep.equal(shown);
    } finally {
      await rig.close();
    }
  });

  it('shows code that is there', () => {
    const source = file('frameworks/cron/framework.ts');
    const shown = blocks('ts', 'docs/cron-internals.md');
    expect(shown).to.have.length(1);
    for (const code of shown) expect(source).to.include(code);
  });

  it('names routes, metrics and defaults that there are', async () => {
    const rig = await new ApiRig().start();
    try {
      const { json } = await rig.ask('GET', '/openapi.json');
      const page = file('docs/cron.md');
      for (const path of Object.keys(Object(json['paths']))) {
        if (!path.startsWith('/v1/cron/')) continue;
        const last = path.split('/').at(-1) ?? '';
        expect(page).to.include(last.startsWith('{') ? `:${last.slice(1, -1)}` : last);
      }
      const { text } = await rig.ask('GET', '/metrics');
      const names = [...text.matchAll(/^# TYPE plateau_(cron_\S+)/gm)].map(([, name = '']) => name);
      expect(names).to.have.length(14);
      for (const name of names) {
        const written = name.replace(/_(?:p50|p99|max)_seconds$/, '_{p50,p99,max}_seconds');
        expect(page).to.include(`\`${written}\``);
      }
    } finally {
      await rig.close();
    }
  });
});

describe('The page of limits', () => {
  it('lists the bounds of frameworks/cron with their values', () => {
    const [, rest = ''] = file('docs/limits.md').split('### `frameworks/cron`');
    const [section = ''] = rest.split('\n#');
    const listed = [...section.matchAll(/^\| `([A-Z_]+)` \| ([^|]+) \|/gm)].map(
      ([, name = '', value = '']) => [name, value] as const,
    );
    const bounds = Object.entries(cronLimits).map(
      ([name, value]) => [name, formatBound({ name, value })] as const,
    );
    expect(Object.fromEntries(listed)).to.deep.equal(Object.fromEntries(bounds));
  });
});
