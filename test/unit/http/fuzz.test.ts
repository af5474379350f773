import { expect } from 'chai';
import * as fc from 'fast-check';
import { encodeProtobuf, encodeRecord } from '../../../core/api/index.js';
import { LINK_PATH, LINK_PROTOCOL } from '../../../core/http/index.js';
import { Served, post } from './support.js';

const DECLINE =
  '{"type":"DECLINE","framework_id":{"value":"f"},"decline":{"offer_ids":[{"value":"o"}],' +
  '"filters":{"refuse_seconds":5.0}}}';

const SEEDS: readonly Buffer[] = [
  post(DECLINE),
  post(DECLINE, { 'Mesos-Stream-Id': 's' }),
  post('{"type":"GET_STATE"}', {}, '/api/v1'),
  post(
    encodeProtobuf('SchedulerCall', {
      type: 'DECLINE',
      framework_id: { value: 'f' },
      decline: { offer_ids: [{ value: 'o' }], filters: { refuse_seconds: 5 } },
    }),
    { 'Content-Type': 'application/x-protobuf' },
  ),
  Buffer.from('GET /tasks?limit=1&order=asc HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'),
  Buffer.from(
    'GET /files/read?path=/log&offset=0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  ),
  Buffer.from(
    'POST /api/v1/scheduler HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n' +
      `Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n${DECLINE.length.toString(16)}\r\n` +
      `${DECLINE}\r\n0\r\n\r\n`,
  ),
  Buffer.concat([
    Buffer.from(
      `GET ${LINK_PATH} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: ${LINK_PROTOCOL}\r\n\r\n`,
    ),
    encodeRecord('{"type":"UNREGISTER","unregister":{"reason":"r"}}'),
  ]),
];

/** One change of some bytes: overwritten, put in, or cut out. */
const MUTATION = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  remove: fc.nat({ max: 40 }),
  insert: fc.oneof(
    fc.uint8Array({ maxLength: 8 }),
    fc.constantFrom('\r\n', '\0', '%', '{', '[', '"', '-1', '1e400', '\u{d800}', 'Host: y\r\n'),
  ),
});

function mutate(
  seed: Buffer,
  mutations: readonly { at: number; remove: number; insert: string | Uint8Array }[],
): Buffer {
  return mutations.reduce((bytes, { at, remove, insert }) => {
    const offset = Math.floor(at * bytes.length);
    const rest = bytes.subarray(offset + remove);
    return Buffer.concat([bytes.subarray(0, offset), Buffer.from(insert), rest]);
  }, seed);
}

describe('MasterServer against mutated requests', function () {
  // A thousand connections, one after the other.
  this.timeout(60_000);

  it('answers or closes, never throws, and lives', async () => {
    const limits = { headersTimeoutMs: 200, requestTimeoutMs: 300, connectionsCheckMs: 50 };
    const served = await new Served({ limits }).listen();
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...SEEDS),
        fc.array(MUTATION, { minLength: 1, maxLength: 4 }),
        async (seed, mutations) => {
          const answer = await served.exchange(mutate(seed, mutations));
          expect(answer === '' || answer.startsWith('HTTP/1.1 '), answer.slice(0, 80)).to.equal(
            true,
          );
          expect(answer).to.not.match(/^HTTP\/1\.1 500/);
          expect(served.errors).to.deep.equal([]);
        },
      ),
      { numRuns: 1_000 },
    );
    expect(await served.isHealthy()).to.equal(true);
    await served.server.close();
  });
});
