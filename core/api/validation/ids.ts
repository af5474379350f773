/** Syntax of the ids that clients choose, and of the 16 bytes of a UUID. */
import { at } from '../../base/index.js';
import type { ContainerID } from '../messages.js';

/** Longest id in bytes of UTF-8; ids become names of folders. */
export const MAX_ID_BYTES = 255;

/** Longest id of a container, in bytes. */
export const MAX_CONTAINER_ID_BYTES = 242;

const CONTROL = /\p{Cc}/u;
const SEPARATOR = /[/\\]/;
const LONE_SURROGATE = /\p{Cs}/u;

/**
 * Why a text cannot be the id of a task, executor, operation, framework or agent, or undefined.
 * `what` names the id in the reason.
 */
export function validateId(value: string, what = 'ID'): string | undefined {
  if (value === '') return `${what} must not be empty`;
  const bytes = Buffer.byteLength(value);
  if (bytes > MAX_ID_BYTES)
    return `${what} must not exceed ${MAX_ID_BYTES} bytes, and has ${bytes}`;
  if (value === '.' || value === '..') return `${what} must not be '${value}'`;
  if (CONTROL.test(value)) {
    return `${what} ${JSON.stringify(value)} must not contain control characters`;
  }
  if (SEPARATOR.test(value)) return `${what} '${value}' must not contain slashes or backslashes`;
  if (LONE_SURROGATE.test(value)) {
    return `${what} ${JSON.stringify(value)} must be well-formed Unicode`;
  }
  return undefined;
}

/** Why a container id, or one of its parents, is not valid, or undefined. */
export function validateContainerId(id: ContainerID): string | undefined {
  for (let part: ContainerID | undefined = id; part !== undefined; part = part.parent) {
    const reason = validateContainerPart(part.value);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

function validateContainerPart(value: string): string | undefined {
  const what = "'ContainerID.value'";
  if (value === '') return `${what} must not be empty`;
  if (Buffer.byteLength(value) > MAX_CONTAINER_ID_BYTES) {
    return `${what} must not exceed ${MAX_CONTAINER_ID_BYTES} bytes`;
  }
  const text = JSON.stringify(value);
  if (/[\s\p{Cc}]/u.test(value)) return `${what} ${text} must not contain blanks`;
  if (SEPARATOR.test(value)) return `${what} ${text} must not contain slashes or backslashes`;
  if (value.includes('.')) return `${what} ${text} must not contain a dot: it is reserved`;
  return undefined;
}

/** Whether base64 text holds a UUID: 16 bytes, version 1 to 5. The variant is not looked at. */
export function isUuidBytes(base64: string): boolean {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length !== 16) return false;
  const version = at(bytes, 6) >> 4;
  return version >= 1 && version <= 5;
}
