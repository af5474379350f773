/**
 * What a framework must not leave behind: offers that nobody answers, updates that nobody acknowledges,
 * timers, daemons, and reservations. Looked at in the books of the real master and agents.
 */
import { id } from '../../core/base/index.js';
import type { SimulatedCluster } from '../../core/simulation/index.js';
import { DAEMON_STOP_MS } from '../runtime/index.js';
import type { SimulatedFramework } from './simulated-framework.js';

/** The complaints about a framework at this moment; empty: it is clean. */
export function complaintsAbout(
  cluster: SimulatedCluster,
  framework: SimulatedFramework,
): readonly string[] {
  return [...offerComplaints(cluster, framework), ...updateComplaints(cluster, framework)];
}

/** Offers that are neither answered nor held by a decision. */
function offerComplaints(
  { master }: SimulatedCluster,
  { name, frameworkId, view, isActive }: SimulatedFramework,
): readonly string[] {
  if (master === undefined || !isActive) return [];
  const held = new Set(view.heldOffers.map(({ offerId }) => offerId));
  const complaints: string[] = [];
  for (const framework of master.cluster.frameworks.values()) {
    if (framework.id !== frameworkId) continue;
    for (const offer of framework.offers.values()) {
      if (held.has(offer.id)) continue;
      complaints.push(`${name}: offer ${offer.id} of agent ${offer.agentId} is not answered`);
    }
  }
  return complaints;
}

/** Updates that agents still repeat. */
function updateComplaints(
  { agents }: SimulatedCluster,
  { name, frameworkId, isActive }: SimulatedFramework,
): readonly string[] {
  if (!isActive || frameworkId === undefined) return [];
  return agents.flatMap(({ name: host, agent }) =>
    (agent?.unacknowledged(id<'FrameworkId'>(frameworkId)) ?? []).map(
      (task) => `${name}: ${host} waits for an acknowledgement of task ${task}`,
    ),
  );
}

/** Daemons that were told to end, and have not. */
export function daemonComplaints({ name, hangingDaemons }: SimulatedFramework): readonly string[] {
  return hangingDaemons.map(
    (daemon) =>
      `${name}: its daemon ${daemon} went on for ${DAEMON_STOP_MS / 1000} s after it was told to end: let it wait by ` +
      'context.sleep, or give context.signal to what it waits for',
  );
}

/** Dynamic reservations of the framework's roles: nobody else can use them, for ever. */
export function reservationComplaints(
  { master }: SimulatedCluster,
  { name, definition }: SimulatedFramework,
): readonly string[] {
  const complaints: string[] = [];
  for (const agent of master?.cluster.agents.values() ?? []) {
    const reserved = agent.total.filter(
      (item) =>
        item.reservations.at(-1)?.type === 'DYNAMIC' &&
        definition.settings.roles.includes(item.role),
    );
    if (reserved.isEmpty) continue;
    complaints.push(`${name}: reserved on ${agent.info.hostname}: ${reserved.toString()}`);
  }
  return complaints;
}
