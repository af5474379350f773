/**
 * Runs the scenario files of a folder that the environment names: `ALLOCATOR_SCENARIOS`. Scenarios
 * that need what the allocator does not do yet are shown as pending.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { type Scenario, Unsupported, runScenario } from './scenario-runner.js';

const folder = process.env['ALLOCATOR_SCENARIOS'];

function variantsOf(scenario: Scenario): readonly Scenario[] {
  if (scenario.variants === undefined) return [scenario];
  const { variants, ...plain } = scenario;
  return Object.entries(variants).map(([variant, values]) => {
    let written = JSON.stringify(plain);
    for (const [key, value] of Object.entries(values)) {
      written = written.replaceAll(`\${${key}}`, JSON.stringify(value).slice(1, -1));
    }
    return { ...(JSON.parse(written) as Scenario), name: `${plain.name} [${variant}]` };
  });
}

if (folder !== undefined) {
  const files = readdirSync(folder).filter((name) => /^allocator-.*\.yaml$/.test(name));
  for (const file of files) {
    describe(file, () => {
      const scenarios = parse(readFileSync(join(folder, file), 'utf8')) as Scenario[];
      for (const scenario of scenarios.flatMap(variantsOf)) {
        it(scenario.name, async function run() {
          try {
            await runScenario(scenario);
          } catch (error) {
            if (error instanceof Unsupported) this.skip();
            throw error;
          }
        });
      }
    });
  }
}
