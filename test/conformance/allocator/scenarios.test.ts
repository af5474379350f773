/** Runs the scenarios that come with the sources; `main.ts` runs those of any folder. */
import { runScenario } from './run-scenario.js';
import { loadScenarios } from './scenario.js';
import { SCENARIO_FOLDER } from './scenario-folder.js';

for (const { file, scenarios } of loadScenarios(SCENARIO_FOLDER)) {
  describe(`Conformance: ${file}`, () => {
    for (const scenario of scenarios) {
      it(scenario.name, () => runScenario(scenario));
    }
  });
}
