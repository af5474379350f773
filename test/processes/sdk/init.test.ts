import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type LinkedFolder, linkedFolder } from '../../unit/sdk/linked-package.js';
import { plateau } from '../cli/command.js';

describe('plateau init', function () {
  this.timeout(60_000);
  let project: LinkedFolder;

  before(() => {
    project = linkedFolder();
  });
  after(() => project.remove());

  it('writes a framework and a test that compile and pass, by the scripts of the package', async () => {
    const path = join(project.path, 'my-framework');
    const { code, stderr } = await plateau(['init', path]);
    expect(stderr).to.contain('wrote my-framework.ts, my-framework.test.ts, package.json');
    expect(code).to.equal(0);
    expect(readdirSync(path)).to.have.length(3);
    // The folder above has what `npm install` would bring; tools run without a link in `.bin`.
    const manifest = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as {
      readonly scripts: Readonly<Record<string, string>>;
    };
    const compiled = run(path, 'typescript/bin/tsc', wordsOf(manifest.scripts['build'], 'tsc'));
    expect(compiled.output).to.equal('');
    expect(compiled.code).to.equal(0);
    const mocha = wordsOf(manifest.scripts['test']?.split('&&')[1], 'mocha');
    const tested = run(path, 'mocha/bin/mocha.js', mocha);
    expect(tested.output).to.contain('1 passing');
    expect(tested.code).to.equal(0);
  });

  it('is noticed by its own test when the framework does less', () => {
    const path = join(project.path, 'broken');
    cpSync(join(project.path, 'my-framework'), path, { recursive: true });
    const file = join(path, 'dist/my-framework.js');
    expect(readFileSync(file, 'utf8')).to.contain('offers.keep(3,');
    spawnSync('sed', ['-i', 's/offers.keep(3,/offers.keep(2,/', file]);
    const tested = run(path, 'mocha/bin/mocha.js', ['dist/my-framework.test.js']);
    expect(tested.output).to.contain('1 failing');
  });

  it('writes a tsconfig.json when asked to, with which the compiler needs no options', async () => {
    const path = join(project.path, 'for-editors');
    const { code, stderr } = await plateau(['init', path, '--tsconfig']);
    expect(stderr).to.contain('package.json, tsconfig.json to ');
    expect(code).to.equal(0);
    const compiled = run(path, 'typescript/bin/tsc', []);
    expect(compiled.output).to.equal('');
    const tested = run(path, 'mocha/bin/mocha.js', ['dist/for-editors.test.js']);
    expect(tested.output).to.contain('1 passing');
  });

  it('refuses a folder that holds something', async () => {
    const { code, stderr } = await plateau(['init', join(project.path, 'my-framework')]);
    expect(code).to.equal(2);
    expect(stderr).to.contain('is not empty: nothing was written');
  });

  function run(
    cwd: string,
    program: string,
    argv: readonly string[],
  ): { readonly code: number | null; readonly output: string } {
    const path = join(project.path, 'node_modules', program);
    const { status, stdout, stderr } = spawnSync(process.execPath, [path, ...argv], {
      cwd,
      encoding: 'utf8',
    });
    return { code: status, output: stdout + stderr };
  }

  /** The arguments of a script, without the program that it calls. */
  function wordsOf(script: string | undefined, program: string): readonly string[] {
    const [first, ...rest] = (script ?? '').trim().split(/\s+/);
    expect(first).to.equal(program);
    return rest;
  }
});
