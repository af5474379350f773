/**
 * The three files of a new framework: the class, its test, and the package; and, for editors, the options of
 * the compiler. Templates are whole files that a test compiles and runs.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { PlateauError, errorMessage } from '../../core/base/index.js';

export interface ScaffoldOptions {
  /** Folder to make; its last part is the name of the framework. */
  readonly folder: string;
  /** Version of Plateau that the package asks for. */
  readonly version: string;
  /** Write a `tsconfig.json` as well. Default: the options are in the scripts alone. */
  readonly hasTsconfig?: boolean;
}

export interface Scaffold {
  /** Absolute path of the folder. */
  readonly path: string;
  readonly name: string;
  /** Names of the files that were written. */
  readonly files: readonly string[];
}

/**
 * Writes the files of a new framework.
 * @throws PlateauError `INVALID_FLAG` when the folder holds something or cannot be made, or its name is no name of a
 *   package.
 */
export function writeScaffold(options: ScaffoldOptions): Scaffold {
  const { folder, version, hasTsconfig = false } = options;
  const path = resolve(folder);
  const name = basename(path);
  if (!/^[a-z][a-z0-9-]*$/.test(name) || name.length > 100) {
    throw flagError(
      `'${name}' cannot be the name of a framework: use small letters, digits and '-', such as my-framework`,
    );
  }
  if (entriesOf(path).length > 0) {
    throw flagError(`the folder ${path} is not empty: nothing was written; name a new folder`);
  }
  const texts = {
    ...filesOf(name, version),
    ...(hasTsconfig && { 'tsconfig.json': `${JSON.stringify(TSCONFIG, undefined, 2)}\n` }),
  };
  for (const [file, text] of Object.entries(texts)) {
    // Whatever came into being since is kept.
    writeFileSync(join(path, file), text, { flag: 'wx' });
  }
  return { path, name, files: Object.keys(texts) };
}

/** What is in the folder; it is made if need be. */
function entriesOf(path: string): readonly string[] {
  try {
    mkdirSync(path, { recursive: true });
    return readdirSync(path);
  } catch (error) {
    throw flagError(`the folder ${path} cannot be made: ${errorMessage(error)}; name another one`);
  }
}

function filesOf(name: string, version: string): Readonly<Record<string, string>> {
  return {
    [`${name}.ts`]: frameworkText(name),
    [`${name}.test.ts`]: testText(name),
    'package.json': packageText(name, version),
  };
}

/** Names that the file of the framework uses itself. */
const IMPORTED: ReadonlySet<string> = new Set(['Framework', 'Offers', 'OnOffers']);

function classNameOf(name: string): string {
  const className = name
    .split('-')
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('');
  // What the language has, such as Object, is needed by the code that the compiler writes.
  return IMPORTED.has(className) || className in globalThis ? `My${className}` : className;
}

function frameworkText(name: string): string {
  return `import { Framework, type Offers, OnOffers, task } from 'plateau/sdk';

/** Keeps three tasks running, wherever there is room. */
@Framework({ name: '${name}' })
export class ${classNameOf(name)} {
  @OnOffers() place(offers: Offers) {
    return offers.keep(3, task({ name: 'hello', cpus: 0.1, memMiB: 32, command: 'sleep 1000' }));
  }
}
`;
}

function testText(name: string): string {
  const className = classNameOf(name);
  return `import { simulate } from 'plateau/sdk/testing';
import { ${className} } from './${name}.js';

describe('${className}', () => {
  it('keeps three tasks running when a host goes down', async () => {
    const cluster = simulate({ agents: 3, seed: 1 });
    const framework = cluster.run(${className});
    await cluster.advance('10s');
    framework.expect.running(3);

    cluster.reboot('agent-0');
    await cluster.advance('2m');
    framework.expect.running(3);
  });
});
`;
}

/** What the scripts tell the compiler, in the form in which editors look for it. */
const TSCONFIG = {
  compilerOptions: {
    target: 'es2022',
    module: 'nodenext',
    outDir: 'dist',
    strict: true,
    skipLibCheck: true,
    experimentalDecorators: true,
    types: ['node', 'mocha'],
  },
  include: ['*.ts'],
};

/** What the compiler has to know is in the scripts. */
function packageText(name: string, version: string): string {
  const compile =
    'tsc --ignoreConfig --strict --target es2022 --module nodenext --skipLibCheck --experimentalDecorators ' +
    `--types node,mocha --outDir dist ${name}.ts ${name}.test.ts`;
  const manifest = {
    name,
    version: '0.1.0',
    private: true,
    type: 'module',
    scripts: {
      build: compile,
      test: `npm run build && mocha dist/${name}.test.js`,
      start: `npm run build && plateau framework run dist/${name}.js`,
    },
    dependencies: { plateau: version },
    devDependencies: {
      '@types/mocha': '^10.0.10',
      '@types/node': '^20.19.43',
      mocha: '^12.0.3',
      typescript: '^7.0.2',
    },
  };
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

function flagError(problem: string): PlateauError {
  return new PlateauError('INVALID_FLAG', problem);
}
