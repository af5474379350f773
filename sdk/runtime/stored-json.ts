/** Values as they are stored. */
import { changedByJson } from '../decisions/index.js';

/**
 * A value as JSON that gives it back as it was.
 * @throws Error saying what stands in the way.
 */
export function storedJson(value: unknown): string {
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) throw new TypeError('it has no JSON form');
  const changed = changedByJson(value);
  if (changed === undefined) return text;
  throw new TypeError(`${changed} would be something else after a restart`);
}
