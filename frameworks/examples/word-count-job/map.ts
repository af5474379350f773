/** The program of a map task: finds the input, and counts the words of its own part, into `counts.tsv`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { findInput, partition } from '../word-count/input.js';
import { countWords, formatCounts } from '../word-count/words.js';
import { RESULT, inputOf } from './environment.js';

const { JOB_COUNT = '1', JOB_COMPLETION_INDEX = '0' } = process.env;
const parts = partition(findInput(inputOf(process.env)), Number(JOB_COUNT));
const files = parts[Number(JOB_COMPLETION_INDEX)] ?? [];
const counts = new Map<string, number>();
for (const { path } of files) countWords(readFileSync(path, 'utf8'), counts);
writeFileSync(RESULT, formatCounts(counts));
process.stdout.write(`${files.length} files, ${counts.size} different words\n`);
