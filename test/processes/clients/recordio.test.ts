/** The event streams of a real master, read with the npm package `@dcos/recordio`. */
import { createRequire } from 'node:module';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { expect } from 'chai';
import { isRecord } from '../../../core/base/index.js';
import { TestCluster } from '../agent/cluster.js';
import { eventually } from '../faults/cluster.js';

/** Returns whole records and the rest, of text that was received byte by byte. */
type Read = (input: string) => [records: string[], rest: string];

const { read } = createRequire(import.meta.url)('@dcos/recordio') as { readonly read: Read };
const LIMIT_MS = 60_000;
const NAME = 'Zoë’s framework ✓ 💥';

/** A stream whose chunks are read by the package one after the other. */
class PackageStream {
  readonly events: unknown[] = [];
  /** Whether all text was ASCII: some readers take lengths for numbers of characters. */
  isAscii = true;
  #rest = '';
  readonly #request: ClientRequest;

  constructor(url: string, call: object) {
    const headers = { 'Content-Type': 'application/json', Accept: 'application/json' };
    this.#request = request(url, { method: 'POST', headers, agent: false }, (answer) =>
      this.#follow(answer),
    );
    this.#request.on('error', () => undefined);
    this.#request.end(JSON.stringify(call));
  }

  get types(): readonly unknown[] {
    return this.events.map((event) => (isRecord(event) ? event['type'] : undefined));
  }

  get rest(): string {
    return this.#rest;
  }

  close(): void {
    this.#request.destroy();
  }

  #follow(answer: IncomingMessage): void {
    answer.setEncoding('utf8');
    answer.on('error', () => undefined);
    answer.on('data', (chunk: string) => {
      const [records, rest] = read(this.#rest + chunk);
      this.#rest = rest;
      this.isAscii &&= Buffer.byteLength(chunk) === chunk.length;
      for (const record of records) this.events.push(JSON.parse(record));
    });
  }
}

describe('The npm reader @dcos/recordio', function () {
  this.timeout(LIMIT_MS);
  let cluster: TestCluster;

  before(async () => {
    cluster = await TestCluster.start();
  });

  after(async () => {
    expect(await cluster.stop(), 'processes that were left').to.deep.equal([]);
  });

  it('reads the stream of a scheduler whose name is not ASCII', async () => {
    const stream = new PackageStream(`${cluster.master.url}/api/v1/scheduler`, {
      type: 'SUBSCRIBE',
      subscribe: { framework_info: { user: 'root', name: NAME, role: 'reader' } },
    });
    await eventually('an offer has come', () => stream.types.includes('OFFERS'));
    expect(stream.types.slice(0, 2)).to.deep.equal(['SUBSCRIBED', 'HEARTBEAT']);
    expect(stream.rest).to.equal('');
    stream.close();
  });

  it('reads the events of an operator, with names that are not ASCII', async () => {
    const stream = new PackageStream(`${cluster.master.url}/api/v1`, { type: 'SUBSCRIBE' });
    await eventually('the state has come', () => stream.types.includes('SUBSCRIBED'));
    const scheduler = await cluster.scheduler({ framework: { name: NAME } });
    await eventually('the framework is told', () => stream.types.includes('FRAMEWORK_ADDED'));
    expect(JSON.stringify(stream.events)).to.include(NAME);
    expect(stream.isAscii, 'whether everything but ASCII is escaped').to.equal(true);
    await scheduler.end();
    await eventually('its end is told', () => stream.types.includes('FRAMEWORK_REMOVED'));
    expect(stream.rest).to.equal('');
    stream.close();
  });
});
