/** The operator's side of a master or an agent: v1 calls and streams, pages, forms. */
import { isRecord } from '../../../../core/base/index.js';
import { expectStatus, get } from './check.js';
import { type Answer, type Headers, JSON_TYPE, documentOf, exchange, open } from './http.js';
import { readJson, writeJson } from './json.js';
import { RecordStream } from './record-stream.js';

const CALLS_PATH = '/api/v1';
const JSON_HEADERS = { 'Content-Type': JSON_TYPE, Accept: JSON_TYPE, Connection: 'close' };

export class Operator {
  readonly base: string;

  constructor(base: string) {
    this.base = base;
  }

  /** The answer to a call, whatever it is. A string is sent as it is. */
  send(call: unknown, headers: Headers = {}): Promise<Answer> {
    const body = typeof call === 'string' ? call : writeJson(call);
    return exchange(this.base, {
      method: 'POST',
      path: CALLS_PATH,
      headers: { ...JSON_HEADERS, ...headers },
      body,
    });
  }

  /** What a call that must succeed returns: the member of the answer that is named after it. */
  async call(type: string, more: Readonly<Record<string, unknown>> = {}, expected = 200) {
    const answer = expectStatus(await this.send({ type, ...more }), expected, type);
    if (answer.text === '') return undefined;
    const document = documentOf(answer);
    return get(document, type.toLowerCase()) ?? document;
  }

  get(path: string, headers: Headers = {}): Promise<Answer> {
    return exchange(this.base, { path, headers: { Connection: 'close', ...headers } });
  }

  /** The document of a page that must be there. */
  async page(path: string): Promise<unknown> {
    return documentOf(expectStatus(await this.get(path), 200, `GET ${path}`));
  }

  /** Sends a form as browsers do. */
  form(path: string, fields: Readonly<Record<string, string>>): Promise<Answer> {
    return exchange(this.base, {
      method: 'POST',
      path,
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', Connection: 'close' },
      body: new URLSearchParams(fields).toString(),
    });
  }

  /** Opens a call that answers with a stream. */
  async stream(call: unknown, headers: Headers = {}): Promise<RecordStream> {
    const answer = await open(this.base, {
      method: 'POST',
      path: CALLS_PATH,
      headers: { ...JSON_HEADERS, Connection: 'keep-alive', ...headers },
      body: writeJson(call),
    });
    return new RecordStream(answer, {
      decode: (record) => readJson(record.toString('utf8')),
      describe: (item) => (isRecord(item) ? String(item['type']) : String(item)),
    });
  }
}
