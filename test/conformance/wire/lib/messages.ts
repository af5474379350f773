/** Builders of the messages that most cases send. */
import { randomUUID } from 'node:crypto';
import { get, listAt, numberAt, textAt } from './check.js';

export type Message = Readonly<Record<string, unknown>>;
export type Amounts = Readonly<Record<string, number>>;

const DEFAULT_TASK: Amounts = { cpus: 0.1, mem: 32 };

export function scalar(name: string, value: number, more: Message = {}): Message {
  return { name, type: 'SCALAR', scalar: { value }, ...more };
}

export function amountsOf(amounts: Amounts): readonly Message[] {
  return Object.entries(amounts).map(([name, value]) => scalar(name, value));
}

/** How much of a scalar some resources hold together. */
export function totalOf(
  resources: readonly unknown[],
  name: string,
  counts: (resource: unknown) => boolean = () => true,
): number {
  return resources
    .filter((one) => get(one, 'name') === name && get(one, 'type') === 'SCALAR' && counts(one))
    .reduce<number>((sum, one) => sum + numberAt(one, 'scalar.value'), 0);
}

/** How much of a scalar an offer holds. */
export function offered(
  offer: unknown,
  name: string,
  counts?: (resource: unknown) => boolean,
): number {
  return totalOf(listAt(offer, 'resources'), name, counts);
}

/** A task that runs a command; given members replace those it has otherwise. */
export function commandTask(
  id: string,
  offer: unknown,
  command: string | Message,
  more: Message = {},
): Message {
  return {
    name: id,
    task_id: { value: id },
    agent_id: get(offer, 'agent_id'),
    resources: amountsOf(DEFAULT_TASK),
    command: typeof command === 'string' ? { value: command } : command,
    ...more,
  };
}

export function idOf(task: unknown): string {
  return textAt(task, 'task_id.value');
}

export function toBase64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

export function fromBase64(text: string): string {
  return Buffer.from(text, 'base64').toString('utf8');
}

/** 16 random bytes in base64. */
export function freshUuid(): string {
  return Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64');
}

export function duration(seconds: number): Message {
  return { nanoseconds: Math.round(seconds * 1e9) };
}
