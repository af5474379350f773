import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { encodeRecord } from '../../../core/api/index.js';
import { SILENT_LOGGER } from '../../../core/base/index.js';
import { HttpMasterConnector, LINK_PATH, LINK_PROTOCOL } from '../../../core/http/index.js';
import type { MasterConnectionOwner } from '../../../core/http/index.js';
import { Served, readAll, statusOf, until } from './support.js';

type Connection = Parameters<MasterConnectionOwner['masterConnected']>[0];

class Owner implements MasterConnectionOwner {
  readonly connections: Connection[] = [];
  readonly messages: string[] = [];
  readonly reasons: string[] = [];

  masterConnected(connection: Connection): void {
    this.connections.push(connection);
  }

  masterMessage(
    _connection: Connection,
    message: Parameters<MasterConnectionOwner['masterMessage']>[1],
  ): void {
    this.messages.push(`${message.type}${message.refused?.message ?? ''}`);
  }

  masterDisconnected(_connection: Connection | undefined, reason: string): void {
    this.reasons.push(reason);
  }
}

const UPGRADE =
  `GET ${LINK_PATH} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n` +
  `Upgrade: ${LINK_PROTOCOL}\r\n\r\n`;

describe('Link between agent and master', () => {
  let served: Served;
  const connectors: HttpMasterConnector[] = [];

  beforeEach(async () => {
    served = await new Served({ limits: { linkMessageBytes: 100_000 } }).listen();
  });

  afterEach(async () => {
    for (const connector of connectors.splice(0)) connector.close();
    await served.server.close();
  });

  function connectTo(masters: readonly string[] | (() => Promise<readonly string[]>)): Owner {
    const owner = new Owner();
    const connector = new HttpMasterConnector({ log: SILENT_LOGGER, masters });
    connectors.push(connector);
    connector.attach(owner);
    connector.connect();
    return owner;
  }

  it('carries messages both ways, in order', async () => {
    served.master.onAgentMessage = (connection, { unregister }) =>
      connection.send({ type: 'REFUSED', refused: { message: unregister?.reason ?? '' } });
    const owner = connectTo([served.url]);
    await until(() => owner.connections.length > 0);
    const expected = Array.from({ length: 500 }, (_, index) => `REFUSED${index}`);
    for (let index = 0; index < 500; index++) {
      owner.connections[0]?.send({ type: 'UNREGISTER', unregister: { reason: String(index) } });
    }
    await until(() => owner.messages.length === 500);
    expect(owner.messages).to.deep.equal(expected);
    expect(served.master.connections).to.have.length(1);
  });

  it('takes frames that come together with the upgrade', async () => {
    const socket = await served.connect();
    socket.write(Buffer.concat([Buffer.from(UPGRADE), encodeRecord('{"type":"PONG"}')]));
    await until(() => served.master.agentMessages.length > 0);
    expect(served.master.agentMessages).to.deep.equal([{ type: 'PONG' }]);
    socket.destroy();
  });

  it('tells the master once when the agent goes, and the agent when the master closes', async () => {
    const owner = connectTo([served.url]);
    await until(() => owner.connections.length > 0);
    owner.connections[0]?.send({ type: 'PONG' });
    await until(() => served.master.connections.length > 0);
    served.master.connections[0]?.close();
    await until(() => owner.reasons.length > 0);
    expect(served.master.lostConnections).to.deep.equal([]);
    const again = connectTo([served.url]);
    await until(() => again.connections.length > 0);
    again.connections[0]?.send({ type: 'PONG' });
    await until(() => served.master.connections.length > 1);
    again.connections[0]?.close();
    await until(() => served.master.lostConnections.length > 0);
    expect(served.master.lostConnections).to.deep.equal([served.master.connections[1]]);
    expect(again.reasons).to.deep.equal([]);
  });

  const garbage: readonly (readonly [string, Buffer])[] = [
    ['a length that is no number', Buffer.from('x\n')],
    ['a frame that is no JSON', encodeRecord('{')],
    ['a frame that is no message', encodeRecord('{"type":"STATUS_UPDATE","status_update":7}')],
    ['a frame over the limit', Buffer.from('100001\n')],
  ];
  for (const [name, bytes] of garbage) {
    it(`ends at ${name}, with a line in the log`, async () => {
      const socket = await served.connect();
      socket.write(UPGRADE);
      socket.write(bytes);
      await readAll(socket);
      expect(served.warnings).to.have.length(1);
      expect(served.master.agentMessages).to.deep.equal([]);
      expect(await served.isHealthy()).to.equal(true);
    });
  }

  it('cuts a peer that does not read', async () => {
    const slow = await new Served({ limits: { linkBufferBytes: 100_000 } }).listen();
    const socket = await slow.connect();
    socket.pause();
    socket.write(Buffer.concat([Buffer.from(UPGRADE), encodeRecord('{"type":"PONG"}')]));
    await until(() => slow.master.connections.length > 0);
    const refused = { message: 'x'.repeat(50_000) };
    for (let sent = 0; sent < 1_000 && slow.master.lostConnections.length === 0; sent++) {
      slow.master.connections[0]?.send({ type: 'REFUSED', refused });
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(slow.master.lostConnections).to.deep.equal(slow.master.connections);
    expect(slow.warnings).to.have.length(1);
    socket.destroy();
    await slow.server.close();
  });

  it('answers 503 while recovering and 404 elsewhere', async () => {
    expect(statusOf(await served.exchange(UPGRADE.replace(LINK_PATH, '/other')))).to.equal(404);
    served.master.isRecovered = false;
    expect(statusOf(await served.exchange(UPGRADE))).to.equal(503);
    const owner = connectTo([served.url]);
    await until(() => owner.reasons.length > 0);
    expect(owner.reasons[0]).to.match(/not ready.*503/);
  });

  it('finds the leader through redirects and over a list with dead masters', async () => {
    const leader = { hostname: '127.0.0.1', port: served.port };
    const follower = await new Served({ leadership: () => leader }).listen();
    const owner = connectTo(async () => ['http://127.0.0.1:1', follower.url]);
    await until(() => owner.connections.length > 0);
    owner.connections[0]?.send({ type: 'PONG' });
    await until(() => served.master.connections.length > 0);
    expect(follower.master.connections).to.deep.equal([]);
    await follower.server.close();
  });

  it('tells why it could not connect', async () => {
    const refusing = await scripted((status) => status);
    for (const [status, words] of [
      [401, /credentials/],
      [403, /does not allow/],
      [404, /not a Plateau master/],
      [500, /answered 500/],
    ] as const) {
      refusing.status = status;
      const owner = connectTo([refusing.url]);
      await until(() => owner.reasons.length > 0);
      expect(owner.reasons[0]).to.match(words);
    }
    refusing.status = 307;
    const looping = connectTo([refusing.url]);
    await until(() => looping.reasons.length > 0);
    expect(looping.reasons[0]).to.match(/redirects/);
    refusing.server.close();
    const dead = connectTo(['http://127.0.0.1:1']);
    await until(() => dead.reasons.length > 0);
    expect(dead.reasons[0]).to.match(/ECONNREFUSED/);
    const none = connectTo([]);
    await until(() => none.reasons.length > 0);
    expect(none.reasons[0]).to.match(/no master is known/);
  });
});

interface Scripted {
  status: number;
  readonly url: string;
  readonly server: Server;
}

/** A server that answers everything with one status, and redirects to itself. */
async function scripted(pick: (status: number) => number): Promise<Scripted> {
  const state = { status: 200 };
  const server = createServer((request, response) => {
    const headers = { Location: `//${request.headers.host ?? ''}/x`, Connection: 'close' };
    response.writeHead(pick(state.status), headers).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(state, { url: `http://127.0.0.1:${port}`, server });
}
