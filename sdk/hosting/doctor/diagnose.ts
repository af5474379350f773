/** From what is known of a framework to what is wrong with it, and what to do about it. */
import type { DoctorFacts } from './facts.js';
import type { Finding } from './finding.js';
import { connectionFindings, identityFindings, masterFindings } from './connection-findings.js';
import { allocationFindings } from './allocation-findings.js';
import { copyFindings, stateFindings } from './state-findings.js';
import { runtimeFindings } from './runtime-findings.js';
import { wantFindings } from './want-findings.js';

/** All findings: problems first, else from the outside to the inside. Pure. */
export function diagnose(facts: DoctorFacts): readonly Finding[] {
  const all = [
    ...masterFindings(facts),
    ...identityFindings(facts),
    ...connectionFindings(facts),
    ...copyFindings(facts),
    ...stateFindings(facts),
    ...runtimeFindings(facts),
    ...wantFindings(facts),
    ...allocationFindings(facts),
  ];
  return [
    ...all.filter(({ severity }) => severity === 'problem'),
    ...all.filter(({ severity }) => severity === 'note'),
  ];
}
