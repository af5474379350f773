/** The pages `/files/*` of master and agent, and the answers of LIST_FILES and READ_FILE. */
import { pipeline } from 'node:stream/promises';
import type { FileInfo } from '../api/index.js';
import { answerJson, answerText } from './answers.js';
import { type FileEntry, type FileRefusal, type VirtualFiles, modeText } from './files.js';
import type { Exchange, RouteTable } from './routes.js';

/** Adds `/files/browse`, `read`, `download` and `debug`, also under their `.json` names. */
export function addFileRoutes(routes: RouteTable, files: VirtualFiles): void {
  routes.page(['/files/browse', '/files/browse.json'], (exchange) => browse(exchange, files));
  routes.page(['/files/read', '/files/read.json'], (exchange) => read(exchange, files));
  routes.page(['/files/download', '/files/download.json'], (exchange) => download(exchange, files));
  routes.page(['/files/debug', '/files/debug.json'], (exchange) =>
    answerJson(exchange, JSON.stringify(Object.fromEntries(files.attached()))),
  );
}

async function browse(exchange: Exchange, files: VirtualFiles): Promise<void> {
  const path = pathOf(exchange);
  if (path === undefined) return;
  const outcome = await files.browse(path);
  if (outcome.kind === 'refused') answerRefusal(exchange, outcome);
  else await answerJson(exchange, JSON.stringify(outcome.entries.map(legacyEntry)));
}

async function read(exchange: Exchange, files: VirtualFiles): Promise<void> {
  const path = pathOf(exchange);
  if (path === undefined) return;
  const offset = numberOf(exchange, 'offset');
  const length = numberOf(exchange, 'length');
  if (offset === 'bad' || length === 'bad' || (offset ?? 0) < -1 || (length ?? 0) < -1) {
    answerText(exchange, 400, "'offset' and 'length' must be whole numbers from 0 (-1: unset).");
    return;
  }
  const outcome = await files.read(path, offset ?? -1, length);
  if (outcome.kind === 'refused') {
    answerRefusal(exchange, outcome);
    return;
  }
  // Bytes that are no text become replacement characters, as JSON has no other place for them.
  const data = outcome.data.toString('utf8');
  await answerJson(exchange, JSON.stringify({ data, offset: outcome.offset }));
}

async function download(exchange: Exchange, files: VirtualFiles): Promise<void> {
  const path = pathOf(exchange);
  if (path === undefined) return;
  const outcome = await files.open(path);
  if (outcome.kind === 'refused') {
    answerRefusal(exchange, outcome);
    return;
  }
  const { handle, size, name } = outcome;
  exchange.response.writeHead(200, {
    'Content-Type': 'application/octet-stream',
    'Content-Length': size,
    'Content-Disposition': `attachment; filename=${quote(name)}`,
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': "default-src 'none'; sandbox",
  });
  if (exchange.request.method === 'HEAD' || size === 0) {
    await handle.close();
    exchange.response.end();
    return;
  }
  // No further than the size at the start: the file may still grow, the length is told already.
  await pipeline(handle.createReadStream({ start: 0, end: size - 1 }), exchange.response);
}

/** The file infos of LIST_FILES. */
export function fileInfos(entries: readonly FileEntry[]): readonly FileInfo[] {
  return entries.map((entry) => ({
    path: entry.path,
    nlink: entry.nlink,
    size: BigInt(entry.size),
    mtime: { nanoseconds: BigInt(entry.mtime) * 1_000_000_000n },
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
  }));
}

/** Answers why a path cannot be served. */
export function answerRefusal(exchange: Exchange, refusal: FileRefusal): void {
  answerText(exchange, refusal.status, `${refusal.message}.`);
}

function legacyEntry(entry: FileEntry): object {
  const { gid, mode, mtime, nlink, path, size, uid } = entry;
  return { gid, mode: modeText(mode), mtime, nlink, path, size, uid };
}

function pathOf(exchange: Exchange): string | undefined {
  const path = exchange.query.get('path');
  if (path !== null && path !== '') return path;
  answerText(exchange, 400, "Expecting the query parameter 'path'.");
  return undefined;
}

function numberOf(exchange: Exchange, name: string): number | undefined | 'bad' {
  const text = exchange.query.get(name);
  if (text === null || text === '') return undefined;
  const value = /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : 'bad';
}

/** A file name as a quoted string that cannot break out of its header. */
function quote(name: string): string {
  return `"${name.replaceAll(/[^\x20-\x7e]|["\\]/g, '_')}"`;
}
