/**
 * Users of this host by name: from `/etc/passwd`, then from whatever else the system asks (LDAP and
 * the like) through `getent`. A task runs as another user only where the agent is root.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { promisify } from 'node:util';
import { LaunchError } from './launch-error.js';

/** Whom to run as. */
export interface UserIds {
  readonly uid: number;
  readonly gid: number;
}

/** How long an answer is believed, and how many are kept. */
const CACHE_MS = 30_000;
const MAX_CACHED_USERS = 1_000;
const GETENT_TIMEOUT_MS = 10_000;

const run = promisify(execFile);

export class Users {
  readonly #cached = new Map<string, { readonly ids: UserIds; readonly untilMs: number }>();

  /**
   * Finds out whom to switch to; undefined when it is whom the agent runs as.
   * @throws LaunchError of stage `user` when the user is unknown or cannot be switched to.
   */
  async resolve(name: string | undefined): Promise<UserIds | undefined> {
    if (name === undefined || name === '') return undefined;
    const own = ownUser();
    if (name === own.username) return undefined;
    const ids = await this.#find(name);
    if (ids === undefined) {
      const message = `user '${name}' does not exist on this agent: create it, or name another user`;
      throw new LaunchError('user', message);
    }
    if (ids.uid === own.uid) return undefined;
    if (own.uid !== 0) {
      const message = `cannot run as user '${name}': the agent runs as '${own.username}', and only root may switch; run the agent as root, or with --no-switch-user`;
      throw new LaunchError('user', message);
    }
    return ids;
  }

  async #find(name: string): Promise<UserIds | undefined> {
    const cached = this.#cached.get(name);
    if (cached !== undefined && cached.untilMs > performance.now()) return cached.ids;
    const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
    const ids = findIn(passwd, name) ?? (await askSystem(name));
    if (ids === undefined) return undefined;
    if (this.#cached.size >= MAX_CACHED_USERS) this.#cached.clear();
    this.#cached.set(name, { ids, untilMs: performance.now() + CACHE_MS });
    return ids;
  }
}

/** Whom the agent runs as. In some containers that is a number without a name. */
function ownUser(): { readonly uid: number; readonly username: string } {
  try {
    return userInfo();
  } catch {
    const uid = process.getuid?.() ?? -1;
    return { uid, username: String(uid) };
  }
}

async function askSystem(name: string): Promise<UserIds | undefined> {
  // A number would be looked up as a user id, and a dash be read as an option.
  if (/^(?:\d+$|-)/.test(name)) return undefined;
  const answer = await run('getent', ['passwd', name], { timeout: GETENT_TIMEOUT_MS }).catch(
    () => undefined,
  );
  return answer === undefined ? undefined : findIn(answer.stdout, name);
}

function findIn(passwd: string, name: string): UserIds | undefined {
  for (const line of passwd.split('\n')) {
    const [user, , uid, gid] = line.split(':');
    if (user !== name || uid === undefined || gid === undefined) continue;
    if (/^\d+$/.test(uid) && /^\d+$/.test(gid)) return { uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}
