/**
 * A candidate for the lease in a folder. Arguments: folder, id, time to live in milliseconds. Tells
 * in lines of JSON when it acquires and loses the lease.
 */
import { SILENT_LOGGER, systemWorld } from '../../../core/base/index.js';
import { LmdbLease } from '../../../core/election/index.js';

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const [path = '', id = '', ttl = ''] = process.argv.slice(2);
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
const world = systemWorld(SILENT_LOGGER);
const lease = new LmdbLease({ world, path, ttlMs: Number(ttl), pollMs: 20 });
const candidacy = lease.contend({ id, info: '' });
say({ standing: id });
await candidacy.acquired;
say({ acquired: id });
say({ lost: await candidacy.lost });
