/**
 * A rolling digest of texts and objects: two 32-bit words with different multipliers (the steps of FNV-1a
 * and of murmur). Of long texts and large objects only a part is folded in, with their size: runs that
 * differ do so in many places, and each event of a long run has to be cheap.
 */

/** Of a longer text so many characters at each of its ends count. */
const MAX_END_CHARACTERS = 24;
/** Parts of one object that count at most, and how deep. */
const MAX_PARTS = 24;
const MAX_DEPTH = 6;

export class Digest {
  #high = 0x811c9dc5;
  #low = 0x1b873593;
  #partsLeft = 0;

  /** 16 hexadecimal digits that stand for all that was folded in. */
  toString(): string {
    return [this.#high, this.#low]
      .map((word) => (word >>> 0).toString(16).padStart(8, '0'))
      .join('');
  }

  text(text: string): void {
    const { length } = text;
    this.#word(length);
    if (length <= 2 * MAX_END_CHARACTERS) {
      this.#characters(text, 0, length);
    } else {
      this.#characters(text, 0, MAX_END_CHARACTERS);
      this.#characters(text, length - MAX_END_CHARACTERS, length);
    }
  }

  /** With fractions down to a thousandth. */
  number(value: number): void {
    this.#word(Math.floor(value));
    this.#word(Math.round((value % 1) * 1000));
  }

  /** Any value without cycles: its first parts in the order of its keys. */
  value(value: unknown): void {
    this.#partsLeft = MAX_PARTS;
    this.#part(value, 0);
  }

  #part(value: unknown, depth: number): void {
    this.#partsLeft -= 1;
    if (typeof value === 'string') this.text(value);
    else if (typeof value === 'number') this.number(value);
    else if (typeof value === 'bigint') this.#word(Number(BigInt.asIntN(32, value)));
    else if (typeof value === 'boolean') this.#word(value ? 1 : 2);
    else if (Array.isArray(value)) this.#list(value, depth);
    else if (typeof value === 'object' && value !== null) this.#record(value, depth);
  }

  #list(items: readonly unknown[], depth: number): void {
    this.#word(items.length);
    if (depth === MAX_DEPTH) return;
    for (const item of items) {
      if (this.#partsLeft <= 0) return;
      this.#part(item, depth + 1);
    }
  }

  #record(record: object, depth: number): void {
    if (depth === MAX_DEPTH) return;
    // Messages are plain: what they inherit is nothing. Making a list of the entries would cost more.
    for (const key in record) {
      if (this.#partsLeft <= 0) return;
      const value: unknown = Reflect.get(record, key);
      if (value === undefined) continue;
      this.#word(key.length);
      this.#part(value, depth + 1);
    }
  }

  #characters(text: string, from: number, to: number): void {
    let high = this.#high;
    let low = this.#low;
    for (let index = from; index < to; index++) {
      const code = text.charCodeAt(index);
      high = Math.imul(high ^ code, 0x01000193);
      low = Math.imul((low << 13) | (low >>> 19), 5) + (code ^ 0xe6546b64);
    }
    this.#high = high;
    this.#low = low | 0;
  }

  #word(word: number): void {
    this.#high = Math.imul(this.#high ^ word, 0x01000193);
    this.#low = (Math.imul((this.#low << 13) | (this.#low >>> 19), 5) + (word ^ 0xe6546b64)) | 0;
  }
}
