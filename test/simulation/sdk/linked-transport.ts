/** A transport over the simulated network: what a framework uses on a `SimulatedCluster`. */
import type { CallAnswer, SchedulerCall, SchedulerEvent } from '../../../core/api/index.js';
import { PlateauError } from '../../../core/base/index.js';
import { MASTER_NODE, type Network, SchedulerLink } from '../../../core/simulation/index.js';
import type { Session, SessionHandlers, Transport } from '../../../sdk/runtime/index.js';

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class LinkedTransport implements Transport {
  readonly #network: Network;
  readonly #node: string;

  constructor(network: Network, node: string) {
    this.#network = network;
    this.#node = node;
  }

  open(subscribe: SchedulerCall, handlers: SessionHandlers): Session {
    const session = new LinkedSession(this.#network, this.#node, handlers);
    session.start(subscribe);
    return session;
  }

  async close(): Promise<void> {}
}

class LinkedSession implements Session {
  readonly master = MASTER_NODE;
  readonly #handlers: SessionHandlers;
  readonly #link: SchedulerLink;
  readonly #waiting: Waiting[] = [];
  readonly #events: SchedulerEvent[] = [];
  #isReading = false;
  #isOver = false;

  constructor(network: Network, node: string, handlers: SessionHandlers) {
    this.#handlers = handlers;
    this.#link = new SchedulerLink({
      network,
      from: node,
      to: MASTER_NODE,
      handlers: {
        onEvent: (event) => this.#arrived(event),
        onEnd: (reason) => this.#end(reason),
        onAnswer: (_call, answer) => this.#answered(answer),
      },
    });
  }

  start(subscribe: SchedulerCall): void {
    this.#link.subscribe(subscribe);
  }

  call(call: SchedulerCall): Promise<void> {
    if (this.#isOver) {
      return Promise.reject(new PlateauError('STREAM_ENDED', 'not sent', { retriable: true }));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#link.call(call);
    });
  }

  async close(): Promise<void> {
    this.#isOver = true;
    this.#link.close();
    this.#rejectAll('closed');
  }

  #arrived(event: SchedulerEvent): void {
    this.#events.push(event);
    if (!this.#isReading) void this.#read();
  }

  async #read(): Promise<void> {
    this.#isReading = true;
    for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
      if (this.#isOver) break;
      const held = this.#handlers.onEvent(next);
      // oxlint-disable-next-line no-await-in-loop -- nothing is read meanwhile
      if (held !== undefined) await held;
    }
    this.#isReading = false;
  }

  #answered({ status, message }: CallAnswer): void {
    const waiting = this.#waiting.shift();
    if (status < 300) waiting?.resolve();
    else waiting?.reject(new PlateauError('CALL_REFUSED', `${status} ${message ?? ''}`));
  }

  #end(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#rejectAll(reason);
    this.#handlers.onEnd(new PlateauError('STREAM_ENDED', reason, { retriable: true }));
  }

  #rejectAll(reason: string): void {
    for (const { reject } of this.#waiting.splice(0)) {
      reject(new PlateauError('MASTER_UNREACHABLE', reason, { retriable: true }));
    }
  }
}
