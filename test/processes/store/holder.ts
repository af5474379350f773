/**
 * A process of its own for the tests of this folder. Arguments: what to do, a folder. It tells each
 * step in a line of JSON, and ends when its standard input ends.
 */
import { PlateauError } from '../../../core/base/index.js';
import { LmdbStore, lockWorkDirectory } from '../../../core/store/index.js';

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function codeOf(error: unknown): string {
  return error instanceof PlateauError ? error.code : String(error);
}

async function takeDirectory(path: string): Promise<void> {
  try {
    await lockWorkDirectory(path, { program: 'agent', format: 1 });
    say({ took: true });
  } catch (error) {
    say({ took: false, code: codeOf(error), message: String(error) });
  }
}

/** Claims an epoch, then writes under it for as long as it may. */
async function lead(path: string): Promise<void> {
  const store = new LmdbStore(path);
  const epoch = await store.claimEpoch();
  say({ epoch });
  for (let count = 0; ; count++) {
    try {
      await store.transact({ epoch, puts: [{ key: `log/${epoch}`, value: String(count) }] });
    } catch (error) {
      say({ ended: codeOf(error) });
      return;
    }
  }
}

/** Tells each write once it is durable, until it is killed. */
async function write(path: string): Promise<void> {
  const store = new LmdbStore(path);
  for (let count = 0; ; count++) {
    const key = `w/${String(count).padStart(8, '0')}`;
    await store.transact({ puts: [{ key, value: 'x'.repeat(500) }] });
    say({ durable: key });
  }
}

/** Writes until the medium is full, and once more. */
async function fill(path: string): Promise<void> {
  const store = new LmdbStore(path);
  for (let count = 0; ; count++) {
    const key = `w/${String(count).padStart(8, '0')}`;
    try {
      await store.transact({ puts: [{ key, value: 'x'.repeat(500_000) }] });
    } catch (error) {
      const again = store.transact({ puts: [{ key: 'again', value: 'x'.repeat(500_000) }] });
      const next = await again.then(() => 'written', codeOf);
      say({
        written: count,
        code: codeOf(error),
        next,
        isText: /cannot be written/.test(String(error)),
      });
      return;
    }
  }
}

/** Adds to a counter by compare-and-set. */
async function count(path: string): Promise<void> {
  const store = new LmdbStore(path);
  for (let done = 0; done < 100;) {
    const entry = await store.get('counter');
    const value = String(Number(entry?.value ?? '0') + 1);
    const checks = [{ key: 'counter', version: entry?.version ?? 0 }];
    try {
      await store.transact({ checks, puts: [{ key: 'counter', value }] });
      done += 1;
    } catch (error) {
      if (codeOf(error) !== 'STORE_CONFLICT') throw error;
    }
  }
  say({ counted: 100 });
}

const actions: Readonly<Record<string, (path: string) => Promise<void>>> = {
  takeDirectory,
  lead,
  write,
  fill,
  count,
};

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
const [action = '', path = ''] = process.argv.slice(2);
await actions[action]?.(path);
