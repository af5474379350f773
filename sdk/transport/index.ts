/** The way to the master: over HTTP, with detection of the leader. */
export { MAX_REFUSAL_BYTES } from './answer-text.js';
export { LAST_ANSWERS_MS, MAX_CONFIRMING_CONNECTIONS } from './calls.js';
export { ListDetector, type MasterDetector } from './detector.js';
export {
  type Refusal,
  callRefused,
  masterUnreachable,
  notSent,
  streamEnded,
  subscriptionRefused,
  unanswered,
} from './failures.js';
export { HttpTransport, type HttpTransportOptions } from './http-transport.js';
export { sandboxUrl } from './sandbox-url.js';
