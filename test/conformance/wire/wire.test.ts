/** Runs all cases of the wire, shared among some fresh clusters; `main.ts` runs them against any. */
import { expect } from 'chai';
import { WireCluster } from './cluster.js';
import { learnTarget } from './lib/target.js';
import { ownCases } from './load.js';
import { type CaseResult, resultLine, runCases } from './run.js';

/** Most of the time of a case is waiting. */
const CLUSTERS = 4;
const LIMIT_MS = 300_000;

describe('Wire conformance', function () {
  this.timeout(LIMIT_MS);
  const cases = ownCases();
  const clusters: WireCluster[] = [];
  const notes: string[] = [];
  const results = new Map<string, (result: CaseResult) => void>();
  const awaited = new Map(
    cases.map(({ id }) => [
      id,
      new Promise<CaseResult>((resolve) => {
        results.set(id, resolve);
      }),
    ]),
  );
  let run: Promise<unknown>;

  before(async () => {
    const note = (text: string): void => void notes.push(text);
    for (let i = 0; i < CLUSTERS; i++) clusters.push(await WireCluster.start());
    const targets = await Promise.all(clusters.map(({ urls }) => learnTarget(urls, note)));
    run = runCases({ cases, targets, onResult: (one) => results.get(one.id)?.(one) });
  });

  after(async () => {
    await run;
    const left = await Promise.all(clusters.map((cluster) => cluster.stop()));
    expect(left.flat(), 'processes that were left').to.deep.equal([]);
    expect(notes, 'what could not be cleaned up').to.deep.equal([]);
  });

  for (const { id, title } of cases) {
    it(`${id} ${title}`, async () => {
      const result = await awaited.get(id);
      if (result === undefined) throw new Error(`no result of ${id}`);
      const isAllowed = result.outcome === 'skipped' && process.env['CI'] !== 'true';
      if (result.outcome !== 'passed' && !isAllowed) throw new Error(resultLine(result));
    });
  }
});
