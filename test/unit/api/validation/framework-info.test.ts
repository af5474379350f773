import { expect } from 'chai';
import {
  type FrameworkInfo,
  type OfferFilters,
  validateFrameworkInfo,
  validateOfferConstraints,
  validateRole,
  validateSuppressedRoles,
} from '../../../../core/api/index.js';

const INFO: FrameworkInfo = { user: 'u', name: 'n' };
const MULTI: FrameworkInfo = { ...INFO, capabilities: [{ type: 'MULTI_ROLE' }] };

describe('validateRole', () => {
  it('accepts paths of plain components, and the star alone', () => {
    for (const role of ['*', 'a', 'a/b', 'a/b/c.d', 'a-x_y', '...', 'é', '__proto__', 'a-']) {
      expect(validateRole(role), role).to.equal(undefined);
    }
  });

  it('refuses everything else', () => {
    for (const role of [
      '',
      '/a',
      'a/',
      'a//b',
      '.',
      '..',
      'a/..',
      '*/a',
      'a/*',
      '-a',
      'a/-b',
      'a b',
      'a\tb',
      'a\nb',
      'a\u007f',
      '/',
    ]) {
      expect(validateRole(role), JSON.stringify(role)).to.be.a('string');
    }
    expect(validateRole('/bad')).to.equal("Role '/bad' cannot start with a slash");
  });
});

describe('validateFrameworkInfo', () => {
  it('accepts plain frameworks of both kinds', () => {
    expect(validateFrameworkInfo(INFO)).to.equal(undefined);
    expect(validateFrameworkInfo({ ...INFO, role: 'web' })).to.equal(undefined);
    expect(validateFrameworkInfo(MULTI)).to.equal(undefined);
    expect(validateFrameworkInfo({ ...MULTI, roles: ['a', 'b/c'] })).to.equal(undefined);
  });

  it('keeps role and roles apart by MULTI_ROLE', () => {
    expect(validateFrameworkInfo({ ...INFO, roles: ['a'] })).to.match(/'FrameworkInfo.roles'/);
    expect(validateFrameworkInfo({ ...MULTI, role: 'a' })).to.match(/'FrameworkInfo.role'/);
  });

  it('refuses duplicate and malformed roles', () => {
    expect(validateFrameworkInfo({ ...MULTI, roles: ['a', 'b', 'a'] })).to.match(
      /'FrameworkInfo.roles'.*duplicate.*'a'/,
    );
    expect(validateFrameworkInfo({ ...MULTI, roles: ['a', '/bad'] })).to.equal(
      "'FrameworkInfo.roles' contains invalid role: Role '/bad' cannot start with a slash",
    );
    expect(validateFrameworkInfo({ ...INFO, role: 'a b' })).to.match(/'FrameworkInfo.role'/);
  });

  it('takes an empty id for one to be given, and refuses malformed ones', () => {
    expect(validateFrameworkInfo({ ...INFO, id: { value: '' } })).to.equal(undefined);
    expect(validateFrameworkInfo({ ...INFO, id: { value: 'a/b' } })).to.match(/'FrameworkInfo.id'/);
  });

  it('refuses a failover timeout that no Duration holds', () => {
    expect(validateFrameworkInfo({ ...INFO, failover_timeout: 604800 })).to.equal(undefined);
    for (const failover_timeout of [1e10, -1e10, Infinity]) {
      expect(validateFrameworkInfo({ ...INFO, failover_timeout })).to.match(
        /'FrameworkInfo.failover_timeout'/,
      );
    }
  });

  it('judges offer filters', () => {
    const filters = (value: number): FrameworkInfo => ({
      ...INFO,
      offer_filters: {
        '*': { min_allocatable_resources: { quantities: [{ quantities: { cpus: { value } } }] } },
      },
    });
    for (const value of [0, 1, 0.001])
      expect(validateFrameworkInfo(filters(value))).to.equal(undefined);
    for (const value of [-1, Infinity, NaN, 5e-324]) {
      expect(validateFrameworkInfo(filters(value)), String(value)).to.match(
        /'FrameworkInfo.offer_filters'.*'cpus'/,
      );
    }
    const empty: OfferFilters = { min_allocatable_resources: { quantities: [{}] } };
    expect(validateFrameworkInfo({ ...INFO, offer_filters: { a: empty } })).to.match(
      /'a'.*'quantities'/,
    );
  });
});

describe('validateSuppressedRoles', () => {
  it('wants them among the roles of the framework', () => {
    const info = { ...MULTI, roles: ['a', 'b'] };
    expect(validateSuppressedRoles(['a'], info)).to.equal(undefined);
    expect(validateSuppressedRoles(undefined, info)).to.equal(undefined);
    expect(validateSuppressedRoles(['a', 'some-other-role'], info)).to.match(/some-other-role/);
    expect(validateSuppressedRoles(['*'], INFO)).to.equal(undefined);
  });
});

describe('validateOfferConstraints', () => {
  const constraint = { selector: { attribute_name: 'rack' }, predicate: { exists: {} } };
  const judge = (attribute: unknown, role = 'a'): string | undefined =>
    validateOfferConstraints(
      {
        role_constraints: {
          [role]: { groups: [{ attribute_constraints: [attribute as typeof constraint] }] },
        },
      },
      ['a'],
    );

  it('accepts well-formed constraints of own roles', () => {
    expect(validateOfferConstraints(undefined, [])).to.equal(undefined);
    expect(judge(constraint)).to.equal(undefined);
    expect(judge({ ...constraint, selector: { pseudoattribute_type: 'HOSTNAME' } })).to.equal(
      undefined,
    );
  });

  it('refuses foreign roles, empty groups, and unclear selectors and predicates', () => {
    expect(judge(constraint, 'b')).to.match(/'b'/);
    expect(validateOfferConstraints({ role_constraints: { a: {} } }, ['a'])).to.match(/'groups'/);
    expect(validateOfferConstraints({ role_constraints: { a: { groups: [{}] } } }, ['a'])).to.match(
      /'attribute_constraints'/,
    );
    for (const selector of [
      {},
      { attribute_name: 'x', pseudoattribute_type: 'ZONE' },
      { pseudoattribute_type: 'UNKNOWN' },
    ]) {
      expect(judge({ ...constraint, selector })).to.match(/selector/);
    }
    for (const predicate of [{}, { exists: {}, not_exists: {} }]) {
      expect(judge({ ...constraint, predicate })).to.match(/predicate/);
    }
  });
});
