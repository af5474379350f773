/** What the tests of the transport share: a session that writes down what it is told. */
import type { SchedulerCall, SchedulerEvent } from '../../../../core/api/index.js';
import { systemWorld } from '../../../../core/base/index.js';
import type { Session } from '../../../../sdk/runtime/index.js';
import { HttpTransport, type MasterDetector } from '../../../../sdk/transport/index.js';
import { until } from '../../client/support.js';

export const SUBSCRIBE: SchedulerCall = {
  type: 'SUBSCRIBE',
  subscribe: { framework_info: { user: 'nobody', name: 'test', roles: ['test'] } },
};

export const DECLINE: SchedulerCall = {
  type: 'DECLINE',
  decline: { offer_ids: [{ value: 'o-1' }] },
};

export function acknowledge(uuid: string): SchedulerCall {
  return {
    type: 'ACKNOWLEDGE',
    acknowledge: { agent_id: { value: 'a-1' }, task_id: { value: 't-1' }, uuid },
  };
}

export function transportTo(
  masters: string | MasterDetector,
  connectTimeoutMs = 2000,
): HttpTransport {
  const world = systemWorld();
  return new HttpTransport({ world, masters, connectTimeoutMs, requestTimeoutMs: 5000 });
}

/** Opens a session and remembers what it was told. */
export class Heard {
  readonly events: SchedulerEvent[] = [];
  readonly session: Session;
  #ends: Error[] = [];

  constructor(
    transport: HttpTransport,
    onEvent: (event: SchedulerEvent) => void | Promise<void> = () => undefined,
  ) {
    this.session = transport.open(SUBSCRIBE, {
      onEvent: (event) => {
        this.events.push(event);
        return onEvent(event);
      },
      onEnd: (error) => void this.#ends.push(error),
    });
  }

  get types(): readonly (string | undefined)[] {
    return this.events.map(({ type }) => type);
  }

  get ends(): readonly Error[] {
    return this.#ends;
  }

  async subscribed(): Promise<void> {
    await until(() => this.events.length > 0 || this.#ends.length > 0);
    if (this.#ends[0] !== undefined) throw this.#ends[0];
  }

  async end(): Promise<Error> {
    await until(() => this.#ends.length > 0);
    return this.#ends[0] ?? new Error('no end');
  }
}
