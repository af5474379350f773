/** A stream of records that a server sends, decoded into an inbox. */
import { Inbox } from './inbox.js';
import type { OpenAnswer } from './http.js';
import { RecordReader } from './records.js';

export interface RecordStreamOptions {
  readonly decode: (record: Buffer) => unknown;
  readonly describe: (item: unknown) => string;
  /** Told each item after it is in the inbox. */
  readonly onItem?: (item: unknown) => void;
}

export class RecordStream {
  readonly status: number;
  readonly headers: OpenAnswer['headers'];
  readonly inbox: Inbox;
  readonly #reader = new RecordReader();
  readonly #close: () => void;
  #text = '';

  constructor(answer: OpenAnswer, options: RecordStreamOptions) {
    this.status = answer.status;
    this.headers = answer.headers;
    this.inbox = new Inbox(options.describe);
    this.#close = answer.close;
    answer.response.on('data', (bytes: Buffer) => this.#receive(bytes, options));
    for (const event of ['end', 'close', 'error']) {
      answer.response.on(event, () => this.inbox.end());
    }
  }

  /** The body of an answer that is no stream, as far as it has come. */
  get text(): string {
    return this.#text;
  }

  /** Whether no record is cut off. */
  get isBetweenRecords(): boolean {
    return this.#reader.isBetweenRecords;
  }

  close(): void {
    this.#close();
  }

  #receive(bytes: Buffer, { decode, onItem }: RecordStreamOptions): void {
    if (this.status !== 200) {
      this.#text += bytes.toString('utf8');
      return;
    }
    try {
      for (const record of this.#reader.push(bytes)) {
        const item = decode(record);
        this.inbox.add(item);
        onItem?.(item);
      }
    } catch (error) {
      this.inbox.end(error instanceof Error ? error : new Error(String(error)));
    }
  }
}
