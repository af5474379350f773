import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { JobDocument } from '../../../frameworks/batch/index.js';
import { environmentOf, inputOf } from '../../../frameworks/examples/word-count-job/environment.js';
import { readJob } from '../../../frameworks/examples/word-count-job/main.js';
import { readDocument } from '../../../sdk/documents/index.js';
import { repositoryFile } from '../../checks/reference.js';

const PATH = 'frameworks/examples/word-count-job/job.yaml';
const TEXT = readFileSync(repositoryFile(PATH), 'utf8');

describe('The word count as a batch job', () => {
  it('has a document that the scheduler takes: map tasks, and one that needs them all', () => {
    const { name, steps = [] } = readDocument(TEXT, JobDocument, { source: PATH });
    expect(name).to.equal('word-count');
    expect(steps.map((step) => [step.name, step.completions, step.needs])).to.deep.equal([
      ['map', 12, undefined],
      ['reduce', undefined, ['map']],
    ]);
  });

  it('is submitted under a name of its own, and tells each step its environment', () => {
    const told = environmentOf({ input: ['/a', '/b c'], master: 'http://m', batch: 'http://b' });
    const [one, other] = [0, 1].map(() => readJob(TEXT, { file: PATH, told }));
    expect(one?.name).to.match(/^word-count-\w{8}$/);
    expect(one?.name).to.not.equal(other?.name);
    for (const { template } of one?.steps ?? []) {
      expect(template.env).to.include({ PLATEAU_MASTER: 'http://m', PLATEAU_BATCH: 'http://b' });
      expect(inputOf(template.env ?? {})).to.deep.equal(['/a', '/b c']);
      const used = [...String(template.command).matchAll(/\$(\w+)/g)].map(([, word = '']) => word);
      expect(template.env, 'what its command names').to.include.all.keys(...used);
    }
    expect(environmentOf({ input: [], master: 'm' })).to.not.have.property('PLATEAU_BATCH');
  });

  it('tells all that is wrong with a document, and where', () => {
    const wrong = TEXT.replace('completions: 12', 'completions: 0').replace('[map]', '[nap]');
    const line = TEXT.split('\n').findIndex((each) => each.includes('completions')) + 1;
    expect(() => readJob(wrong, { file: 'job.yaml', told: {} }))
      .to.throw(`job.yaml:${line}:`)
      .with.property('message')
      .that.includes('nap');
  });

  it('is what the guide to batch shows', () => {
    const shown = TEXT.replaceAll(/^#.*\n/gm, '');
    expect(readFileSync(repositoryFile('docs/batch.md'), 'utf8')).to.include(
      `\`\`\`yaml\n${shown}\`\`\`\n`,
    );
  });

  it('is what npm start submits', () => {
    const manifest: unknown = JSON.parse(readFileSync(repositoryFile('package.json'), 'utf8'));
    expect(manifest)
      .to.have.nested.property('scripts.start')
      .that.includes(
        `--schedulers=batch node dist/core/cli/main.js example word-count-job ${PATH}`,
      );
  });
});
