/**
 * Finds apps by service port and by group without looking at all of them. What it finds is checked against
 * what is stored, so it may remember too much; it never lacks an app that is there.
 */
import type { Repository } from '../../../sdk/index.js';
import { type App, portsOf } from '../apps/app.js';
import type { AppRecord } from './app-record.js';

export class AppIndex {
  readonly #apps: () => Repository<AppRecord>;
  readonly #byPort = new Map<number, Set<App>>();
  /** Apps by each group above them. */
  readonly #byGroup = new Map<string, Set<App>>();
  #isBuilt = false;
  /** Where to look first for a service port that is free; below it there may be some, which come up later. */
  firstPort = 0;

  /** @param apps the apps now: the runtime replaces the repository when it begins. */
  constructor(apps: () => Repository<AppRecord>) {
    this.#apps = apps;
  }

  /** An app is about to be stored. */
  note(app: App): void {
    if (!this.#isBuilt) return;
    for (const { service } of portsOf(app)) if (service > 0) add(this.#byPort, service, app);
    for (const group of groupsOf(app.id)) add(this.#byGroup, group, app);
  }

  /** Forgets what it remembers too much. */
  refresh(): void {
    this.#byPort.clear();
    this.#byGroup.clear();
    this.#isBuilt = false;
    this.firstPort = 0;
  }

  /** Whether another app than this one has the service port. */
  hasPort(port: number, exceptId: string): boolean {
    this.#build();
    for (const app of this.#byPort.get(port) ?? []) {
      if (app.id !== exceptId && this.#isThere(app)) return true;
    }
    return false;
  }

  /** An app that is a group above the id, or lies in the group of the id; undefined: there is none. */
  clashOf(id: string): App | undefined {
    this.#build();
    for (const group of groupsOf(id)) {
      const above = this.#apps().get(group);
      if (above !== undefined && above.removedBy === undefined) return above.app;
    }
    for (const below of this.#byGroup.get(id) ?? []) if (this.#isThere(below)) return below;
    return undefined;
  }

  #isThere(app: App): boolean {
    const record = this.#apps().get(app.id);
    return record?.app === app && record.removedBy === undefined;
  }

  #build(): void {
    if (this.#isBuilt) return;
    this.#isBuilt = true;
    for (const { app } of this.#apps().values()) this.note(app);
  }
}

function add<Key>(map: Map<Key, Set<App>>, key: Key, app: App): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, new Set([app]));
  else known.add(app);
}

/** The groups above an id: `/shop/eu/web` lies in `/shop/eu` and `/shop`. */
export function groupsOf(id: string): readonly string[] {
  const parts = id.split('/').slice(1, -1);
  return parts.map((_part, index) => `/${parts.slice(0, index + 1).join('/')}`);
}
