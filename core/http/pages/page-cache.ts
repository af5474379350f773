/**
 * Makes pages once for all who ask: while nothing changes everybody gets the page that is there; those
 * who ask while an older version is being made wait together for the next. One page is made at a
 * time, so that any number of different questions takes no more of the event loop than one.
 */
import { createHash } from 'node:crypto';
import {
  type Clock,
  type Disposable,
  type Logger,
  errorMessage,
  toDisposable,
} from '../../base/index.js';
import { Page } from './page.js';
import { PartPool } from './part-pool.js';
import { Turns } from './turns.js';
import { type TextPieces, writeText } from './write-text.js';

/** Pages that are kept for those who ask again; the one asked for longest ago is forgotten first. */
export const MAX_CACHED_PAGES = 32;
/** Bytes of all pages that are kept for those who ask again; as much is kept to make the next ones. */
export const MAX_CACHED_PAGE_BYTES = 256 * 1024 * 1024;
/** Milliseconds for which a page is kept that nobody asks for. */
export const PAGE_KEEP_MS = 60_000;
/**
 * Bytes of outdated pages that slow readers may hold on to: beyond, those of the oldest one are
 * cut off.
 */
export const MAX_OUTDATED_PAGE_BYTES = 256 * 1024 * 1024;

/** 132 bits of a digest tell pages apart. */
const DIGEST_CHARACTERS = 22;

export interface PageCacheOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly maxCachedBytes?: number | undefined;
  readonly maxOutdatedBytes?: number | undefined;
}

/** A page, and how it is made. */
export interface PageSource {
  /** The same for the same question. */
  readonly key: string;
  /**
   * The version of what the page shows, now. Undefined: not known, so that it is made for each who asks,
   * and is the same page as before if it has the same bytes.
   */
  readonly version: () => number | undefined;
  /** Takes a snapshot at once; its text may be made later. */
  readonly pieces: () => TextPieces;
}

/** A page of which it is known whether it has changed. */
export interface VersionedSource extends PageSource {
  readonly version: () => number;
}

interface Entry {
  page: Page | undefined;
  /** The next version, which waits for its turn. */
  next: Promise<Page> | undefined;
  /** Those who wait for it. */
  waiting: number;
  usedMs: number;
}

export class PageCache {
  /** Pages are made, and should be sent, in these. */
  readonly turns = new Turns();
  readonly #options: PageCacheOptions;
  /** The one asked for longest ago first. */
  readonly #entries = new Map<string, Entry>();
  /** Pages that are kept no more and still being sent, the oldest first. */
  readonly #outdated = new Set<Page>();
  readonly #pool: PartPool;
  #lastTurn: Promise<unknown> = Promise.resolve();
  #sweep: Disposable = toDisposable(() => undefined);
  #isSweeping = false;
  #hits = 0;

  constructor(options: PageCacheOptions) {
    this.#options = options;
    this.#pool = new PartPool(options.maxCachedBytes ?? MAX_CACHED_PAGE_BYTES);
  }

  /** Questions that were answered from what was there, or on its way for somebody else. */
  get hits(): number {
    return this.#hits;
  }

  /** Bytes that are kept for those who ask again. */
  get cachedBytes(): number {
    let bytes = 0;
    for (const { page } of this.#entries.values()) bytes += page?.bytes ?? 0;
    return bytes;
  }

  /**
   * Gives `use` the page as of now or later; its text may still be on its way. When what `use` returned
   * has settled it must have no part of the page any more.
   * @throws what `pieces` throws before its first piece, and what `use` throws.
   */
  async use(source: PageSource, use: (page: Page) => Promise<void>): Promise<void> {
    const page = await this.#get(source);
    try {
      await use(page);
    } finally {
      page.release();
    }
  }

  /**
   * The page as it is now, exactly: what happens after this returns does not show. Its text may be on its
   * way for long. The caller must release it.
   */
  snapshot(source: VersionedSource): Page {
    const entry = this.#entryOf(source.key);
    const tag = String(source.version());
    if (entry.page?.tag === tag) {
      entry.page.retain();
      return entry.page;
    }
    const page = new Page(tag, (unused) => this.#unused(unused));
    const pieces = source.pieces();
    page.retain(2);
    this.#replace(entry, page);
    this.#lastTurn = this.#lastTurn.then(() => this.#write(entry, page, pieces));
    return page;
  }

  /** Forgets everything that nobody is reading. */
  dispose(): void {
    this.#sweep.dispose();
    this.#entries.clear();
    this.#outdated.clear();
    this.#pool.clear();
  }

  /** The page, retained for the caller. */
  async #get(source: PageSource): Promise<Page> {
    const entry = this.#entryOf(source.key);
    const version = source.version();
    if (version !== undefined && entry.page?.tag === String(version)) {
      this.#hits++;
      entry.page.retain();
      return entry.page;
    }
    if (entry.next === undefined) {
      const isKnown = version !== undefined;
      entry.next = isKnown ? this.#inTurn(entry, source) : this.#wholeInTurn(entry, source);
    } else this.#hits++;
    entry.waiting++;
    return await entry.next;
  }

  #entryOf(key: string): Entry {
    const usedMs = this.#options.clock.elapsed();
    const entry = this.#entries.get(key) ?? {
      page: undefined,
      next: undefined,
      waiting: 0,
      usedMs,
    };
    entry.usedMs = usedMs;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }

  /** Resolves when the page has begun; the next turn comes when it is complete. */
  #inTurn(entry: Entry, source: PageSource): Promise<Page> {
    const begun = this.#lastTurn.then(() => this.#begin(entry, source));
    this.#lastTurn = begun.then(
      async ({ page, pieces }) => await this.#write(entry, page, pieces),
      () => undefined,
    );
    return begun.then(({ page }) => page);
  }

  #begin(entry: Entry, source: PageSource): { page: Page; pieces: TextPieces } {
    const users = takeWaiting(entry);
    const page = new Page(String(source.version()), (unused) => this.#unused(unused));
    const pieces = source.pieces();
    // One more, until it is written.
    page.retain(users + 1);
    this.#replace(entry, page);
    return { page, pieces };
  }

  /** Resolves when the page is complete: only then is it known whether it is another one. */
  #wholeInTurn(entry: Entry, source: PageSource): Promise<Page> {
    const made = this.#lastTurn.then(() => this.#makeWhole(entry, source));
    this.#lastTurn = made.catch(() => undefined);
    return made;
  }

  async #makeWhole(entry: Entry, source: PageSource): Promise<Page> {
    const users = takeWaiting(entry);
    const page = new Page('', (unused) => this.#unused(unused));
    // Not kept until it is known to be another one.
    this.#outdated.add(page);
    page.retain(users + 1);
    try {
      const target = { body: page.plain, pool: this.#pool, turns: this.turns };
      await writeText(source.pieces(), target);
      page.tag = await this.#digestOf(page);
    } catch (error) {
      page.release(users + 1);
      throw error;
    }
    const former = entry.page;
    if (former?.tag === page.tag) {
      former.retain(users);
      page.release(users + 1);
      return former;
    }
    this.#outdated.delete(page);
    this.#replace(entry, page);
    page.release();
    this.#forgetExcess();
    return page;
  }

  async #digestOf({ plain }: Page): Promise<string> {
    const hash = createHash('sha256');
    // oxlint-disable-next-line no-await-in-loop -- one part after the other
    for await (const part of plain.read()) await this.turns.run(() => hash.update(part));
    return hash.digest('base64url').slice(0, DIGEST_CHARACTERS);
  }

  async #write(entry: Entry, page: Page, pieces: TextPieces): Promise<void> {
    try {
      await writeText(pieces, { body: page.plain, pool: this.#pool, turns: this.turns });
    } catch (error) {
      // Those who read it are told by its body; whoever asks next gets another.
      this.#options.log.error('a page could not be made', { error: errorMessage(error) });
      if (entry.page === page) entry.page = undefined;
      this.#outdated.add(page);
    } finally {
      page.release();
    }
    this.#forgetExcess();
  }

  #replace(entry: Entry, page: Page): void {
    const former = entry.page;
    entry.page = page;
    if (former !== undefined) this.#drop(former);
    this.#cutExcess();
    this.#sweepLater();
  }

  /** The page is kept no more. */
  #drop(page: Page): void {
    this.#outdated.add(page);
    if (!page.isUsed) this.#unused(page);
  }

  /** Nobody reads it: when it is not kept either, its memory is used for others. */
  #unused(page: Page): void {
    if (this.#outdated.delete(page)) this.#pool.give(page.plain.borrowed.splice(0));
  }

  /** Old pages are kept for slow readers only as far as there is room for them. */
  #cutExcess(): void {
    const bound = this.#options.maxOutdatedBytes ?? MAX_OUTDATED_PAGE_BYTES;
    let bytes = 0;
    for (const page of this.#outdated) bytes += page.bytes;
    for (const page of this.#outdated) {
      if (bytes <= bound) return;
      bytes -= page.bytes;
      if (!page.plain.isComplete) continue;
      this.#options.log.warn('readers of an outdated page are too slow and were cut off', {
        bytes: page.bytes,
        bound,
      });
      this.#outdated.delete(page);
      page.cutOff();
    }
  }

  #forgetExcess(): void {
    const bound = this.#options.maxCachedBytes ?? MAX_CACHED_PAGE_BYTES;
    let bytes = this.cachedBytes;
    for (const [key, entry] of this.#entries) {
      if (bytes <= bound && this.#entries.size <= MAX_CACHED_PAGES) return;
      bytes -= entry.page?.bytes ?? 0;
      this.#forget(key, entry);
    }
  }

  #forget(key: string, entry: Entry): void {
    const { page, next } = entry;
    if (next !== undefined || page?.plain.isComplete === false) return;
    this.#entries.delete(key);
    // Whoever still makes the next version must not take it for one that is there.
    entry.page = undefined;
    if (page !== undefined) this.#drop(page);
  }

  #sweepLater(): void {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    this.#sweep = this.#options.clock.setTimer(PAGE_KEEP_MS, () => {
      this.#isSweeping = false;
      const { clock } = this.#options;
      for (const [key, entry] of this.#entries) {
        if (clock.elapsed() - entry.usedMs >= PAGE_KEEP_MS) this.#forget(key, entry);
      }
      this.#pool.clear();
      if (this.#entries.size > 0) this.#sweepLater();
    });
  }
}

/** Those who wait for the next version get the one that is begun now; returns how many they are. */
function takeWaiting(entry: Entry): number {
  const { waiting } = entry;
  entry.next = undefined;
  entry.waiting = 0;
  return waiting;
}
