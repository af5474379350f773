/**
 * Calls on their way: sent when a session is there, and dealt with when they fail. A launch that
 * certainly did not reach the master is over at once; of one that may have, the master is asked.
 */
import { PlateauError } from '../../core/base/index.js';
import type { Connection } from './connection.js';
import type { CoreParts } from './core-parts.js';
import type { OutgoingCall } from './outbox.js';
import type { TurnRunner } from './turn-runner.js';

export class CallTracker {
  readonly #parts: CoreParts;
  readonly #connection: Connection;
  readonly #runner: TurnRunner;
  /** By number: those whose outcome matters. */
  readonly #open = new Map<number, OutgoingCall>();
  #last = 0;

  constructor(
    parts: CoreParts,
    options: { readonly connection: Connection; readonly runner: TurnRunner },
  ) {
    this.#parts = parts;
    this.#connection = options.connection;
    this.#runner = options.runner;
  }

  /** Sends a call. One for which there is no session, or no longer the right one, is dropped. */
  send(call: OutgoingCall): void {
    const { subscription, unsent, context } = this.#parts;
    const { frameworkId } = this.#connection;
    const isStale = call.session !== undefined && call.session !== subscription.session;
    for (const id of call.launched ?? []) unsent.delete(id);
    for (const id of call.operations ?? []) this.#parts.operations.sent(id);
    if (!subscription.isSubscribed || isStale || frameworkId === undefined) {
      this.#notLaunched(call, 'its offer was gone before it could be sent');
      return;
    }
    context.counters.count('calls');
    const message = { ...call.message, framework_id: { value: frameworkId } };
    // Updates whose acknowledgement was lost come again: nobody needs to know.
    if (message.type === 'ACKNOWLEDGE') {
      context.emit({ kind: 'call', message });
      return;
    }
    this.#last++;
    this.#open.set(this.#last, call);
    context.emit({ kind: 'call', call: this.#last, message });
  }

  succeeded(number: number): void {
    const call = this.#open.get(number);
    this.#open.delete(number);
    if (call?.message.type === 'TEARDOWN') this.#connection.tornDown();
  }

  failed(number: number, error: Error): void {
    const call = this.#open.get(number);
    if (call === undefined) return;
    this.#open.delete(number);
    this.#parts.context.counters.count('calls_failed');
    const code = error instanceof PlateauError ? error.code : undefined;
    const { type = 'UNKNOWN' } = call.message;
    // With the stream everything that was on its way is over; that is told as one thing.
    if (code !== 'STREAM_ENDED') this.#runner.tell({ error, where: type, policy: 'skip' });
    if (call.launched === undefined) return;
    if (code === 'STREAM_ENDED') {
      this.#notLaunched(call, 'it could not be sent');
    } else if (code === 'CALL_REFUSED') {
      this.#notLaunched(call, `the master refused it: ${error.message}`);
      this.#giveBack(call);
    } else if (call.session === this.#parts.subscription.session) {
      // It may arrive yet. A new session ends that: then the master is asked.
      this.#connection.lose(`${type} failed: ${error.message}`);
    }
  }

  #notLaunched({ launched = [], operations = [] }: OutgoingCall, reason: string): void {
    for (const id of operations)
      this.#connection.dropped(id, `The operation was not sent: ${reason}`);
    for (const id of launched) {
      if (this.#parts.ledger.get(id)?.state !== 'LAUNCHING') continue;
      this.#parts.context.counters.count('tasks_not_sent');
      this.#connection.lost(id, 'TASK_DROPPED', `The task was not launched: ${reason}`);
    }
  }

  /** The offers of a refused ACCEPT are still there. */
  #giveBack({ message, session }: OutgoingCall): void {
    const offer_ids = message.accept?.offer_ids ?? [];
    if (offer_ids.length === 0 || session !== this.#parts.subscription.session) return;
    const filters = { refuse_seconds: this.#parts.context.settings.notReadyForMs / 1000 };
    this.#parts.say({ type: 'DECLINE', decline: { offer_ids, filters } });
  }
}
