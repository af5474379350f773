/** Finding the master that leads: from a list of addresses, or from whatever else knows. */
import { DEFAULT_MASTER_PORT, parseAddresses } from '../../core/client/index.js';

/** Where masters are looked for. Those of ZooKeeper or etcd would implement the same. */
export interface MasterDetector {
  /**
   * Base URLs of masters, the likeliest leader first; asked before each subscription. They are tried in
   * turn until one answers; one that does not lead names the leader itself. A rejection counts as
   * nobody being there.
   */
  candidates(): Promise<readonly URL[]>;
  /** Told the base URL of the master that took a subscription; undefined: none of the candidates did. */
  leaderIs?(leader: URL | undefined): void;
  /** Frees what it holds. */
  close(): Promise<void>;
}

/** A fixed list, beginning with the leader known last; after a failure it begins one further on. */
export class ListDetector implements MasterDetector {
  readonly #masters: readonly URL[];
  #leader: URL | undefined;
  #first = 0;

  /**
   * @param masters `host`, `host:port` or URLs, with commas between. Default port: that of masters.
   * @throws PlateauError `INVALID_FLAG` when one is no address.
   */
  constructor(masters: string) {
    this.#masters = parseAddresses(masters, DEFAULT_MASTER_PORT);
  }

  async candidates(): Promise<readonly URL[]> {
    const inTurn = [...this.#masters.slice(this.#first), ...this.#masters.slice(0, this.#first)];
    const leader = this.#leader;
    if (leader === undefined) return inTurn;
    return [leader, ...inTurn.filter(({ origin }) => origin !== leader.origin)];
  }

  leaderIs(leader: URL | undefined): void {
    if (leader === undefined) this.#first = (this.#first + 1) % this.#masters.length;
    this.#leader = leader;
  }

  async close(): Promise<void> {
    this.#leader = undefined;
  }
}
