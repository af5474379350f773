/** Streams of the operators' API of an agent, as a client of any format would have them. */
import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import {
  type AgentCall,
  type AgentProcessIO,
  RecordDecoder,
  decodeJson,
  decodeProtobuf,
  encodeJson,
  encodeProtobuf,
  encodeRecord,
} from '../../../core/api/index.js';

const RECORDIO = 'application/recordio';

/** In which form calls, and records of streams, are sent and wanted. */
export type Form = 'application/json' | 'application/x-protobuf';

/** An answer that is a stream of ProcessIO records, or a refusal. */
export class OutputStream {
  readonly response: IncomingMessage;
  readonly #request: ClientRequest;

  private constructor(request: ClientRequest, response: IncomingMessage) {
    this.#request = request;
    this.response = response;
    // A stream that is cut is an outcome, not a failure of the test.
    response.on('error', () => undefined);
  }

  static open(
    url: string,
    call: AgentCall,
    form: Form = 'application/json',
  ): Promise<OutputStream> {
    const request = send(url, { 'Content-Type': form, Accept: RECORDIO, 'Message-Accept': form });
    request.end(encode(form, call));
    return new Promise((resolve, reject) => {
      request.once('response', (response) => resolve(new OutputStream(request, response)));
      request.once('error', reject);
    });
  }

  /** Records as they come. */
  async *records(): AsyncGenerator<AgentProcessIO> {
    const decoder = new RecordDecoder();
    const isJson = this.response.headers['message-content-type'] === 'application/json';
    for await (const chunk of this.response) {
      if (!Buffer.isBuffer(chunk)) continue;
      for (const record of decoder.push(chunk)) {
        yield isJson
          ? decodeJson('AgentProcessIO', record)
          : decodeProtobuf('AgentProcessIO', record);
      }
    }
    decoder.finish();
  }

  /** What came on one stream until the end. */
  async read(): Promise<{ readonly stdout: string; readonly stderr: string }> {
    const parts = { STDOUT: [] as Buffer[], STDERR: [] as Buffer[] };
    for await (const { data } of this.records()) {
      if (data?.type !== 'STDOUT' && data?.type !== 'STDERR') continue;
      parts[data.type].push(Buffer.from(data.data ?? '', 'base64'));
    }
    return {
      stdout: Buffer.concat(parts.STDOUT).toString(),
      stderr: Buffer.concat(parts.STDERR).toString(),
    };
  }

  close(): void {
    this.#request.destroy();
  }
}

/** A request of ATTACH_CONTAINER_INPUT that is being written. */
export class InputStream {
  readonly request: ClientRequest;
  readonly answer: Promise<{ readonly status: number; readonly text: string }>;
  readonly #form: Form;

  constructor(url: string, form: Form = 'application/json') {
    this.#form = form;
    this.request = send(url, { 'Content-Type': RECORDIO, 'Message-Content-Type': form });
    this.answer = new Promise((resolve, reject) => {
      this.request.once('error', reject);
      this.request.once('response', (response) => {
        void text(response).then((body) =>
          resolve({ status: response.statusCode ?? 0, text: body }),
        );
      });
    });
    this.answer.catch(() => undefined);
  }

  name(container_id: NonNullable<AgentCall['attach_container_output']>['container_id']): void {
    this.#write({ type: 'CONTAINER_ID', container_id });
  }

  /** Writes bytes for the standard input; none end it. */
  stdin(bytes: Buffer | string): void {
    const data = Buffer.from(bytes).toString('base64');
    this.io({ type: 'DATA', data: { type: 'STDIN', data } });
  }

  io(process_io: AgentProcessIO): void {
    this.#write({ type: 'PROCESS_IO', process_io });
  }

  #write(attach_container_input: AgentCall['attach_container_input']): void {
    const call: AgentCall = { type: 'ATTACH_CONTAINER_INPUT', attach_container_input };
    this.request.write(encodeRecord(encode(this.#form, call)));
  }
}

function send(url: string, headers: Readonly<Record<string, string>>): ClientRequest {
  return httpRequest(`${url}/api/v1`, { method: 'POST', agent: false, headers: { ...headers } });
}

function encode(form: Form, call: AgentCall): string | Buffer {
  return form === 'application/json'
    ? encodeJson('AgentCall', call)
    : encodeProtobuf('AgentCall', call);
}
