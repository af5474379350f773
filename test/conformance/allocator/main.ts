/**
 * The conformance runner: `main.js [DIR]` runs all scenarios of a folder, by default those that come
 * with the sources, prints one line for each, and ends with code 1 when any has failed.
 */
import { errorMessage } from '../../../core/base/index.js';
import { runScenario } from './run-scenario.js';
import { loadScenarios } from './scenario.js';
import { SCENARIO_FOLDER } from './scenario-folder.js';

const folder = process.argv[2] ?? SCENARIO_FOLDER;
let passed = 0;
let failed = 0;
for (const { file, scenarios } of loadScenarios(folder)) {
  for (const scenario of scenarios) {
    const problem = await runScenario(scenario).then(() => undefined, errorMessage);
    if (problem === undefined) passed++;
    else failed++;
    const verdict = problem === undefined ? 'pass' : `FAIL: ${problem}`;
    process.stdout.write(`${file}: ${scenario.name}: ${verdict}\n`);
  }
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
