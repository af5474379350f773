import { expect } from 'chai';
import {
  ancestorsOf,
  isAncestorRole,
  isSubrole,
  topLevelRole,
} from '../../../core/resources/index.js';

describe('Roles', () => {
  it('are ancestors strictly and by whole components', () => {
    expect(isAncestorRole('a', 'a/b')).to.equal(true);
    expect(isAncestorRole('a', 'a/b/c')).to.equal(true);
    expect(isAncestorRole('a', 'a')).to.equal(false);
    expect(isAncestorRole('a', 'ab/c')).to.equal(false);
    expect(isAncestorRole('a/b', 'a')).to.equal(false);
    expect(isAncestorRole('*', 'a/b')).to.equal(false);
  });

  it('are subroles the other way round', () => {
    expect(isSubrole('a/b', 'a')).to.equal(true);
    expect(isSubrole('a', 'a/b')).to.equal(false);
  });

  it('have ancestors from the top down', () => {
    expect(ancestorsOf('a/b/c')).to.deep.equal(['a', 'a/b']);
    expect(ancestorsOf('a')).to.deep.equal([]);
    expect(topLevelRole('a/b/c')).to.equal('a');
    expect(topLevelRole('*')).to.equal('*');
  });
});
