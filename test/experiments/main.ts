/**
 * `npm run experiment -- drf sharing`: tables of the papers on Mesos and on DRF, made anew by the real
 * allocator, with the published figures beside them. `--seed=text` fixes a run, `--json` prints it for
 * programs. Ends with 1 when something does not hold that should.
 */
import { parseArgs } from 'node:util';
import { printJson, printLine, printNotice } from '../../core/command/index.js';
import { drfExperiment, renderDrf } from './drf/experiment.js';
import { renderSharing, sharingExperiment } from './sharing/experiment.js';

interface Experiment {
  /** Runs it; `text` is the report for people. */
  run(seed: string): Promise<{
    readonly report: { readonly violations: readonly string[] };
    readonly text: string;
  }>;
}

const EXPERIMENTS: Readonly<Record<string, Experiment>> = {
  drf: {
    async run(seed) {
      const report = await drfExperiment(seed);
      return { report, text: renderDrf(report) };
    },
  },
  sharing: {
    async run(seed) {
      const report = await sharingExperiment(seed);
      return { report, text: renderSharing(report) };
    },
  },
};

const DEFAULT_SEED = 'plateau';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: 'string', default: DEFAULT_SEED }, json: { type: 'boolean' } },
});
const unknown = positionals.filter((name) => !(name in EXPERIMENTS));
if (unknown.length > 0) {
  const known = Object.keys(EXPERIMENTS).join(', ');
  printNotice(`no experiment '${unknown.join(', ')}'; there are ${known}`);
  process.exitCode = 2;
} else {
  await runAll(positionals.length > 0 ? positionals : Object.keys(EXPERIMENTS));
}

async function runAll(names: readonly string[]): Promise<void> {
  const reports: Record<string, unknown> = { seed: values.seed };
  for (const name of names) {
    const before = process.cpuUsage();
    const result = await EXPERIMENTS[name]?.run(values.seed);
    if (result === undefined) continue;
    const { user, system } = process.cpuUsage(before);
    reports[name] = result.report;
    if (values.json !== true) printLine(`${result.text}\n`);
    printNotice(`${name}: ${((user + system) / 1e6).toFixed(1)} s of processor time`);
    for (const violation of result.report.violations) printNotice(`does not hold: ${violation}`);
    if (result.report.violations.length > 0) process.exitCode = 1;
  }
  if (values.json === true) printJson(reports);
}
