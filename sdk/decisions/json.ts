/** What is stored as JSON must come back from it as it was, or a restart alone would change it. */

const STRANGE = /^\[object (?!Object\]|Array\])(.*)\]$/;

/**
 * What in a value JSON cannot hold, or makes another thing of, such as a date or a map; undefined: nothing. Fields
 * that are undefined are left out, and objects of classes come back plain.
 * @throws RangeError when the value contains itself.
 */
export function changedByJson(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : String(value);
  if (typeof value === 'function' || typeof value === 'bigint') return `a ${typeof value}`;
  if (typeof value !== 'object' || value === null) return undefined;
  if (!isPlain(value)) {
    const strange = STRANGE.exec(Object.prototype.toString.call(value))?.[1];
    if (strange !== undefined) return `a ${strange}`;
  }
  for (const part of Object.values(value)) {
    const changed = changedByJson(part);
    if (changed !== undefined) return changed;
  }
  return undefined;
}

/** Most are: this spares them the search of a text. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === Array.prototype;
}
