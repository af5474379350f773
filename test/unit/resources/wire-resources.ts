/** Short ways to write wire resources in tests. */
import type { Resource } from '../../../core/api/index.js';

/** A scalar, with any other fields. */
export function scalar(name: string, value: number, fields: Partial<Resource> = {}): Resource {
  return { name, type: 'SCALAR', scalar: { value }, ...fields };
}

/** Ports from pairs. */
export function ports(...pairs: readonly (readonly [number, number])[]): Resource {
  const range = pairs.map(([begin, end]) => ({ begin: BigInt(begin), end: BigInt(end) }));
  return { name: 'ports', type: 'RANGES', ranges: { range } };
}

/** A persistent volume that is reserved dynamically for `role`. */
export function volume(id: string, size: number, fields: Partial<Resource> = {}): Resource {
  return scalar('disk', size, {
    reservations: [{ type: 'DYNAMIC', role: 'role' }],
    disk: { persistence: { id }, volume: { mode: 'RW', container_path: 'data' } },
    ...fields,
  });
}

/** A static or dynamic reservation. */
export const STATIC_PROD = { reservations: [{ type: 'STATIC', role: 'prod' }] } as const;
export const REFINED = {
  reservations: [
    { type: 'STATIC', role: 'prod' },
    { type: 'DYNAMIC', role: 'prod/web', principal: 'ops' },
  ],
} as const;
