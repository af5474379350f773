import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import {
  MAX_CHECK_TIMEOUT_MS,
  checkTiming,
  healthTiming,
  healthTolerance,
} from '../../../core/agent/index.js';
import {
  decodeJson,
  encodeJson,
  parseJson,
  validateCheck,
  validateHealthCheck,
} from '../../../core/api/index.js';
import { repositoryFile } from '../../checks/reference.js';

describe('The page about health checks', () => {
  const page = readFileSync(repositoryFile('docs/health-checks.md'), 'utf8');

  it('shows a task whose checks are valid, with no field that is unknown', () => {
    const [, text = ''] = /^```json\n([^]*?)^```$/m.exec(page) ?? [];
    const task = decodeJson('TaskInfo', text);
    expect(task.health_check && validateHealthCheck(task.health_check)).to.equal(undefined);
    expect(task.check && validateCheck(task.check)).to.equal(undefined);
    const again = JSON.parse(encodeJson('TaskInfo', task)) as Record<string, unknown>;
    // The writer adds defaults; nothing that is on the page may be missing.
    expect(again).to.deep.nested.include({ 'health_check.http.path': '/health' });
    expect(Object.keys(again)).to.have.members(Object.keys(parseJson(text) as object));
  });

  it('names the defaults', () => {
    const row = (field: string, value: number): string => `| \`${field}\` | ${value} |`;
    const { delayMs, intervalMs, timeoutMs } = healthTiming({});
    const { gracePeriodMs, maxFailures } = healthTolerance({});
    expect(checkTiming({})).to.deep.equal({ delayMs, intervalMs, timeoutMs });
    expect(page).to.include(row('delay_seconds', delayMs / 1000));
    expect(page).to.include(row('interval_seconds', intervalMs / 1000));
    expect(page).to.include(row('timeout_seconds', timeoutMs / 1000));
    expect(page).to.include(row('grace_period_seconds', gracePeriodMs / 1000));
    expect(page).to.include(row('consecutive_failures', maxFailures));
    expect(MAX_CHECK_TIMEOUT_MS, 'an hour, as the page says').to.equal(3_600_000);
  });
});
