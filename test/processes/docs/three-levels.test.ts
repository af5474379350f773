/** The page of the three levels, typed as a reader would, against one cluster of real processes. */
import { chmodSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { repositoryFile } from '../../checks/reference.js';
import { type LinkedFolder, linkedFolder } from '../../unit/sdk/linked-package.js';
import { MAIN } from '../cli/command.js';
import { killAllOf, processesOf } from '../faults/cluster.js';
import { stepsOf } from '../sdk/packed/page.js';
import { Reader } from '../sdk/packed/reader.js';

const PAGE = 'docs/sdk/three-levels.md';

function read(path: string): string {
  return readFileSync(repositoryFile(path), 'utf8');
}

describe('The page of the three levels', function () {
  this.timeout(180_000);
  const parts = read(PAGE).split(/^## /m);
  let folder: LinkedFolder;
  let path: string;
  let reader: Reader;

  /** What npm installs beside the packages. */
  const addCommand = (name: string, main: string): void => {
    const commands = join(path, 'node_modules/.bin');
    mkdirSync(commands, { recursive: true });
    writeFileSync(join(commands, name), `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`);
    chmodSync(join(commands, name), 0o755);
  };

  before(() => {
    folder = linkedFolder();
    path = realpathSync(folder.path);
    writeFileSync(join(path, 'package.json'), '{"type":"module"}');
    const tutorial = stepsOf(read('docs/sdk/tutorial.md'));
    const compiler = tutorial.find((step) => step.kind === 'file' && step.name === 'tsconfig.json');
    if (compiler?.kind !== 'file') throw new Error('the tutorial has no tsconfig.json');
    writeFileSync(join(path, compiler.name), compiler.text);
    addCommand('plateau', MAIN);
    addCommand('tsc', folder.tsc);
    reader = new Reader({ path, install: () => undefined });
  });
  after(async () => {
    await reader.close();
    const left = processesOf(path);
    await killAllOf(path);
    folder.remove();
    expect(left, 'processes left behind').to.deep.equal([]);
  });

  // One test a level; all use the cluster that the beginning of the page starts.
  let hasFailed = false;
  for (const part of parts) {
    it(`works: ${part.slice(0, part.indexOf('\n')).replace('# ', '')}`, async () => {
      if (hasFailed) throw new Error('a part before this one failed');
      hasFailed = true;
      // oxlint-disable-next-line no-await-in-loop -- they build on each other
      for (const step of stepsOf(part)) await reader.follow(step);
      hasFailed = false;
    });
  }

  it('shows all levels, each with a program of its own', () => {
    expect(parts.slice(1).map((part) => part.slice(0, part.indexOf('\n')))).to.deep.equal([
      'A document',
      'A class',
      'The runtime without decorators',
      'Calls of the API',
    ]);
    const names = parts
      .slice(1)
      .map((part) => stepsOf(part).flatMap((step) => (step.kind === 'file' ? [step.name] : [])));
    expect(names).to.deep.equal([['configured.yaml'], ['decorated.ts'], ['bare.ts'], ['raw.ts']]);
  });
});
