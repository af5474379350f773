import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { findInput, partition } from '../../../frameworks/examples/word-count/input.js';
import {
  addCounts,
  countWords,
  formatCounts,
} from '../../../frameworks/examples/word-count/words.js';

describe('Word count', () => {
  it('counts words without regard to case and punctuation', () => {
    expect(formatCounts(countWords("The cat, the DOG. It's été 42!"))).to.equal(
      "2\tthe\n1\tcat\n1\tdog\n1\tit's\n1\tété\n",
    );
  });

  it('adds up to the same whether counted at once or in parts', () => {
    const texts = ['a b a', 'b c', '', 'a'];
    const sum = new Map<string, number>();
    for (const text of texts) addCounts(formatCounts(countWords(text)), sum);
    expect(formatCounts(sum)).to.equal(formatCounts(countWords(texts.join('\n'))));
  });

  it('names the line that is not a count', () => {
    expect(() => addCounts('1\ta\nx\n', new Map())).to.throw('line 2');
  });
});

describe('Input of the word count', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'plateau-input-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('finds text files, not those of others, and follows no links', () => {
    for (const path of ['b/x.md', 'a.ts', 'node_modules/y.md', '.git/z.md', 'image.png']) {
      mkdirSync(join(folder, path, '..'), { recursive: true });
      writeFileSync(join(folder, path), path);
    }
    symlinkSync(folder, join(folder, 'loop'));
    const found = findInput([folder]).map(({ path }) => path.slice(folder.length + 1));
    expect(found).to.deep.equal(['a.ts', 'b/x.md']);
  });

  it('divides every file to exactly one part, of about the same size', () => {
    const files = Array.from({ length: 50 }, (_, index) => ({
      path: `f${index}`,
      bytes: index * 10,
    }));
    const parts = partition(files, 4);
    expect(parts.flat().toSorted((one, other) => one.bytes - other.bytes)).to.deep.equal(files);
    const sizes = parts.map((part) => part.reduce((sum, file) => sum + file.bytes, 0));
    expect(Math.max(...sizes) - Math.min(...sizes)).to.be.below(500);
    expect(partition(files.slice(0, 2), 4)).to.have.length(2);
  });
});
