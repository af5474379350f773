/**
 * Maintenance from before the v1 API: `/maintenance/schedule` (GET shows it, POST replaces it),
 * `/maintenance/status`, and `/machine/down` and `/machine/up`, whose body is a list of machines.
 */
import {
  type MachineID,
  type MasterCall,
  type MasterResponse,
  decodeJson,
  encodeJson,
  fromJson,
  parseJson,
} from '../api/index.js';
import { PlateauError } from '../base/index.js';
import { answerJson, answerMethodNotAllowed, answerText } from './answers.js';
import { readBytes } from './form.js';
import { type MasterRouteContext, withPrefix } from './master-context.js';
import { answerCall, parseOrRefuse, servingMaster } from './operator-form.js';
import type { Exchange, RouteTable } from './routes.js';

/** Adds the routes. */
export function addMaintenanceRoutes(routes: RouteTable, context: MasterRouteContext): void {
  routes.endpoint(withPrefix('/maintenance/schedule'), async (exchange) => {
    const { method } = exchange.request;
    if (method === 'GET' || method === 'HEAD') await showSchedule(exchange, context);
    else if (method === 'POST') await updateSchedule(exchange, context);
    else answerMethodNotAllowed(exchange, ['GET', 'HEAD', 'POST']);
  });
  routes.page(withPrefix('/maintenance/status'), async (exchange) => {
    const response = await read(exchange, context, 'GET_MAINTENANCE_STATUS');
    const status = response?.get_maintenance_status?.status;
    if (status === undefined) return;
    await answerJson(exchange, encodeJson('MaintenanceClusterStatus', status));
  });
  routes.post(withPrefix('/machine/down'), async (exchange) => {
    await changeMachines(exchange, context, (machines) => ({
      type: 'START_MAINTENANCE',
      start_maintenance: { machines },
    }));
  });
  routes.post(withPrefix('/machine/up'), async (exchange) => {
    await changeMachines(exchange, context, (machines) => ({
      type: 'STOP_MAINTENANCE',
      stop_maintenance: { machines },
    }));
  });
}

async function showSchedule(exchange: Exchange, context: MasterRouteContext): Promise<void> {
  const response = await read(exchange, context, 'GET_MAINTENANCE_SCHEDULE');
  const schedule = response?.get_maintenance_schedule?.schedule;
  if (schedule === undefined) return;
  await answerJson(exchange, encodeJson('MaintenanceSchedule', schedule));
}

async function updateSchedule(exchange: Exchange, context: MasterRouteContext): Promise<void> {
  const master = servingMaster(context, exchange);
  const bytes = master === undefined ? undefined : await readBytes(exchange);
  if (master === undefined || bytes === undefined) return;
  const schedule = parseOrRefuse(exchange, 'maintenance schedule', () =>
    decodeJson('MaintenanceSchedule', bytes),
  );
  if (schedule === undefined) return;
  await answerCall(exchange, master, {
    type: 'UPDATE_MAINTENANCE_SCHEDULE',
    update_maintenance_schedule: { schedule },
  });
}

async function changeMachines(
  exchange: Exchange,
  context: MasterRouteContext,
  callOf: (machines: readonly MachineID[]) => MasterCall,
): Promise<void> {
  const master = servingMaster(context, exchange);
  const bytes = master === undefined ? undefined : await readBytes(exchange);
  if (master === undefined || bytes === undefined) return;
  const machines = parseOrRefuse(exchange, 'machines', () => readMachines(bytes));
  if (machines !== undefined) await answerCall(exchange, master, callOf(machines));
}

function readMachines(bytes: Buffer): readonly MachineID[] {
  const list = parseJson(bytes);
  if (Array.isArray(list)) return list.map((one) => fromJson('MachineID', one));
  throw new PlateauError('INVALID_MESSAGE', 'expected a list of objects with hostname or ip');
}

/** Asks the master; undefined: the request was answered. */
async function read(
  exchange: Exchange,
  context: MasterRouteContext,
  type: 'GET_MAINTENANCE_SCHEDULE' | 'GET_MAINTENANCE_STATUS',
): Promise<MasterResponse | undefined> {
  const answer = await servingMaster(context, exchange)?.operatorCall({ type });
  if (answer === undefined || !('status' in answer)) return answer;
  answerText(exchange, answer.status, answer.message ?? '');
  return undefined;
}
