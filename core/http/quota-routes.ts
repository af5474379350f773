/**
 * `/quota` from before the v1 API: GET shows all quotas, POST sets that of a role which has none,
 * `DELETE /quota/ROLE` removes it.
 */
import { decodeJson, encodeJson } from '../api/index.js';
import { quotaStatus } from '../master/index.js';
import { answerJson, answerMethodNotAllowed } from './answers.js';
import { readBytes, refuseOtherSite } from './form.js';
import { type MasterRouteContext, leadingMaster, withPrefix } from './master-context.js';
import { pageNames } from './master-pages.js';
import { answerCall, parseOrRefuse, servingMaster } from './operator-form.js';
import type { Exchange, RouteTable } from './routes.js';

/** Adds the routes. */
export function addQuotaRoutes(routes: RouteTable, context: MasterRouteContext): void {
  routes.endpoint(pageNames('/quota'), async (exchange) => {
    const { method } = exchange.request;
    if (method === 'GET' || method === 'HEAD') await showQuotas(exchange, context);
    else if (method === 'POST') await setQuota(exchange, context);
    else answerMethodNotAllowed(exchange, ['GET', 'HEAD', 'POST']);
  });
  for (const path of withPrefix('/quota')) {
    routes.below([path], async (exchange) => {
      if (exchange.request.method !== 'DELETE') answerMethodNotAllowed(exchange, ['DELETE']);
      else await removeQuota(exchange, context, exchange.path.slice(path.length + 1));
    });
  }
}

async function showQuotas(exchange: Exchange, context: MasterRouteContext): Promise<void> {
  const master = leadingMaster(context, exchange);
  if (master === undefined) return;
  await answerJson(exchange, encodeJson('QuotaStatus', quotaStatus(master.cluster)));
}

async function setQuota(exchange: Exchange, context: MasterRouteContext): Promise<void> {
  const master = servingMaster(context, exchange);
  const bytes = master === undefined ? undefined : await readBytes(exchange);
  if (master === undefined || bytes === undefined) return;
  const quota_request = parseOrRefuse(exchange, 'set quota', () =>
    decodeJson('QuotaRequest', bytes),
  );
  if (quota_request === undefined) return;
  await answerCall(exchange, master, { type: 'SET_QUOTA', set_quota: { quota_request } });
}

async function removeQuota(
  exchange: Exchange,
  context: MasterRouteContext,
  role: string,
): Promise<void> {
  const master = servingMaster(context, exchange);
  if (master === undefined || refuseOtherSite(exchange)) return;
  await answerCall(exchange, master, { type: 'REMOVE_QUOTA', remove_quota: { role } });
}
