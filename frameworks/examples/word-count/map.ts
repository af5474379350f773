/** The program of a map task: counts the words of the files it is given, into `counts.tsv`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { countWords, formatCounts } from './words.js';

const counts = new Map<string, number>();
for (const file of process.argv.slice(2)) countWords(readFileSync(file, 'utf8'), counts);
writeFileSync('counts.tsv', formatCounts(counts));
process.stdout.write(`${process.argv.length - 2} files, ${counts.size} different words\n`);
