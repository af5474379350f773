/**
 * The conformance runner for the wire. Without addresses it starts a fresh master and agent of this
 * build. One line for each case, `N passed, M failed` at the end, and code 1 when any has failed; in CI
 * (`CI=true`) a case that is skipped has failed.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { errorMessage } from '../../../core/base/index.js';
import { WireCluster } from './cluster.js';
import { main as fuzz } from './fuzz/main.js';
import { type Target, learnTarget } from './lib/target.js';
import { type LoadedCase, casesOfFolder, ownCases } from './load.js';
import { type CaseResult, DEFAULT_CASE_SECONDS, resultLine, runCases } from './run.js';

const USAGE = `usage: npm run conformance -- [options]
  --master URL --agent URL  test these; both are needed. Otherwise a fresh master and agent start.
  --clusters N              start so many of them, which share the cases
  --cases DIR               run the cases of this folder too; may be repeated
  --only REGEX              only cases whose id, area or title fits
  --timeout SECONDS         limit for cases that have none of their own (${DEFAULT_CASE_SECONDS})
  --json FILE               write the results to a file as well
  --list                    print the cases instead
  --fuzz [--seed TEXT] [--requests N] [--family NAME]
                            send mutated requests instead, 5000 for each family
`;

/** @throws Error that says which option is wrong. */
function options() {
  const { values } = parseArgs({
    options: {
      master: { type: 'string' },
      agent: { type: 'string' },
      clusters: { type: 'string', default: '1' },
      cases: { type: 'string', multiple: true, default: [] },
      only: { type: 'string', default: '' },
      timeout: { type: 'string', default: String(DEFAULT_CASE_SECONDS) },
      json: { type: 'string' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      fuzz: { type: 'boolean', default: false },
      seed: { type: 'string', default: 'wire' },
      requests: { type: 'string', default: '5000' },
      family: { type: 'string' },
    },
  });
  if ((values.master === undefined) !== (values.agent === undefined)) {
    throw new Error('--master and --agent belong together');
  }
  for (const name of ['clusters', 'timeout', 'requests'] as const) {
    if (!/^[1-9][0-9]*$/.test(values[name])) {
      throw new Error(`--${name} is a whole number from 1, not '${values[name]}'`);
    }
  }
  return values;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function chosenCases(
  folders: readonly string[],
  only: string,
): Promise<readonly LoadedCase[]> {
  const all = [...ownCases()];
  for (const folder of folders) all.push(...(await casesOfFolder(folder)));
  const wanted = new RegExp(only);
  return all.filter(({ id, area, title }) => wanted.test(`${id} ${area} ${title}`));
}

/** Runs with the targets that the options name, or with clusters of its own. */
async function withTargets<T>(
  { master, agent, clusters }: ReturnType<typeof options>,
  use: (targets: readonly Target[]) => Promise<T>,
): Promise<T> {
  const note = (text: string): void => say(`# ${text}`);
  if (master !== undefined && agent !== undefined) {
    return use([await learnTarget({ master, agent }, note)]);
  }
  const own: WireCluster[] = [];
  try {
    for (let i = 0; i < Number(clusters); i++) own.push(await WireCluster.start());
    return await use(await Promise.all(own.map(({ urls }) => learnTarget(urls, note))));
  } finally {
    for (const cluster of own) {
      for (const line of await cluster.stop()) say(`# left over: ${line}`);
    }
  }
}

function summary(results: readonly CaseResult[]): { readonly text: string; readonly code: number } {
  const count = (outcome: CaseResult['outcome']): number =>
    results.filter((one) => one.outcome === outcome).length;
  const skipped = count('skipped');
  const text = `${count('passed')} passed, ${count('failed')} failed`;
  const isBad = count('failed') > 0 || (skipped > 0 && process.env['CI'] === 'true');
  return { text: skipped === 0 ? text : `${text}, ${skipped} skipped`, code: isBad ? 1 : 0 };
}

async function main(): Promise<number> {
  const chosen = options();
  if (chosen.help) {
    say(USAGE);
    return 0;
  }
  if (chosen.fuzz) return fuzz(chosen);
  const cases = await chosenCases(chosen.cases, chosen.only);
  if (chosen.list) {
    for (const { id, priority, area, title } of cases) say(`${id} ${priority} ${area}: ${title}`);
    return 0;
  }
  const results = await withTargets(chosen, (targets) =>
    runCases({
      cases,
      targets,
      limitSeconds: Number(chosen.timeout),
      onResult: (result) => say(resultLine(result)),
    }),
  );
  if (chosen.json !== undefined) {
    writeFileSync(chosen.json, `${JSON.stringify(results, null, 1)}\n`);
  }
  const { text, code } = summary(results);
  say(text);
  return code;
}

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`${errorMessage(error)}\n${USAGE}`);
  return 2;
});
