import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { writeScaffold } from '../../../../sdk/hosting/index.js';

describe('writeScaffold', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'plateau-init-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('writes three files into a new folder, or an empty one', () => {
    for (const name of ['my-framework', 'empty']) {
      const path = join(folder, name);
      if (name === 'empty') mkdirSync(path);
      const scaffold = writeScaffold({ folder: path, version: '1.2.3' });
      expect(scaffold).to.deep.equal({
        path,
        name,
        files: [`${name}.ts`, `${name}.test.ts`, 'package.json'],
      });
      expect(readdirSync(path).toSorted()).to.deep.equal([...scaffold.files].toSorted());
    }
    const manifest = JSON.parse(
      readFileSync(join(folder, 'my-framework/package.json'), 'utf8'),
    ) as Record<string, unknown>;
    expect(manifest).to.deep.include({
      name: 'my-framework',
      type: 'module',
      dependencies: { plateau: '1.2.3' },
    });
    expect(readFileSync(join(folder, 'my-framework/my-framework.ts'), 'utf8')).to.contain(
      'class MyFramework',
    );
  });

  it('writes nothing into a folder that holds something', () => {
    mkdirSync(join(folder, 'full'));
    writeFileSync(join(folder, 'full/mine'), 'x');
    expect(() => writeScaffold({ folder: join(folder, 'full'), version: '1' })).to.throw(
      'is not empty: nothing was written',
    );
    expect(readdirSync(join(folder, 'full'))).to.deep.equal(['mine']);
  });

  it('says when the folder cannot be made', () => {
    writeFileSync(join(folder, 'mine'), 'x');
    for (const path of ['mine', 'mine/inside']) {
      expect(() => writeScaffold({ folder: join(folder, path), version: '1' }), path).to.throw(
        /the folder .*\/mine.* cannot be made: .*; name another one/,
      );
    }
  });

  it('gives classes names that nothing else in their file has', () => {
    for (const name of ['framework', 'offers', 'on-offers', 'object']) {
      const { path } = writeScaffold({ folder: join(folder, name), version: '1' });
      expect(readFileSync(join(path, `${name}.ts`), 'utf8')).to.match(/export class My[A-Z]/);
    }
  });

  it('refuses names that no package can have', () => {
    for (const name of ['My-Framework', '1st', 'a b', 'ä']) {
      expect(() => writeScaffold({ folder: join(folder, name), version: '1' }), name).to.throw(
        'cannot be the name of a framework',
      );
    }
    expect(readdirSync(folder)).to.deep.equal([]);
  });
});
