/**
 * One framework as a scheduler sees it: its event stream, and the calls that belong to it. What comes
 * over the stream waits in an inbox; updates are acknowledged unless a case wants to do that itself.
 */
import { userInfo } from 'node:os';
import { isRecord } from '../../../../core/base/index.js';
import { CheckFailed, expectStatus, fail, get, listAt, show, textAt } from './check.js';
import { type Answer, type Headers, JSON_TYPE, PROTOBUF_TYPE, exchange, open } from './http.js';
import type { Predicate, WaitOptions } from './inbox.js';
import { readJson, writeJson } from './json.js';
import { type Amounts, type Message, offered } from './messages.js';
import { readProtobuf, writeProtobuf } from './protobuf.js';
import { RecordStream } from './record-stream.js';

export const SCHEDULER_PATH = '/api/v1/scheduler';
/** Who runs the suite; tasks run as the same user. */
export const USER = userInfo().username;

const FINAL_STATES: ReadonlySet<unknown> = new Set([
  'TASK_FINISHED',
  'TASK_FAILED',
  'TASK_KILLED',
  'TASK_LOST',
  'TASK_ERROR',
  'TASK_DROPPED',
  'TASK_GONE',
  'TASK_GONE_BY_OPERATOR',
]);
const OFFER_WAIT_MS = 20_000;
const STATE_WAIT_MS = 20_000;
const LONG_REFUSAL_SECONDS = 3600;
const SHORT_REFUSAL_SECONDS = 0.1;

export interface SchedulerOptions {
  /** Members of FrameworkInfo that replace those it has otherwise. */
  readonly info?: Message;
  readonly capabilities?: readonly string[];
  /** Members of Subscribe beside the framework. */
  readonly subscribe?: Message;
  readonly isAcknowledging?: boolean;
  readonly sends?: 'json' | 'protobuf';
  readonly receives?: 'json' | 'protobuf';
  readonly headers?: Headers;
}

/** What a scheduler has to know about the cluster under test. */
export interface SchedulerTarget {
  readonly master: string;
  readonly agentId: string;
  /** A name that nothing else has. */
  unique(kind: string): string;
  /** Told of each framework that comes to be. */
  created(frameworkId: string): void;
}

export interface OfferOptions {
  readonly timeoutMs?: number;
  readonly where?: Predicate;
}

/** One record as it came. */
interface Received {
  readonly event: unknown;
  readonly text: string;
  readonly atMs: number;
}

export class Scheduler {
  readonly #target: SchedulerTarget;
  readonly #options: SchedulerOptions;
  readonly #acknowledgements: Promise<unknown>[] = [];
  readonly #received: Received[] = [];
  #info: Message;
  #stream: RecordStream | undefined;
  #subscribed: unknown;

  constructor(target: SchedulerTarget, options: SchedulerOptions = {}) {
    this.#target = target;
    this.#options = options;
    const capabilities = options.capabilities ?? ['MULTI_ROLE'];
    const role = target.unique('role');
    const roles = capabilities.includes('MULTI_ROLE') ? { roles: [role] } : { role };
    this.#info = {
      user: USER,
      name: target.unique('framework'),
      failover_timeout: 0,
      capabilities: capabilities.map((type) => ({ type })),
      ...(hasRoles(options.info) ? {} : roles),
      ...options.info,
    };
  }

  /** FrameworkInfo, with its id from the moment it has one. */
  get info(): Message {
    return this.#info;
  }

  get id(): string {
    return textAt(this.#info, 'id.value');
  }

  get frameworkId(): unknown {
    return this.#info['id'];
  }

  get role(): string {
    return textAt(this.#info, 'role' in this.#info ? 'role' : 'roles.0');
  }

  /** The SUBSCRIBED event, without its type. */
  get subscribed(): unknown {
    return this.#subscribed;
  }

  get stream(): RecordStream {
    return this.#stream ?? fail('this scheduler has no stream');
  }

  get streamId(): string {
    return String(this.stream.headers['mesos-stream-id']);
  }

  get events(): readonly unknown[] {
    return this.stream.inbox.log;
  }

  /** The first event of a type as text, as it came. */
  textOf(type: string): string {
    const found = this.#received.find(({ event }) => get(event, 'type') === type);
    return found?.text ?? fail(`no ${type} has come`);
  }

  /** When an event came, by the clock of `performance`. */
  timeOf(event: unknown): number {
    return (
      this.#received.find((one) => one.event === event)?.atMs ?? fail('an event of this stream')
    );
  }

  /** The SUBSCRIBE call that this scheduler sends. */
  get subscribeCall(): Message {
    const id = get(this.#info, 'id.value');
    return {
      type: 'SUBSCRIBE',
      ...(typeof id === 'string' && id !== '' ? { framework_id: this.#info['id'] } : {}),
      subscribe: { framework_info: this.#info, ...this.#options.subscribe },
    };
  }

  /** Opens the stream, whatever its status is. */
  async connect(): Promise<RecordStream> {
    const answer = await open(this.#target.master, {
      method: 'POST',
      path: SCHEDULER_PATH,
      headers: { ...this.#mediaTypes(), Connection: 'keep-alive', ...this.#options.headers },
      body: this.#encode(this.subscribeCall),
    });
    this.#stream = new RecordStream(answer, {
      decode: (record) => this.#decode(record),
      describe: describeEvent,
      onItem: (event) => this.#acknowledge(event),
    });
    return this.#stream;
  }

  /** Opens the stream and takes SUBSCRIBED from it. @throws CheckFailed when that is refused. */
  async subscribe(): Promise<this> {
    const first = await this.firstEvent();
    if (get(first, 'type') !== 'SUBSCRIBED') fail('SUBSCRIBE', 'SUBSCRIBED', first);
    return this;
  }

  /** Opens a stream that has to hold one ERROR and end; returns the message. */
  async refusal(): Promise<string> {
    const first = await this.firstEvent();
    if (get(first, 'type') !== 'ERROR') fail('the first record', 'ERROR', first);
    await this.stream.inbox.untilEnd();
    return textAt(first, 'error.message');
  }

  /** Opens the stream and returns its first event. */
  async firstEvent(): Promise<unknown> {
    const stream = await this.connect();
    if (stream.status !== 200) {
      await stream.inbox.untilEnd();
      fail('SUBSCRIBE', 'a stream', `${stream.status} ${stream.text}`);
    }
    const first = await stream.inbox.next(() => true, { what: 'SUBSCRIBED' });
    if (get(first, 'type') === 'SUBSCRIBED') {
      this.#subscribed = get(first, 'subscribed');
      this.#info = { ...this.#info, id: get(first, 'subscribed.framework_id') };
      this.#target.created(this.id);
    }
    return first;
  }

  /** The next event of a type, or the next that fits. */
  next(wanted: string | Predicate, options: WaitOptions = {}): Promise<unknown> {
    const what = typeof wanted === 'string' ? wanted : 'event';
    return this.stream.inbox.next(toPredicate(wanted), { what, ...options });
  }

  /** @throws CheckFailed when an event of this type, or one that fits, comes within this time. */
  none(wanted: string | Predicate, forMs: number, what: string): Promise<void> {
    return this.stream.inbox.none(toPredicate(wanted), forMs, what);
  }

  untilClosed(): Promise<void> {
    return this.stream.inbox.untilEnd();
  }

  /** Sends a call and returns its answer, whatever it is. */
  send(call: unknown, headers: Headers = {}): Promise<Answer> {
    return exchange(this.#target.master, {
      method: 'POST',
      path: SCHEDULER_PATH,
      headers: {
        ...this.#mediaTypes(),
        'Mesos-Stream-Id': this.streamId,
        Connection: 'close',
        ...headers,
      },
      body: typeof call === 'string' ? call : this.#encode(call),
    });
  }

  /** A call of this framework that the master has to take. */
  async call(type: string, more: Message = {}, expected = 202): Promise<void> {
    const answer = await this.send({ type, framework_id: this.frameworkId, ...more });
    expectStatus(answer, expected, type);
  }

  /** The next offer of the agent under test that holds so much; others are declined. */
  async offer(needed: Amounts = {}, options: OfferOptions = {}): Promise<unknown> {
    const { timeoutMs = OFFER_WAIT_MS, where = () => true } = options;
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const left = Math.max(1, deadline - performance.now());
      const event = await this.next('OFFERS', { timeoutMs: left, what: 'a fitting offer' });
      const offers = listAt(event, 'offers.offers');
      const isHere = (one: unknown): boolean => get(one, 'agent_id.value') === this.#target.agentId;
      const chosen = offers.find((one) => isHere(one) && holds(one, needed) && where(one));
      for (const other of offers.filter((one) => one !== chosen)) {
        await this.decline(other, isHere(other) ? SHORT_REFUSAL_SECONDS : LONG_REFUSAL_SECONDS);
      }
      if (chosen !== undefined) return chosen;
    }
  }

  decline(offers: unknown, refuseSeconds?: number): Promise<void> {
    const filters = refuseSeconds === undefined ? {} : { refuse_seconds: refuseSeconds };
    return this.call('DECLINE', {
      decline: {
        offer_ids: [offers].flat().map((one) => get(one, 'id')),
        ...(refuseSeconds === undefined ? {} : { filters }),
      },
    });
  }

  accept(offer: unknown, operations: readonly Message[], refuseSeconds?: number): Promise<void> {
    const filters = { refuse_seconds: refuseSeconds };
    return this.call('ACCEPT', {
      accept: {
        offer_ids: [get(offer, 'id')],
        operations,
        ...(refuseSeconds === undefined ? {} : { filters }),
      },
    });
  }

  launch(offer: unknown, tasks: Message | readonly Message[], refuseSeconds?: number) {
    const operation = { type: 'LAUNCH', launch: { task_infos: [tasks].flat() } };
    return this.accept(offer, [operation], refuseSeconds);
  }

  launchGroup(
    offer: unknown,
    { executor, tasks }: { readonly executor: Message; readonly tasks: readonly Message[] },
    refuseSeconds?: number,
  ): Promise<void> {
    const group = { executor, task_group: { tasks } };
    return this.accept(offer, [{ type: 'LAUNCH_GROUP', launch_group: group }], refuseSeconds);
  }

  suppress(roles?: readonly string[]): Promise<void> {
    return this.call('SUPPRESS', roles === undefined ? {} : { suppress: { roles } });
  }

  revive(roles?: readonly string[]): Promise<void> {
    return this.call('REVIVE', roles === undefined ? {} : { revive: { roles } });
  }

  kill(taskId: string, more: Message = {}): Promise<void> {
    return this.call('KILL', { kill: { task_id: { value: taskId }, ...more } });
  }

  reconcile(tasks: readonly Message[] = []): Promise<void> {
    return this.call('RECONCILE', { reconcile: { tasks } });
  }

  acknowledge(status: unknown): Promise<void> {
    const { agent_id, task_id, uuid } = isRecord(status) ? status : {};
    return this.call('ACKNOWLEDGE', { acknowledge: { agent_id, task_id, uuid } });
  }

  /** The next status of a task. */
  async status(taskId: string, options: WaitOptions = {}): Promise<unknown> {
    const event = await this.next(isUpdateOf(taskId), {
      what: `an update of ${taskId}`,
      ...options,
    });
    return get(event, 'update.status');
  }

  /** Takes statuses of a task until one has this state; another final one fails. */
  async until(
    taskId: string,
    state: string,
    { timeoutMs = STATE_WAIT_MS, where = () => true }: OfferOptions = {},
  ): Promise<unknown> {
    const deadline = performance.now() + timeoutMs;
    const seen: unknown[] = [];
    for (;;) {
      const left = Math.max(1, deadline - performance.now());
      const what = `${state} of ${taskId} after ${show(seen)}`;
      const status = await this.status(taskId, { timeoutMs: left, what });
      const reached = get(status, 'state');
      seen.push(reached);
      if (reached === state && where(status)) return status;
      if (FINAL_STATES.has(reached)) fail(`the end of ${taskId}`, state, status);
    }
  }

  /** Waits for the acknowledgements that are under way. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#acknowledgements.splice(0));
  }

  /** Closes the stream without a word. */
  disconnect(): void {
    this.#stream?.close();
  }

  /** Ends the framework. */
  async teardown(): Promise<void> {
    await this.settle();
    await this.call('TEARDOWN');
    this.disconnect();
  }

  #mediaTypes(): Headers {
    const { sends = 'json', receives = 'json' } = this.#options;
    return {
      'Content-Type': sends === 'json' ? JSON_TYPE : PROTOBUF_TYPE,
      Accept: receives === 'json' ? JSON_TYPE : PROTOBUF_TYPE,
    };
  }

  #encode(call: unknown): string | Buffer {
    if (this.#options.sends !== 'protobuf') return writeJson(call);
    return writeProtobuf('SchedulerCall', isRecord(call) ? call : {});
  }

  #decode(record: Buffer): unknown {
    const isProtobuf = this.#options.receives === 'protobuf';
    const text = isProtobuf ? '' : record.toString('utf8');
    const event = isProtobuf ? readProtobuf('SchedulerEvent', record) : readJson(text);
    this.#received.push({ event, text, atMs: performance.now() });
    return event;
  }

  #acknowledge(event: unknown): void {
    if (this.#options.isAcknowledging === false) return;
    const task = get(event, 'update.status');
    const operation = get(event, 'update_operation_status.status');
    if (get(task, 'uuid') !== undefined) this.#later(this.acknowledge(task));
    if (get(operation, 'uuid') !== undefined && get(operation, 'operation_id') !== undefined) {
      const acknowledgement = {
        agent_id: get(operation, 'agent_id'),
        uuid: get(operation, 'uuid.value'),
        operation_id: get(operation, 'operation_id'),
      };
      this.#later(
        this.call('ACKNOWLEDGE_OPERATION_STATUS', {
          acknowledge_operation_status: acknowledgement,
        }),
      );
    }
  }

  /** What comes of an acknowledgement shows in what the master does next. */
  #later(sent: Promise<void>): void {
    this.#acknowledgements.push(
      sent.catch((error: unknown) => (error instanceof CheckFailed ? undefined : error)),
    );
  }
}

function hasRoles(info: Message = {}): boolean {
  return 'role' in info || 'roles' in info;
}

function toPredicate(wanted: string | Predicate): Predicate {
  return typeof wanted === 'string' ? (event) => get(event, 'type') === wanted : wanted;
}

export function isUpdateOf(taskId: string): Predicate {
  return (event) => get(event, 'update.status.task_id.value') === taskId;
}

function holds(offer: unknown, needed: Amounts): boolean {
  return Object.entries(needed).every(([name, amount]) => offered(offer, name) >= amount - 1e-9);
}

function describeEvent(event: unknown): string {
  const type = String(get(event, 'type'));
  const { state, reason, message } = recordAt(event, 'update.status');
  if (type === 'UPDATE') return [state, reason, message].filter(Boolean).join(' ');
  if (type === 'ERROR') return `ERROR ${textAt(event, 'error.message')}`;
  return type;
}

function recordAt(event: unknown, path: string): Readonly<Record<string, unknown>> {
  const found = get(event, path);
  return isRecord(found) ? found : {};
}
