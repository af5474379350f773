/**
 * Requests of which only our own upgrade counts as one. Clients such as the JDK's offer `Upgrade:
 * h2c` with every plain request; Node would hand each of them to the upgrade listener, without its
 * body. An upgrade that we do not know is ignored, as HTTP allows, and the request is answered.
 */
import { IncomingMessage } from 'node:http';

/** The protocol of the connection between agent and master. */
export const LINK_PROTOCOL = 'plateau-link/1';

/**
 * The request class of our servers. Node's parser stores in `upgrade` that the headers ask for one,
 * and reads it back once all headers are known.
 */
export class UpgradeAwareRequest extends IncomingMessage {
  declare private asksForUpgrade: boolean | null | undefined;

  set upgrade(value: boolean | null) {
    this.asksForUpgrade = value;
  }

  get upgrade(): boolean {
    if (this.asksForUpgrade !== true) return false;
    return this.method === 'CONNECT' || this.headers.upgrade === LINK_PROTOCOL;
  }
}
