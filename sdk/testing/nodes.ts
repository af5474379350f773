/** Finds what a test names: the master, agents by node or hostname, frameworks. */
import { PlateauError } from '../../core/base/index.js';
import { MASTER_NODE, type SimulatedCluster } from '../../core/simulation/index.js';

interface Named {
  readonly name: string;
}

export class Nodes {
  readonly #cluster: SimulatedCluster;
  readonly #frameworks: readonly Named[];

  constructor(cluster: SimulatedCluster, frameworks: readonly Named[]) {
    this.#cluster = cluster;
    this.#frameworks = frameworks;
  }

  /** The name of a node. @throws PlateauError `NOT_FOUND` naming those that there are. */
  name(what: string | Named): string {
    const name = typeof what === 'string' ? what : what.name;
    const isFramework = this.#frameworks.some((framework) => framework.name === name);
    if (name === MASTER_NODE || isFramework) return name;
    return this.#cluster.agents[this.agent(name)]?.name ?? name;
  }

  /** The index of an agent. @throws PlateauError `NOT_FOUND`. */
  agent(name: string): number {
    const { agents } = this.#cluster;
    const byNode = agents.findIndex((agent) => agent.name === name);
    const index = byNode < 0 ? agents.findLastIndex((agent) => agent.hostname === name) : byNode;
    if (index >= 0) return index;
    const nodes = agents.map((agent) =>
      agent.name === agent.hostname ? agent.name : `${agent.name} (${agent.hostname})`,
    );
    const known = [MASTER_NODE, ...nodes, ...this.#frameworks.map((one) => one.name)];
    throw new PlateauError('NOT_FOUND', `There is no '${name}': there are ${known.join(', ')}.`);
  }
}
