/**
 * The npm package of this build, packed by npm, and the installing of it. Packages that it depends on
 * are linked from the repository's own `node_modules`, because the registry takes half a minute: those
 * that a user would get, and no others. With PLATEAU_TEST_REGISTRY set, npm installs everything.
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { repositoryFile } from '../../../checks/reference.js';

const BUILD = fileURLToPath(new URL('../../../../', import.meta.url));

/** Whether npm itself installs, from its registry. */
export const USES_REGISTRY = process.env['PLATEAU_TEST_REGISTRY'] !== undefined;

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly bin?: string | Readonly<Record<string, string>>;
}

interface Lockfile {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>;
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** An empty folder with the packed package as a file in it, as somebody has it who begins. */
export class PackedFolder {
  readonly path: string;
  /** Name of the package's file. */
  readonly archive: string;

  constructor() {
    this.path = mkdtempSync(join(tmpdir(), 'plateau-packed-'));
    const stage = mkdtempSync(join(tmpdir(), 'plateau-stage-'));
    try {
      for (const file of ['package.json', 'README.md', 'LICENSE']) {
        cpSync(repositoryFile(file), join(stage, file));
      }
      cpSync(BUILD, join(stage, 'dist'), {
        recursive: true,
        filter: (from) => from !== join(BUILD, 'test'),
      });
      const argv = ['pack', '--ignore-scripts', `--pack-destination=${this.path}`];
      execFileSync('npm', argv, { cwd: stage, stdio: 'pipe' });
      const { name, version } = readJson(join(stage, 'package.json')) as Manifest;
      this.archive = `${name}-${version}.tgz`;
    } finally {
      rmSync(stage, { recursive: true, force: true });
    }
  }

  /** What `npm install WORDS` does, from what the repository has installed. */
  install(words: readonly string[]): void {
    for (const word of words.filter((one) => !one.startsWith('-'))) {
      if (basename(word) === this.archive) this.#installArchive();
      else this.#link(word);
    }
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  #installArchive(): void {
    const target = join(this.path, 'node_modules/plateau');
    mkdirSync(target, { recursive: true });
    const argv = ['-xzf', join(this.path, this.archive), '--strip-components=1', '-C', target];
    execFileSync('tar', argv);
    this.#linkCommands(target);
    const { packages } = readJson(repositoryFile('package-lock.json')) as Lockfile;
    for (const [path, { dev }] of Object.entries(packages)) {
      const [, name] = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path) ?? [];
      if (name !== undefined && dev !== true) this.#link(name);
    }
  }

  /** Makes an installed package of the repository one of this folder. Optional ones may be absent. */
  #link(name: string): void {
    const source = repositoryFile(`node_modules/${name}`);
    const target = join(this.path, 'node_modules', name);
    if (!existsSync(source) || existsSync(target)) return;
    mkdirSync(dirname(target), { recursive: true });
    symlinkSync(source, target);
    this.#linkCommands(target);
  }

  #linkCommands(folder: string): void {
    const { name, bin = {} } = readJson(join(folder, 'package.json')) as Manifest;
    const commands = typeof bin === 'string' ? { [basename(name)]: bin } : bin;
    mkdirSync(join(this.path, 'node_modules/.bin'), { recursive: true });
    for (const [command, file] of Object.entries(commands)) {
      const path = join(this.path, 'node_modules/.bin', command);
      if (existsSync(path)) continue;
      symlinkSync(join(folder, file), path);
      if (basename(folder) === 'plateau') chmodSync(path, 0o755);
    }
  }
}
