/**
 * The forms by which operators reserve resources and make volumes, from before the v1 API:
 * `/reserve`, `/unreserve`, `/create-volumes`, `/destroy-volumes`. Each is the call of the v1 API in
 * other words; lists of resources are JSON within the form.
 */
import { type MasterCall, type Resource, fromJson, parseJson } from '../api/index.js';
import { errorMessage } from '../base/index.js';
import { answerText } from './answers.js';
import { readForm } from './form.js';
import { type MasterRouteContext, withPrefix } from './master-context.js';
import { answerCall, servingMaster } from './operator-form.js';
import type { RouteTable } from './routes.js';

/** What a form says, or what is wrong with it. */
type Reading<Value> = { readonly value: Value } | { readonly problem: string };

/** Makes a call of a form. */
type Reader = (form: ResourceForm) => MasterCall;

/** A form whose fields are read one by one; the first problem is kept. */
class ResourceForm {
  readonly #form: URLSearchParams;
  problem: string | undefined;

  constructor(form: URLSearchParams) {
    this.#form = form;
  }

  get agentId(): { readonly value: string } {
    const value = this.#form.get('slaveId') ?? '';
    if (value === '') this.problem ??= "Expecting the field 'slaveId' in the form.";
    return { value };
  }

  /** A list that must be there. */
  list(name: string): readonly Resource[] {
    if (!this.#form.has(name)) this.problem ??= `Expecting the field '${name}' in the form.`;
    return this.optionalList(name) ?? [];
  }

  optionalList(name: string): readonly Resource[] | undefined {
    const text = this.#form.get(name);
    if (text === null) return undefined;
    const reading = readResources(text);
    if ('value' in reading) return reading.value;
    this.problem ??= `The field '${name}' is not a JSON list of resources: ${reading.problem}`;
    return undefined;
  }
}

const READERS: Readonly<Record<string, Reader>> = {
  '/reserve': (form) => ({
    type: 'RESERVE_RESOURCES',
    reserve_resources: {
      agent_id: form.agentId,
      source: form.optionalList('source'),
      resources: form.list('resources'),
    },
  }),
  '/unreserve': (form) => ({
    type: 'UNRESERVE_RESOURCES',
    unreserve_resources: { agent_id: form.agentId, resources: form.list('resources') },
  }),
  '/create-volumes': (form) => ({
    type: 'CREATE_VOLUMES',
    create_volumes: { agent_id: form.agentId, volumes: form.list('volumes') },
  }),
  '/destroy-volumes': (form) => ({
    type: 'DESTROY_VOLUMES',
    destroy_volumes: { agent_id: form.agentId, volumes: form.list('volumes') },
  }),
};

/** Adds the routes. */
export function addResourceForms(routes: RouteTable, context: MasterRouteContext): void {
  for (const [path, read] of Object.entries(READERS)) {
    routes.post(withPrefix(path), async (exchange) => {
      const master = servingMaster(context, exchange);
      const fields = master === undefined ? undefined : await readForm(exchange);
      if (master === undefined || fields === undefined) return;
      const form = new ResourceForm(fields);
      const call = read(form);
      if (form.problem === undefined) await answerCall(exchange, master, call);
      else answerText(exchange, 400, form.problem);
    });
  }
}

function readResources(text: string): Reading<readonly Resource[]> {
  try {
    const list = parseJson(text);
    if (!Array.isArray(list)) return { problem: 'it is no list' };
    return { value: list.map((one) => fromJson('Resource', one)) };
  } catch (error) {
    return { problem: errorMessage(error) };
  }
}
