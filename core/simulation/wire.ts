/**
 * In which form messages travel between simulated nodes. `json`: as the text that the codec makes, as on
 * a real wire. `objects`: as the messages themselves, frozen, which saves most of the time; whoever
 * changes one is caught at once, by a TypeError.
 */
import { type Messages, decodeJson, encodeJson } from '../api/index.js';

export type WireForm = 'json' | 'objects';

/** What travels: a text, or an object that nobody changes any more. */
export type Parcel = string | object;

/** Packs messages for the way and unpacks them at its end. */
export interface Wire {
  pack<Name extends keyof Messages>(name: Name, message: Messages[Name]): Parcel;
  /** @throws PlateauError `INVALID_MESSAGE` for a text that is no message of this name. */
  unpack<Name extends keyof Messages>(name: Name, parcel: Parcel): Messages[Name];
}

const JSON_WIRE: Wire = {
  pack: (name, message) => encodeJson(name, message),
  unpack: (name, parcel) => unpack(name, parcel),
};

const OBJECT_WIRE: Wire = {
  pack: (_name, message) => frozen(message),
  unpack: (name, parcel) => unpack(name, parcel),
};

function unpack<Name extends keyof Messages>(name: Name, parcel: Parcel): Messages[Name] {
  if (typeof parcel === 'string') return decodeJson(name, parcel);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it was packed under this name
  return parcel as Messages[Name];
}

export function wireOf(form: WireForm): Wire {
  return form === 'json' ? JSON_WIRE : OBJECT_WIRE;
}

/** Freezes what is not frozen yet, to its leaves. */
function frozen<Value extends object>(value: Value): Value {
  if (Object.isFrozen(value)) return value;
  Object.freeze(value);
  if (Array.isArray(value)) {
    // Many times as fast as by its keys.
    for (const part of value) freezePart(part);
    return value;
  }
  for (const key in value) freezePart(value[key]);
  return value;
}

function freezePart(part: unknown): void {
  if (typeof part === 'object' && part !== null) frozen(part);
}
