import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { referencePages, repositoryFile } from '../../checks/reference.js';

describe('Reference pages', () => {
  for (const path of ['docs/reference/flags.md', 'docs/reference/errors.md', 'docs/limits.md']) {
    it(`${path} says what the code says (npm run reference writes it)`, async () => {
      const pages = await referencePages();
      expect(pages.get(path)).to.be.a('string');
      expect(readFileSync(repositoryFile(path), 'utf8')).to.equal(pages.get(path));
    });
  }
});
