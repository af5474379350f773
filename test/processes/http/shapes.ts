/** What JSON is made of, and what one has that another lacks. */
import { isRecord } from '../../../core/base/index.js';

/** `s`, `n`, `b`; the members of an object; the one shape of all elements of a list, or none. */
export type Shape = string | readonly Shape[] | { readonly [name: string]: Shape };

/** The shape of a value. Elements of a list are taken together. */
export function shapeOf(value: unknown): Shape {
  if (Array.isArray(value)) {
    const elements = value.map(shapeOf);
    return elements.length === 0 ? [] : [elements.reduce(together)];
  }
  if (!isRecord(value)) return (typeof value).charAt(0);
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, shapeOf(one)]));
}

/** The shape of what has the members of both. */
function together(one: Shape, other: Shape): Shape {
  if (typeof one === 'string' || typeof other === 'string') return one;
  if (isList(one) || isList(other)) {
    const elements = [...(isList(one) ? one : []), ...(isList(other) ? other : [])];
    return elements.length === 0 ? [] : [elements.reduce(together)];
  }
  const all: Record<string, Shape> = { ...one };
  for (const [name, shape] of Object.entries(other)) {
    const known = all[name];
    all[name] = known === undefined ? shape : together(known, shape);
  }
  return all;
}

function isList(shape: Shape): shape is readonly Shape[] {
  return Array.isArray(shape);
}

/** The paths of what is wanted and not there, or of another type. */
export function lacking(wanted: Shape, found: Shape | undefined, path = ''): readonly string[] {
  if (found === undefined) return [path];
  if (typeof wanted === 'string' || typeof found === 'string') {
    return wanted === found ? [] : [`${path}: ${text(wanted)}, not ${text(found)}`];
  }
  if (isList(wanted)) {
    if (!isList(found)) return [`${path}: a list, not an object`];
    const [element] = wanted;
    return element === undefined ? [] : lacking(element, found[0], `${path}[]`);
  }
  if (isList(found)) return [`${path}: an object, not a list`];
  return Object.entries(wanted).flatMap(([name, shape]) => {
    if (name !== '*') return lacking(shape, found[name], path === '' ? name : `${path}.${name}`);
    const all = Object.values(found);
    const common = all.length === 0 ? undefined : all.reduce(together);
    return shape === null ? [] : lacking(shape, common, `${path}.*`);
  });
}

function text(shape: Shape): string {
  return typeof shape === 'string' ? shape : JSON.stringify(shape);
}
