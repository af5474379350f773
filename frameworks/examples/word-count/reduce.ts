/**
 * The program of the reduce task: adds up the counts of all map tasks, which the agent has fetched
 * into the sandbox from the sandboxes of the map tasks, into `counts.tsv`.
 */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { addCounts, formatCounts } from './words.js';

const counts = new Map<string, number>();
const parts = readdirSync('.').filter((name) => /^part-\d+\.tsv$/.test(name));
for (const part of parts) addCounts(readFileSync(part, 'utf8'), counts);
writeFileSync('counts.tsv', formatCounts(counts));
process.stdout.write(`${parts.length} parts, ${counts.size} different words\n`);
