/**
 * A scheduler's connections to a simulated master: one for the stream of events, one for its calls,
 * as over HTTP. What a real transport does over sockets, this does over the simulated network.
 */
import {
  type SchedulerCall,
  type SchedulerEvent,
  decodeJson,
  encodeJson,
  type CallAnswer,
} from '../api/index.js';
import type { ConnectionEnd } from './connection.js';
import type { Network } from './network.js';
import { PURPOSES, formatFrame } from './simulated-master.js';

export interface SchedulerLinkHandlers {
  readonly onEvent: (event: SchedulerEvent) => void;
  /** The stream has ended or could not be opened. Called once; nothing follows. */
  readonly onEnd: (reason: string) => void;
  /** A call was answered. */
  readonly onAnswer?: (call: SchedulerCall, answer: CallAnswer) => void;
}

export interface SchedulerLinkOptions {
  readonly network: Network;
  /** Names of the nodes of scheduler and master. */
  readonly from: string;
  readonly to: string;
  readonly handlers: SchedulerLinkHandlers;
}

/** Calls that wait for their connection or their answer at most; further ones are dropped. */
export const MAX_PENDING_CALLS = 10_000;

export class SchedulerLink {
  readonly #options: SchedulerLinkOptions;
  #stream: ConnectionEnd | undefined;
  #calls: ConnectionEnd | undefined;
  #streamId: string | undefined;
  #waiting: SchedulerCall[] = [];
  #unanswered: SchedulerCall[] = [];
  #isOver = false;

  constructor(options: SchedulerLinkOptions) {
    this.#options = options;
  }

  /** Opens the stream by a SUBSCRIBE call. Use once. */
  subscribe(call: SchedulerCall): void {
    const { network, from, to } = this.#options;
    const isAlive = (): boolean => !this.#isOver;
    network.connect({ from, to, purpose: PURPOSES.stream }, isAlive, {
      failed: (reason) => this.#end(reason),
      connected: (end) => {
        this.#stream = end;
        end.onText = (text) => this.#arrived(text);
        end.onClose = (reason) => this.#end(reason);
        end.send(encodeJson('SchedulerCall', call));
      },
    });
  }

  /** Sends any other call. Never throws; a link that is over drops it. */
  call(call: SchedulerCall): void {
    if (this.#isOver || this.#waiting.length >= MAX_PENDING_CALLS) return;
    this.#waiting.push(call);
    this.#flush();
  }

  /** Closes both connections; no handler is called any more. */
  close(): void {
    this.#isOver = true;
    this.#stream?.close();
    this.#calls?.close();
  }

  #arrived(text: string): void {
    if (this.#streamId !== undefined) {
      this.#options.handlers.onEvent(decodeJson('SchedulerEvent', text));
      return;
    }
    this.#streamId = text;
    this.#openCalls();
  }

  #openCalls(): void {
    const { network, from, to } = this.#options;
    const isAlive = (): boolean => !this.#isOver;
    network.connect({ from, to, purpose: PURPOSES.calls }, isAlive, {
      failed: (reason) => this.#end(reason),
      connected: (end) => {
        this.#calls = end;
        end.onText = (text) => this.#answered(text);
        end.onClose = (reason) => this.#end(reason);
        this.#flush();
      },
    });
  }

  #flush(): void {
    if (this.#calls === undefined) return;
    for (const call of this.#waiting.splice(0)) {
      this.#unanswered.push(call);
      const text = encodeJson('SchedulerCall', call);
      this.#calls.send(formatFrame({ streamId: this.#streamId, call: text }));
    }
  }

  #answered(text: string): void {
    const call = this.#unanswered.shift();
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by SimulatedMaster
    const answer = JSON.parse(text) as CallAnswer;
    if (call !== undefined) this.#options.handlers.onAnswer?.(call, answer);
  }

  #end(reason: string): void {
    if (this.#isOver) return;
    this.close();
    this.#options.handlers.onEnd(reason);
  }
}
