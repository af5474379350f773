/** Who leads, as a master's server has to know it: only the leader answers, others send there. */
import { answerRedirect, answerText } from './answers.js';
import type { Exchange } from './routes.js';

/** Where a master is. */
export interface LeaderAddress {
  readonly hostname: string;
  readonly port: number;
}

/** `here`: this master leads. Undefined: nobody is known to lead. */
export type Leadership = () => LeaderAddress | 'here' | undefined;

/** Leads always: the only master of its cluster. */
export const LEADS_ALONE: Leadership = () => 'here';

/**
 * Answers a request that only the leader may answer: with a redirect to it, or 503 when there is
 * none. False: this master leads, and nothing was answered.
 */
export function answerElsewhere(exchange: Exchange, leadership: Leadership): boolean {
  const leader = leadership();
  if (leader === 'here') return false;
  if (leader === undefined) {
    answerText(exchange, 503, 'No leading master is known yet: try again.', { 'Retry-After': '1' });
  } else {
    answerRedirect(exchange, `//${leader.hostname}:${leader.port}${exchange.target}`);
  }
  return true;
}
