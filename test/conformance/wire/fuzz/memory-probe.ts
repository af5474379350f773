/**
 * Loaded into a server under test with `--expose-gc --import`: answers on a socket beside the work folder
 * with the bytes that the process holds after a full collection. The launcher does not have the flag.
 */
import { createServer } from 'node:net';

const workDir = process.argv.find((one) => one.startsWith('--work_dir='));
const { gc } = globalThis;

if (workDir !== undefined && gc !== undefined) {
  createServer((socket) => {
    gc();
    const { heapUsed, external, rss } = process.memoryUsage();
    socket.end(JSON.stringify({ held: heapUsed + external, rss }));
  })
    .listen(`${workDir.slice('--work_dir='.length)}.memory`)
    .unref();
}
