/**
 * A scheduler's connections to a simulated master: one for the stream of events, one for its calls,
 * as over HTTP. What a real transport does over sockets, this does over the simulated network.
 */
import type { CallAnswer, SchedulerCall, SchedulerEvent } from '../api/index.js';
import { Backlog } from './backlog.js';
import { type CallParcel, PURPOSES } from './calls.js';
import type { ConnectionEnd } from './connection.js';
import type { Network } from './network.js';
import { type Parcel, type Wire, wireOf } from './wire.js';

export interface SchedulerLinkHandlers {
  readonly onEvent: (event: SchedulerEvent) => void;
  /** The stream has ended or could not be opened. Called once; nothing follows. */
  readonly onEnd: (reason: string) => void;
  /** A call was answered. */
  readonly onAnswer?: (call: SchedulerCall, answer: CallAnswer) => void;
}

export interface SchedulerLinkOptions {
  readonly network: Network;
  /** How messages travel to the master. Default: as JSON. What comes is read in any form. */
  readonly wire?: Wire;
  /** Names of the nodes of scheduler and master. */
  readonly from: string;
  readonly to: string;
  readonly handlers: SchedulerLinkHandlers;
  /** Whether the process that it belongs to lives; it hears nothing else. Default: it does. */
  readonly isAlive?: () => boolean;
}

/** Calls that wait for their connection or their answer at most; further ones are dropped. */
export const MAX_PENDING_CALLS = 10_000;

export class SchedulerLink {
  readonly #options: SchedulerLinkOptions;
  readonly #wire: Wire;
  #stream: ConnectionEnd | undefined;
  #calls: ConnectionEnd | undefined;
  #streamId: string | undefined;
  #waiting: SchedulerCall[] = [];
  readonly #unanswered = new Backlog<SchedulerCall>();
  #isOver = false;
  readonly #isAlive = (): boolean => !this.#isOver && this.#options.isAlive?.() !== false;

  constructor(options: SchedulerLinkOptions) {
    this.#options = options;
    this.#wire = options.wire ?? wireOf('json');
  }

  /** Opens the stream by a SUBSCRIBE call. Use once. */
  subscribe(call: SchedulerCall): void {
    const { network, from, to } = this.#options;
    network.connect({ from, to, purpose: PURPOSES.stream }, this.#isAlive, {
      failed: (reason) => this.#end(reason),
      connected: (end) => {
        this.#stream = end;
        end.onParcel = (parcel) => this.#arrived(parcel);
        end.onClose = (reason) => this.#end(reason);
        end.send(this.#wire.pack('SchedulerCall', call));
      },
    });
  }

  /** Sends any other call. Never throws; a link that is over drops it. */
  call(call: SchedulerCall): void {
    if (!this.#isAlive() || this.#waiting.length >= MAX_PENDING_CALLS) return;
    this.#waiting.push(call);
    this.#flush();
  }

  /** Closes both connections; no handler is called any more. */
  close(): void {
    this.#isOver = true;
    this.#stream?.close();
    this.#calls?.close();
  }

  /** The first thing to arrive is the id of the stream. */
  #arrived(parcel: Parcel): void {
    if (this.#streamId !== undefined) {
      this.#options.handlers.onEvent(this.#wire.unpack('SchedulerEvent', parcel));
      return;
    }
    this.#streamId = typeof parcel === 'string' ? parcel : undefined;
    this.#openCalls();
  }

  #openCalls(): void {
    const { network, from, to } = this.#options;
    network.connect({ from, to, purpose: PURPOSES.calls }, this.#isAlive, {
      failed: (reason) => this.#end(reason),
      connected: (end) => {
        this.#calls = end;
        end.onParcel = (parcel) => this.#answered(parcel);
        end.onClose = (reason) => this.#end(reason);
        this.#flush();
      },
    });
  }

  #flush(): void {
    if (this.#calls === undefined) return;
    for (const call of this.#waiting.splice(0)) {
      this.#unanswered.push(call);
      const parcel: CallParcel = {
        streamId: this.#streamId,
        call: this.#wire.pack('SchedulerCall', call),
      };
      this.#calls.send(parcel);
    }
  }

  #answered(parcel: Parcel): void {
    const call = this.#unanswered.shift();
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- sent by SimulatedMaster
    if (call !== undefined) this.#options.handlers.onAnswer?.(call, parcel as CallAnswer);
  }

  #end(reason: string): void {
    if (!this.#isAlive()) return;
    this.close();
    this.#options.handlers.onEnd(reason);
  }
}
