/** Which changes of its make-up an agent may come back with, and what it has in all. */
import type { AgentInfo, Resource } from '../api/index.js';
import { messagesEqual } from '../api/index.js';
import { PlateauError } from '../base/index.js';
import { Resources } from '../resources/index.js';
import type { AgentConfig } from './config.js';

/** What may not have changed in a way that the policy forbids; undefined: all is well. */
export function isReconfigurable(
  before: AgentInfo,
  now: AgentInfo,
  policy: AgentConfig['reconfigurationPolicy'],
): string | undefined {
  const had = Resources.fromWire(before.resources ?? []);
  const has = Resources.fromWire(now.resources ?? []);
  const isSame = policy === 'equal' ? has.equals(had) : has.contains(had);
  if (!isSame) return `the resources changed from ${had.toString()} to ${has.toString()}`;
  if (before.hostname !== now.hostname) return 'the hostname changed';
  const lost = (before.attributes ?? []).some(
    (attribute) =>
      !(now.attributes ?? []).some((other) => messagesEqual('Attribute', attribute, other)),
  );
  const isChanged =
    policy === 'equal'
      ? !messagesEqual('AgentInfo', attributesOf(before), attributesOf(now))
      : lost;
  if (isChanged) return 'the attributes changed';
  const gains = before.domain === undefined && policy === 'additive';
  const isMoved = !gains && !messagesEqual('AgentInfo', domainOf(before), domainOf(now));
  return isMoved ? 'the fault domain changed' : undefined;
}

function attributesOf(info: AgentInfo): AgentInfo {
  return { hostname: '', attributes: info.attributes ?? [] };
}

function domainOf(info: AgentInfo): AgentInfo {
  return { hostname: '', domain: info.domain };
}

/**
 * All that the agent has: the configured resources, as far as they are reserved dynamically or hold
 * a volume in that form.
 * @throws PlateauError `INVALID_FLAG` when the configured resources do not have what was reserved.
 */
export function totalResources(
  configured: readonly Resource[],
  checkpointed: readonly Resource[],
): Resources {
  const total = Resources.fromWire(configured);
  const applied = Resources.fromWire(checkpointed);
  const plain = Resources.fromWire(applied.toWire('post-refinement').map(withoutDynamic));
  if (!total.contains(plain)) {
    throw new PlateauError(
      'INVALID_FLAG',
      `the agent has ${total.toString()}, which does not contain what was reserved on it before, ` +
        `${applied.toString()}: start it with at least the resources that it had`,
    );
  }
  return total.minus(plain).plus(applied);
}

/** A resource as it was configured: without dynamic reservations and volumes. */
function withoutDynamic(resource: Resource): Resource {
  const { reservations = [], disk, shared: _shared, ...rest } = resource;
  const fixed = reservations.filter((reservation) => reservation.type !== 'DYNAMIC');
  return {
    ...rest,
    ...(fixed.length > 0 && { reservations: fixed }),
    ...(disk?.source !== undefined && { disk: { source: disk.source } }),
  };
}
