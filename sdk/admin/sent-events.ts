/** Reads server-sent events: the other side of `event-stream.ts`. */
import { PlateauError } from '../../core/base/index.js';

/** One event of a stream. */
export interface SentEvent {
  /** Its type; undefined: it has none. */
  readonly event: string | undefined;
  /** What to say in `Last-Event-ID` to get what follows it. */
  readonly id: string | undefined;
  /** Its JSON. What is in it is what the caller knows of the route. */
  readonly data: unknown;
}

/** Ends something that has been silent for too long. */
export class Silence {
  readonly #onSilence: () => void;
  readonly #limitMs: number;
  #timer: NodeJS.Timeout;

  constructor(limitMs: number, onSilence: () => void) {
    this.#limitMs = limitMs;
    this.#onSilence = onSilence;
    this.#timer = setTimeout(onSilence, limitMs);
  }

  broken(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#onSilence, this.#limitMs);
  }

  dispose(): void {
    clearTimeout(this.#timer);
  }
}

/**
 * The events of an answer until it ends; comments are left out.
 * @throws PlateauError `STREAM_ENDED` with the words of the other side when that ends the stream with an error.
 */
export async function* readSentEvents(
  response: Response,
  onBytes: () => void,
): AsyncGenerator<SentEvent> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of response.body ?? []) {
    onBytes();
    rest += decoder.decode(bytes, { stream: true });
    const blocks = rest.split(/\r?\n\r?\n/);
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = eventOf(block);
      if (event !== undefined) yield event;
    }
  }
}

function eventOf(block: string): SentEvent | undefined {
  const fields = new Map<string, string>();
  for (const line of block.split(/\r?\n/)) {
    const [, name = '', value = ''] = /^([^:]+): ?(.*)$/.exec(line) ?? [];
    const before = name === 'data' ? fields.get(name) : undefined;
    fields.set(name, before === undefined ? value : `${before}\n${value}`);
  }
  const data = fields.get('data');
  if (data === undefined) return undefined;
  const event = fields.get('event');
  const parsed: unknown = JSON.parse(data);
  if (event !== 'error') return { event, id: fields.get('id'), data: parsed };
  const { message }: { readonly message?: unknown } = Object(parsed);
  const text = typeof message === 'string' ? message : data;
  throw new PlateauError('STREAM_ENDED', text, { retriable: true });
}
