import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { repositoryFile } from '../../checks/reference.js';

describe('The page of dependencies', () => {
  it('has a row for each runtime dependency, and for nothing else', () => {
    const { dependencies, optionalDependencies } = JSON.parse(
      readFileSync(repositoryFile('package.json'), 'utf8'),
    ) as {
      dependencies: Record<string, string>;
      optionalDependencies?: Record<string, string>;
    };
    const listed = readFileSync(repositoryFile('docs/dependencies.md'), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)])
      .map(([, name]) => name);
    expect(listed).to.have.members(Object.keys({ ...dependencies, ...optionalDependencies }));
  });
});
