/**
 * Where a reader of a message is, and what it found to be missing, for errors that name the field.
 * One trail serves one message; the readers of JSON and of protobuf share it, so that both refuse in
 * the same words.
 */
import { PlateauError } from '../base/index.js';

/** How many missing fields an error lists. */
const MAX_MISSING_LISTED = 20;

/** Longest field path in an error. */
const MAX_PATH_CHARS = 300;

/** The path to what is being read, and which required fields were missed so far. */
export class Trail {
  readonly #steps: (string | number)[] = [];
  readonly #missing: string[] = [];
  #missingCount = 0;

  /** Enters a field, or an element of a list. */
  push(step: string | number): void {
    this.#steps.push(step);
  }

  /** Leaves what was entered last. */
  pop(): void {
    this.#steps.pop();
  }

  /** Notes that the message that is being read lacks a required field. */
  miss(field: string): void {
    if (this.#missingCount++ >= MAX_MISSING_LISTED) return;
    this.push(field);
    this.#missing.push(this.#path());
    this.pop();
  }

  /** @throws PlateauError `INVALID_MESSAGE` with the reason, naming where the reader is. */
  refuse(reason: string, cause?: unknown): never {
    const field = this.#path();
    throw new PlateauError(
      'INVALID_MESSAGE',
      field === '' ? `the body is not a message: ${reason}` : `field '${field}': ${reason}`,
      { context: { field }, cause },
    );
  }

  /** @throws PlateauError `INVALID_MESSAGE` when required fields were missed, listing them. */
  refuseMissing(name: string): void {
    const first = this.#missing[0];
    if (first === undefined) return;
    const more = this.#missingCount - this.#missing.length;
    const list = this.#missing.join(', ') + (more > 0 ? ` and ${more} more` : '');
    throw new PlateauError('INVALID_MESSAGE', `${name} lacks required fields: ${list}`, {
      context: { field: first },
    });
  }

  #path(): string {
    let path = '';
    for (const step of this.#steps) {
      if (typeof step === 'number') path += `[${step}]`;
      else path += path === '' ? step : `.${step}`;
    }
    return path.length > MAX_PATH_CHARS ? `${path.slice(0, MAX_PATH_CHARS)}…` : path;
  }
}
