/**
 * Folders of the work directory that belong to Docker containers: the id by which the agent knows its own
 * (agents may share an engine, and even the path of their work directories), credentials of registries, and
 * files with secrets that are about to be handed over. Nobody but the agent may look into them.
 */
import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const CLOSED_MODE = 0o700;
const SECRET_MODE = 0o600;

export class DockerFolder {
  readonly path: string;

  constructor(workDir: string) {
    this.path = join(workDir, 'docker');
  }

  /** Makes the folders, removes secrets of an earlier run, and returns the agent's id. */
  async open(): Promise<string> {
    await mkdir(this.path, { recursive: true, mode: CLOSED_MODE });
    await chmod(this.path, CLOSED_MODE);
    await rm(this.#secrets, { recursive: true, force: true });
    await mkdir(this.#secrets, { mode: CLOSED_MODE });
    const path = join(this.path, 'owner');
    const found = await readFile(path, 'utf8').catch(() => '');
    if (/^[\da-f-]{36}$/.test(found)) return found;
    const owner = randomUUID();
    await writeFile(`${path}.new`, owner, { mode: SECRET_MODE });
    await rename(`${path}.new`, path);
    return owner;
  }

  /** Writes the credentials of registries; returns the folder that a client takes them from. */
  async writeConfig(text: string): Promise<string> {
    const folder = join(this.path, 'config');
    await mkdir(folder, { recursive: true, mode: CLOSED_MODE });
    await writeFile(join(folder, 'config.json'), text, { mode: SECRET_MODE });
    return folder;
  }

  /** Writes secret variables to a file, one a line; returns its path. */
  async writeSecrets(
    name: string,
    secrets: readonly { readonly name: string; readonly value: string }[],
  ): Promise<string> {
    const path = this.#secretFile(name);
    const lines = secrets.map((secret) => `${secret.name}=${secret.value}\n`);
    await writeFile(path, lines.join(''), { mode: SECRET_MODE });
    return path;
  }

  /** Removes what `writeSecrets` has written, if it has. */
  async removeSecrets(name: string): Promise<void> {
    await rm(this.#secretFile(name), { force: true });
  }

  get #secrets(): string {
    return join(this.path, 'secrets');
  }

  #secretFile(name: string): string {
    return join(this.#secrets, `${name}.env`);
  }
}
