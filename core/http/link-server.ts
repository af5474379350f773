/**
 * The master's side of the connections that agents open: the upgrade, and from then on one channel
 * for each agent, which the master sees as an `AgentConnection`.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { LinkAgentMessage } from '../api/index.js';
import type { Logger } from '../base/index.js';
import type { AgentConnection } from '../master/index.js';
import type { Leadership } from './leadership.js';
import type { HttpLimits } from './limits.js';
import { LinkChannel } from './link-channel.js';
import { endRaw, peerOf } from './server.js';
import { LINK_PROTOCOL } from './upgrade-request.js';

/** Where agents open their connection. */
export const LINK_PATH = '/plateau/v1/agent-link';

/** What the link needs of the master. */
export interface AgentLinkOwner {
  agentMessage(connection: AgentConnection, message: LinkAgentMessage): void;
  agentDisconnected(connection: AgentConnection): void;
  readonly isRecovered: boolean;
}

export interface LinkServerOptions {
  readonly owner: AgentLinkOwner;
  readonly leadership: Leadership;
  readonly log: Logger;
  readonly limits: HttpLimits;
  /** Whether the server closes: connections that end then are not reported. */
  readonly isClosing: () => boolean;
}

/** Accepts an agent, or refuses it with a status: 404, 307 to the leader, 503 while recovering. */
export function acceptLink(
  options: LinkServerOptions,
  request: IncomingMessage,
  connection: { readonly socket: Socket; readonly head: Buffer },
): void {
  const { socket, head } = connection;
  const refusal = refuseLink(options, request);
  if (refusal !== undefined) {
    endRaw(socket, refusal.status, refusal.headers);
    return;
  }
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${LINK_PROTOCOL}\r\n\r\n`,
  );
  const { owner, log, limits } = options;
  const channel = new LinkChannel({
    socket,
    head,
    receives: 'LinkAgentMessage',
    sends: 'LinkMasterMessage',
    peer: peerOf(socket),
    log,
    limits,
    onMessage: (message) => owner.agentMessage(channel, message),
    onLost: () => {
      if (!options.isClosing()) owner.agentDisconnected(channel);
    },
  });
  channel.start();
}

interface LinkRefusal {
  readonly status: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function refuseLink(options: LinkServerOptions, request: IncomingMessage): LinkRefusal | undefined {
  const target = request.url ?? '';
  if (target !== LINK_PATH || request.method !== 'GET') return { status: '404 Not Found' };
  const leader = options.leadership();
  if (leader === undefined) return { status: '503 Service Unavailable' };
  if (leader !== 'here') {
    const location = `//${leader.hostname}:${leader.port}${target}`;
    return { status: '307 Temporary Redirect', headers: { Location: location } };
  }
  if (!options.owner.isRecovered) return { status: '503 Service Unavailable' };
  return undefined;
}
