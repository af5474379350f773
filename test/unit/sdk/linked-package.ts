/** A folder in which `plateau` is installed: this build, under the names that the package exports. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const BUILD = fileURLToPath(new URL('../../../', import.meta.url));
/** Packages that a framework's own project installs beside Plateau. */
const NEIGHBOURS = [
  'typescript',
  'mocha',
  'chai',
  '@types',
  'class-validator',
  'class-transformer',
];
const DOORS = {
  './core': './dist/core/index.js',
  './sdk': './dist/sdk/index.js',
  './sdk/testing': './dist/sdk/testing/index.js',
  './sdk/executor': './dist/sdk/executor/index.js',
};

export interface LinkedFolder {
  readonly path: string;
  readonly tsc: string;
  remove(): void;
}

/** Makes a temporary folder with `node_modules`. */
export function linkedFolder(): LinkedFolder {
  const path = mkdtempSync(join(tmpdir(), 'plateau-sdk-'));
  linkPackages(path);
  return {
    path,
    tsc: join(path, 'node_modules/typescript/bin/tsc'),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

function linkPackages(path: string): void {
  const modules = join(path, 'node_modules');
  mkdirSync(join(modules, 'plateau'), { recursive: true });
  const manifest = { name: 'plateau', version: '0.0.0', type: 'module', exports: DOORS };
  writeFileSync(join(modules, 'plateau/package.json'), JSON.stringify(manifest));
  symlinkSync(BUILD, join(modules, 'plateau/dist'));
  for (const name of NEIGHBOURS)
    symlinkSync(join(process.cwd(), 'node_modules', name), join(modules, name));
}
