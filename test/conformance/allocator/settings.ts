/** Reads the settings of a scenario: options, quotas, filters and constraints of frameworks. */
import { type AllocatorConfig, DEFAULT_ALLOCATOR_CONFIG } from '../../../core/allocator/index.js';
import type {
  SchedulerAttributeConstraint,
  SchedulerAttributeConstraintPredicate,
  SchedulerOfferConstraints,
} from '../../../core/api/index.js';
import type { RoleQuota } from '../../../core/allocator/index.js';
import { type FrameworkSettings, domain, quota } from '../../unit/allocator/test-cluster.js';
import {
  type Fields,
  durationOf,
  fieldsOf,
  listOf,
  quantitiesOf,
  textOf,
  textsOf,
} from './scenario.js';

/** The configuration of the allocator by the options of a scenario. */
export function configOf(options: Fields): Partial<AllocatorConfig> {
  const { allocationInterval, minAllocatable, fairnessExcluded, recovery } = options;
  const { factor, timeout } = recovery === undefined ? {} : fieldsOf(recovery);
  return {
    ...(allocationInterval === undefined
      ? {}
      : { allocationIntervalMs: durationOf(allocationInterval) }),
    ...(factor === undefined ? {} : { recoveryAgentFactor: Number(factor) }),
    ...(timeout === undefined ? {} : { recoveryTimeoutMs: durationOf(timeout) }),
    minAllocatable:
      minAllocatable === undefined
        ? DEFAULT_ALLOCATOR_CONFIG.minAllocatable
        : textsOf(minAllocatable).map(quantitiesOf),
    fairnessExcluded: textsOf(fairnessExcluded),
    filterGpuResources: options['filterGpuResources'] !== false,
    roleSorter: options['roleSorter'] === 'random' ? 'random' : 'drf',
    frameworkSorter: options['frameworkSorter'] === 'random' ? 'random' : 'drf',
    domain: options['domain'] === undefined ? undefined : placeOf(fieldsOf(options['domain'])),
  };
}

function placeOf({ region, zone }: Fields): AllocatorConfig['domain'] {
  return domain({ region: textOf(region), zone: textOf(zone) });
}

/** A quota stated by `both`, or `guarantees` and `limits`; undefined for none at all. */
export function quotaOf({ both, guarantees = both, limits = both }: Fields): RoleQuota | undefined {
  const text = (value: unknown): string | undefined =>
    value === undefined || value === '' ? undefined : textOf(value);
  return quota(text(guarantees), text(limits));
}

/** The filters of a framework, by role. */
export function offerFiltersOf(fields: Fields): NonNullable<FrameworkSettings['offerFilters']> {
  return Object.fromEntries(
    Object.entries(fields).map(([role, filter]) => {
      const quantities = textsOf(fieldsOf(filter)['minAllocatable']).map((amounts) => ({
        quantities: Object.fromEntries(
          amounts.split(';').map((item) => {
            const [name = '', value] = item.split(':');
            return [name, { value: Number(value) }];
          }),
        ),
      }));
      return [role, { min_allocatable_resources: { quantities } }];
    }),
  );
}

/** The constraints of a framework, by role. */
export function constraintsOf(fields: Fields): SchedulerOfferConstraints {
  return {
    role_constraints: Object.fromEntries(
      Object.entries(fields).map(([role, groups]) => [
        role,
        {
          groups: listOf(groups).map((group) => ({
            attribute_constraints: listOf(group).map((one) => constraintOf(fieldsOf(one))),
          })),
        },
      ]),
    ),
  };
}

const PSEUDO_ATTRIBUTES = { hostname: 'HOSTNAME', region: 'REGION', zone: 'ZONE' } as const;

function constraintOf({ attribute, pseudo, ...predicate }: Fields): SchedulerAttributeConstraint {
  const name = pseudo as keyof typeof PSEUDO_ATTRIBUTES;
  return {
    selector:
      attribute === undefined
        ? { pseudoattribute_type: PSEUDO_ATTRIBUTES[name] }
        : { attribute_name: textOf(attribute) },
    predicate: predicateOf(predicate),
  };
}

function predicateOf(fields: Fields): SchedulerAttributeConstraintPredicate {
  const { exists, notExists, equals, notEquals, matches, notMatches } = fields;
  if (exists !== undefined) return { exists: {} };
  if (notExists !== undefined) return { not_exists: {} };
  if (equals !== undefined) return { text_equals: { value: textOf(equals) } };
  if (notEquals !== undefined) return { text_not_equals: { value: textOf(notEquals) } };
  if (matches !== undefined) return { text_matches: { regex: textOf(matches) } };
  return { text_not_matches: { regex: textOf(notMatches) } };
}
