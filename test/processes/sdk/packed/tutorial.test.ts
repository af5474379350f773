import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { repositoryFile } from '../../../checks/reference.js';
import { processesWith } from '../../cli/command.js';
import { PackedFolder } from './packed-package.js';
import { stepsOf } from './page.js';
import { Reader } from './reader.js';

/** Lines of code: not blank, no comment. */
function linesOfCode(text: string): number {
  return text.split('\n').filter((line) => !/^\s*(?:\/\/.*)?$/.test(line)).length;
}

describe('The tutorial of the SDK', function () {
  this.timeout(300_000);
  const page = readFileSync(repositoryFile('docs/sdk/tutorial.md'), 'utf8');
  const parts = page.split(/^## /m).slice(1);

  it('has a hello world and a test of at most 15 lines each', () => {
    const files = stepsOf(page).filter((step) => step.kind === 'file');
    const first = (name: string): string => files.find((file) => file.name === name)?.text ?? '';
    expect(linesOfCode(first('hello.ts'))).to.be.within(5, 15);
    expect(linesOfCode(first('hello.test.ts'))).to.be.within(5, 15);
  });

  describe('followed in an empty folder against the packed package', () => {
    let folder: PackedFolder;
    let reader: Reader;

    before(() => {
      folder = new PackedFolder();
      reader = new Reader(folder);
    });
    after(async () => {
      await reader.close();
      const left = processesWith(folder.path);
      folder.remove();
      expect(left, 'processes left behind').to.deep.equal([]);
    });

    // One test a step; after one that failed, those that stand on it say so too.
    let hasFailed = false;
    for (const part of parts.filter((text) => /^\d\. /.test(text))) {
      it(`works: ${part.slice(0, part.indexOf('\n'))}`, async () => {
        if (hasFailed) throw new Error('a step before this one failed');
        hasFailed = true;
        // oxlint-disable-next-line no-await-in-loop -- they build on each other
        for (const step of stepsOf(part)) await reader.follow(step);
        hasFailed = false;
      });
    }

    it('consists of eight steps', () => {
      expect(parts.filter((text) => /^\d\. /.test(text))).to.have.length(8);
    });
  });
});
