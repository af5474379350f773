/**
 * The program of the reduce task: asks the batch scheduler where the map tasks ran, fetches their results
 * from the sandboxes there, and adds them up, into `counts.tsv`.
 */
import { writeFileSync } from 'node:fs';
import { addCounts, formatCounts } from '../word-count/words.js';
import { RESULT } from './environment.js';
import { batchOf, readResult, succeeded } from './results.js';

const { JOB_NAME = '' } = process.env;
const client = await batchOf(process.env);
const maps = await succeeded(client, JOB_NAME, 'map');
const texts = await Promise.all(maps.map((map) => readResult(map)));
const counts = new Map<string, number>();
for (const text of texts) addCounts(text, counts);
writeFileSync(RESULT, formatCounts(counts));
process.stdout.write(`${maps.length} parts, ${counts.size} different words\n`);
