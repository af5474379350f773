/**
 * `npm run bench`: prints a table of figures, with published ones beside them where they apply, and
 * writes them as JSON to `bench-results/`. Machines are shared and noisy: compare ratios within one
 * run, not figures between runs.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { printLine, printNotice, renderTable } from '../../core/command/index.js';
import { benchAllocation } from './allocation.js';
import { benchCluster } from './cluster.js';
import { benchLauncher } from './launcher.js';
import { benchRatio } from './ratio.js';
import type { BenchResult } from './result.js';

const SUITES: Readonly<Record<string, () => Promise<readonly BenchResult[]>>> = {
  allocation: benchAllocation,
  launcher: benchLauncher,
  cluster: benchCluster,
  ratio: benchRatio,
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in SUITES));
if (unknown.length > 0) {
  printNotice(`no suite '${unknown.join(', ')}'; there are ${Object.keys(SUITES).join(', ')}`);
  process.exitCode = 2;
} else {
  await bench(wanted.length > 0 ? wanted : Object.keys(SUITES));
}

async function bench(names: readonly string[]): Promise<void> {
  const results: (BenchResult & { readonly suite: string })[] = [];
  for (const suite of names) {
    printNotice(`running ${suite} …`);
    for (const result of (await SUITES[suite]?.()) ?? []) results.push({ suite, ...result });
  }
  printLine(
    renderTable(
      [
        { heading: 'SUITE', value: (row) => row.suite },
        { heading: 'FIGURE', value: (row) => row.name },
        {
          heading: 'VALUE',
          value: (row) => row.value.toFixed(row.value < 10 ? 2 : 1),
          align: 'right',
        },
        { heading: 'UNIT', value: (row) => row.unit },
        { heading: 'BESIDE', value: (row) => row.anchor },
        { heading: 'WHAT', value: (row) => row.note },
      ],
      results,
    ),
  );
  const machine = { cpus: cpus().length, model: cpus()[0]?.model, memoryBytes: totalmem() };
  const report = { at: new Date().toISOString(), node: process.version, machine, results };
  mkdirSync('bench-results', { recursive: true });
  const file = `bench-results/${report.at.replaceAll(':', '-')}.json`;
  writeFileSync(file, `${JSON.stringify(report, undefined, 2)}\n`);
  printNotice(`written to ${file}`);
}
