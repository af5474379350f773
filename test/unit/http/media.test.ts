import type { IncomingHttpHeaders } from 'node:http';
import { expect } from 'chai';
import {
  JSON_FORMAT,
  type MediaChoice,
  PROTOBUF_FORMAT,
  agentAnswerFormat,
  agentRequestFormat,
  agentStreamForm,
  answerFormat,
  requestFormat,
} from '../../../core/http/media.js';

/** The content type that was chosen, or the status of the refusal. */
function outcome(choice: MediaChoice): string | number {
  return 'status' in choice ? choice.status : choice.contentType;
}

const JSON_TYPE = 'application/json';
const PROTOBUF_TYPE = 'application/x-protobuf';
const RECORDIO_TYPE = 'application/recordio';

describe('requestFormat', () => {
  it('compares the content type exactly', () => {
    expect(requestFormat({ 'content-type': JSON_TYPE })).to.equal(JSON_FORMAT);
    expect(requestFormat({ 'content-type': PROTOBUF_TYPE })).to.equal(PROTOBUF_FORMAT);
    expect(outcome(requestFormat({}))).to.equal(400);
    for (const type of [
      `${PROTOBUF_TYPE}; charset=utf-8`,
      `${JSON_TYPE}; charset=utf-8`,
      'Application/X-Protobuf',
      'application/protobuf',
      RECORDIO_TYPE,
      '',
    ]) {
      const choice = requestFormat({ 'content-type': type });
      expect(outcome(choice), type).to.equal(415);
      expect('message' in choice && choice.message)
        .to.include(JSON_TYPE)
        .and.include(PROTOBUF_TYPE);
    }
  });
});

describe('answerFormat', () => {
  const CASES: readonly [accept: string | undefined, chosen: string | number][] = [
    [undefined, JSON_TYPE],
    ['*/*', JSON_TYPE],
    ['application/*', JSON_TYPE],
    [JSON_TYPE, JSON_TYPE],
    [PROTOBUF_TYPE, PROTOBUF_TYPE],
    [`${PROTOBUF_TYPE}; q=0.5`, PROTOBUF_TYPE],
    ['APPLICATION/X-PROTOBUF', PROTOBUF_TYPE],
    [`text/html, ${PROTOBUF_TYPE}`, PROTOBUF_TYPE],
    [`${PROTOBUF_TYPE}, ${JSON_TYPE};q=0.1`, JSON_TYPE],
    [`${PROTOBUF_TYPE}, */*;q=0.1`, JSON_TYPE],
    ['text/html', 406],
    [RECORDIO_TYPE, 406],
    ['', 406],
  ];

  for (const [accept, chosen] of CASES) {
    it(`gives ${chosen} for ${accept ?? 'no Accept at all'}`, () => {
      expect(outcome(answerFormat(accept === undefined ? {} : { accept }))).to.equal(chosen);
    });
  }
});

describe('agentRequestFormat', () => {
  it('takes Message-Content-Type with a stream of records alone', () => {
    const choose = (type: string, messageType?: string): string | number =>
      outcome(
        agentRequestFormat({
          'content-type': type,
          ...(messageType === undefined ? {} : { 'message-content-type': messageType }),
        }),
      );
    expect(choose(PROTOBUF_TYPE)).to.equal(PROTOBUF_TYPE);
    expect(choose(JSON_TYPE)).to.equal(JSON_TYPE);
    expect(choose(JSON_TYPE, PROTOBUF_TYPE)).to.equal(415);
    expect(choose(RECORDIO_TYPE)).to.equal(400);
    expect(choose(RECORDIO_TYPE, 'text/plain')).to.equal(415);
    expect(choose(RECORDIO_TYPE, PROTOBUF_TYPE)).to.equal(PROTOBUF_TYPE);
    expect(choose(RECORDIO_TYPE, JSON_TYPE)).to.equal(JSON_TYPE);
  });
});

describe('agentStreamForm', () => {
  const choose = (headers: IncomingHttpHeaders): unknown => {
    const form = agentStreamForm(headers);
    return 'status' in form
      ? form.status
      : [form.contentType, form.format.contentType, form.headers['Message-Content-Type']];
  };

  it('names the records of a stream where only streams are accepted', () => {
    const accept = RECORDIO_TYPE;
    expect(choose({ accept })).to.deep.equal([RECORDIO_TYPE, JSON_TYPE, JSON_TYPE]);
    expect(choose({ accept, 'message-accept': PROTOBUF_TYPE })).to.deep.equal([
      RECORDIO_TYPE,
      PROTOBUF_TYPE,
      PROTOBUF_TYPE,
    ]);
    expect(choose({ accept, 'message-accept': 'text/plain' })).to.equal(406);
  });

  it('calls the stream by its records where these are accepted', () => {
    expect(choose({})).to.deep.equal([JSON_TYPE, JSON_TYPE, undefined]);
    expect(choose({ accept: `${RECORDIO_TYPE}, ${PROTOBUF_TYPE}` })).to.deep.equal([
      PROTOBUF_TYPE,
      PROTOBUF_TYPE,
      undefined,
    ]);
    expect(choose({ accept: JSON_TYPE, 'message-accept': JSON_TYPE })).to.equal(406);
    expect(choose({ accept: 'text/html' })).to.equal(406);
  });
});

describe('agentAnswerFormat', () => {
  it('refuses Message-Accept without a stream of records', () => {
    expect(outcome(agentAnswerFormat({ accept: PROTOBUF_TYPE }))).to.equal(PROTOBUF_TYPE);
    const headers = { accept: PROTOBUF_TYPE, 'message-accept': PROTOBUF_TYPE };
    expect(outcome(agentAnswerFormat(headers))).to.equal(406);
  });
});
