/** The steps of a scenario that look at what has happened since the last look of the same kind. */
import { expect } from 'chai';
import type { Unavailability } from '../../../core/api/index.js';
import { isRecord } from '../../../core/base/index.js';
import { type Offer, type TestCluster, offerLines } from '../../unit/allocator/test-cluster.js';
import {
  type Fields,
  durationOf,
  fieldsOf,
  listOf,
  quantitiesOf,
  textOf,
  textsOf,
} from './scenario.js';

/** By the name of the step. */
export type Expectations = Readonly<Record<string, (argument: unknown) => void>>;

/** The expectations on a cluster. */
export function expectationsOf(cluster: TestCluster): Expectations {
  return {
    expectNoOffers: () => expect(cluster.takeOffers()).to.deep.equal([]),
    expectOffers: (argument) => expectOffers(cluster, argument),
    expectOfferCounts: (argument) => expectCounts(cluster, fieldsOf(argument)),
    expectNoInverseOffers: () => expect(cluster.takeInverseOffers()).to.deep.equal([]),
    expectInverseOffers: (argument) => expectInverseOffers(cluster, listOf(argument)),
    expectInverseOfferStatuses: (argument) => expectStatuses(cluster, fieldsOf(argument)),
    expectMetrics: (argument) => expectMetrics(cluster, fieldsOf(argument)),
    expectRoles: (argument) => expectRoles(cluster, fieldsOf(argument)),
  };
}

function expectOffers(cluster: TestCluster, argument: unknown): void {
  const taken = cluster.takeOffers();
  const choices = isRecord(argument) ? listOf(argument['anyOf']) : [argument];
  const wanted = choices.map((choice) => offerLines(listOf(choice).map(offerOf)));
  if (wanted.length === 1) expect(taken).to.deep.equal(wanted[0]);
  else expect(wanted.map((lines) => lines.join('\n'))).to.include(taken.join('\n'));
}

function offerOf(value: unknown): Offer {
  const { framework, role, agent, resources } = fieldsOf(value);
  return { framework: textOf(framework), role: textOf(role), agent: textOf(agent), resources };
}

function expectCounts(cluster: TestCluster, wanted: Fields): void {
  const counts: Record<string, number> = {};
  const taken = cluster.takeOffers();
  for (const line of taken) {
    const framework = line.split(' ')[0] ?? '';
    counts[framework] = (counts[framework] ?? 0) + 1;
  }
  const { total, ...named } = wanted;
  if (total === undefined) {
    const some = Object.entries(named).filter(([, count]) => count !== 0);
    expect(counts).to.deep.equal(Object.fromEntries(some));
    return;
  }
  expect(taken).to.have.lengthOf(Number(total));
  for (const [framework, count] of Object.entries(named)) {
    expect(counts[framework] ?? 0, framework).to.equal(count);
  }
}

function expectInverseOffers(cluster: TestCluster, wanted: readonly unknown[]): void {
  const line = (framework: string, agent: string, { start, duration }: Unavailability): string =>
    `${framework} ${agent} ${start.nanoseconds} ${duration?.nanoseconds}`;
  const taken = cluster
    .takeInverseOffers()
    .map(({ frameworkId, agentId, unavailability }) => line(frameworkId, agentId, unavailability));
  const lines = wanted.map((one) => {
    const { framework, agent, start, duration } = fieldsOf(one);
    const window = cluster.window(
      durationOf(start),
      duration === undefined ? undefined : durationOf(duration),
    );
    return line(textOf(framework), textOf(agent), window);
  });
  expect(taken.toSorted()).to.deep.equal(lines.toSorted());
}

function expectStatuses(cluster: TestCluster, wanted: Fields): void {
  const statuses = new Map<string, ReadonlyMap<string, string>>(
    cluster.allocator.inverseOfferStatuses(),
  );
  for (const [agent, answers] of Object.entries(wanted)) {
    const found = [...(statuses.get(agent) ?? [])].map(([framework, status]) => [
      framework,
      status.toLowerCase(),
    ]);
    expect(Object.fromEntries(found), agent).to.deep.equal(answers);
  }
}

function expectMetrics(cluster: TestCluster, wanted: Fields): void {
  for (const [name, value] of Object.entries(wanted)) {
    const actual = cluster.metric(name.replace(/^allocator\//, ''));
    if (value === 'absent') expect(actual, name).to.equal(undefined);
    else if (value === 'present') expect(actual, name).to.be.a('number');
    else expect(actual, name).to.be.closeTo(Number(value), 0.001);
  }
}

function expectRoles(cluster: TestCluster, wanted: Fields): void {
  const roles = cluster.allocator.roles();
  expect([...roles.keys()].toSorted()).to.deep.equal(Object.keys(wanted).toSorted());
  for (const [role, fields] of Object.entries(wanted)) {
    const found = roles.get(role);
    const { weight, guarantees, limits, reserved, frameworks } = fieldsOf(fields);
    if (weight !== undefined) expect(found?.weight, role).to.equal(weight);
    expectAmounts(found?.quota.guarantees, guarantees);
    expectAmounts(found?.quota.limits, limits);
    expectAmounts(found?.reserved, reserved);
    if (frameworks !== undefined) {
      expect(found?.frameworks, role).to.have.members([...textsOf(frameworks)]);
    }
  }
}

function expectAmounts(found: ReadonlyMap<string, number> | undefined, wanted: unknown): void {
  if (wanted === undefined) return;
  expect(Object.fromEntries(found ?? [])).to.deep.equal(Object.fromEntries(quantitiesOf(wanted)));
}
