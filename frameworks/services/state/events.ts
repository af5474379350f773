/** The events that other programs are told of, in Marathon's types, as plain data. */

export interface ServiceEvent {
  readonly eventType: string;
  readonly timestamp: string;
  readonly [field: string]: unknown;
}

/** Collects the events of one turn: they are told when the turn has gone well. */
export class EventLog {
  readonly #events: ServiceEvent[] = [];

  add(eventType: string, nowMs: number, fields: Readonly<Record<string, unknown>>): void {
    this.#events.push({ ...fields, eventType, timestamp: new Date(nowMs).toISOString() });
  }

  get events(): readonly ServiceEvent[] {
    return this.#events;
  }
}
