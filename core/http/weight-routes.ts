/** `/weights` from before the v1 API: GET shows the weights that were ever set, PUT sets some. */
import { type WeightInfo, fromJson, parseJson } from '../api/index.js';
import { PlateauError } from '../base/index.js';
import { answerJson, answerMethodNotAllowed } from './answers.js';
import { readBytes } from './form.js';
import { type MasterRouteContext, leadingMaster } from './master-context.js';
import { pageNames } from './master-pages.js';
import { answerCall, parseOrRefuse, servingMaster } from './operator-form.js';
import type { Exchange, RouteTable } from './routes.js';

/** Adds the routes. */
export function addWeightRoutes(routes: RouteTable, context: MasterRouteContext): void {
  routes.endpoint(pageNames('/weights'), async (exchange) => {
    const { method } = exchange.request;
    if (method === 'GET' || method === 'HEAD') await showWeights(exchange, context);
    else if (method === 'PUT') await setWeights(exchange, context);
    else answerMethodNotAllowed(exchange, ['GET', 'HEAD', 'PUT']);
  });
}

async function showWeights(exchange: Exchange, context: MasterRouteContext): Promise<void> {
  const master = leadingMaster(context, exchange);
  if (master === undefined) return;
  const infos = [...master.cluster.weights].map(([role, weight]) => ({ role, weight }));
  await answerJson(exchange, JSON.stringify(infos));
}

async function setWeights(exchange: Exchange, context: MasterRouteContext): Promise<void> {
  const master = servingMaster(context, exchange);
  const bytes = master === undefined ? undefined : await readBytes(exchange);
  if (master === undefined || bytes === undefined) return;
  const weight_infos = parseOrRefuse(exchange, 'update weights', () => readWeights(bytes));
  if (weight_infos === undefined) return;
  await answerCall(exchange, master, { type: 'UPDATE_WEIGHTS', update_weights: { weight_infos } });
}

function readWeights(bytes: Buffer): readonly WeightInfo[] {
  const list = parseJson(bytes);
  if (Array.isArray(list)) return list.map((one) => fromJson('WeightInfo', one));
  throw new PlateauError('INVALID_MESSAGE', 'expected a list of objects with role and weight');
}
