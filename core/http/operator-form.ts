/** What the operators' endpoints from before the v1 API share: they are its calls in other words. */
import type { MasterCall } from '../api/index.js';
import { PlateauError } from '../base/index.js';
import { answerText } from './answers.js';
import { type MasterRouteContext, leadingMaster } from './master-context.js';
import type { Exchange } from './routes.js';
import type { ServedMaster } from './served-master.js';

/** The master, when it leads and has its registry; otherwise the request was answered. */
export function servingMaster(
  context: MasterRouteContext,
  exchange: Exchange,
): ServedMaster | undefined {
  const master = leadingMaster(context, exchange);
  if (master === undefined || master.isRecovered) return master;
  answerText(exchange, 503, 'The master has not finished its recovery: try again.');
  return undefined;
}

/** Makes a call that only does something, and answers with its status. */
export async function answerCall(
  exchange: Exchange,
  master: ServedMaster,
  call: MasterCall,
): Promise<void> {
  const answer = await master.operatorCall(call);
  if ('status' in answer) answerText(exchange, answer.status, answer.message ?? '');
  else answerText(exchange, 500, 'The master gave no status.');
}

/** Reads what a body says; undefined: it was answered with 400 and what is wrong with it. */
export function parseOrRefuse<Value>(
  exchange: Exchange,
  what: string,
  parse: () => Value,
): Value | undefined {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof PlateauError) || error.code !== 'INVALID_MESSAGE') throw error;
    answerText(exchange, 400, `Failed to parse ${what} request JSON: ${error.message}`);
    return undefined;
  }
}
