/**
 * `/plateau/v1/why`: why a framework is, or is not, offered resources, or what a task needs. The
 * question is a query (GET) or a JSON object (POST) with the same fields.
 */
import { parseJson } from '../api/index.js';
import { PlateauError, isRecord } from '../base/index.js';
import type { WhyQuestion } from '../master/index.js';
import { answerJson, answerMethodNotAllowed, answerText } from './answers.js';
import { answerTooLarge, readBody } from './body.js';
import { type MasterRouteContext, leadingMaster } from './master-context.js';
import type { Exchange, RouteTable } from './routes.js';

const JSON_TYPE = 'application/json';
/** Resources that have a field of their own; others are in `resources`. */
const NAMED_RESOURCES = ['cpus', 'mem', 'disk', 'gpus', 'ports'];
const FIELDS: ReadonlySet<string> = new Set([
  'framework',
  'role',
  'resources',
  'constraints',
  ...NAMED_RESOURCES,
]);

/** The fields of a question as they came: texts of a query, or JSON. */
type Fields = Readonly<Record<string, unknown>>;

/** Adds the route. */
export function addWhyPage(routes: RouteTable, context: MasterRouteContext): void {
  routes.endpoint(['/plateau/v1/why'], async (exchange) => {
    const master = leadingMaster(context, exchange);
    if (master === undefined) return;
    try {
      const fields = await readFields(exchange);
      if (fields === undefined) return;
      const { framework, question } = readQuestion(fields);
      const explanation = master.why(framework, question);
      if (explanation !== undefined) await answerJson(exchange, JSON.stringify(explanation));
      else answerText(exchange, 404, `There is no framework ${framework}: /frameworks lists them.`);
    } catch (error) {
      if (!(error instanceof PlateauError) || error.code !== 'INVALID_MESSAGE') throw error;
      answerText(exchange, 400, error.message);
    }
  });
}

/** Undefined: the request was answered, or the client is gone. */
async function readFields(exchange: Exchange): Promise<Fields | undefined> {
  const { request, query, limits } = exchange;
  const { method = '' } = request;
  if (method === 'GET' || method === 'HEAD') return readQuery(query);
  if (method !== 'POST') {
    answerMethodNotAllowed(exchange, ['GET', 'HEAD', 'POST']);
    return undefined;
  }
  if (request.headers['content-type']?.split(';', 1)[0]?.trim() !== JSON_TYPE) {
    answerText(exchange, 415, `Expecting 'Content-Type' of ${JSON_TYPE}.`);
    return undefined;
  }
  const body = await readBody(request, limits.callBytes);
  if (body.kind === 'too-large') answerTooLarge(exchange, limits.callBytes);
  if (body.kind !== 'body') return undefined;
  const json = parseJson(body.bytes);
  if (!isRecord(json)) throw invalid('the body must be a JSON object');
  return json;
}

/** A field that is there several times is a list. */
function readQuery(query: URLSearchParams): Fields {
  const fields: Record<string, unknown> = {};
  for (const name of new Set(query.keys())) {
    if (name === 'jsonp') continue;
    const values = query.getAll(name).filter((value) => value !== '');
    if (values.length > 0) fields[name] = values.length === 1 ? values[0] : values;
  }
  return fields;
}

function readQuestion(fields: Fields): {
  readonly framework: string;
  readonly question: WhyQuestion;
} {
  const unknown = Object.keys(fields).find((name) => !FIELDS.has(name));
  if (unknown !== undefined) {
    throw invalid(`'${unknown}' is no field: there are ${[...FIELDS].join(', ')}`);
  }
  const framework = textOf(fields, 'framework');
  if (framework === undefined) {
    throw invalid("say which 'framework': /plateau/v1/why?framework=ID");
  }
  const asksForTask = [...NAMED_RESOURCES, 'resources', 'constraints'].some(
    (name) => fields[name] !== undefined,
  );
  const task = asksForTask
    ? { resources: resourcesOf(fields), constraints: constraintsOf(fields['constraints']) }
    : undefined;
  return { framework, question: { role: textOf(fields, 'role'), task } };
}

function textOf(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  if (value === undefined || value === '') return undefined;
  if (typeof value === 'string') return value;
  throw invalid(`'${name}' must be one text`);
}

function resourcesOf(fields: Fields): Record<string, number> {
  const amounts = new Map<string, number>();
  for (const name of NAMED_RESOURCES) {
    if (fields[name] !== undefined) amounts.set(name, numberOf(name, fields[name]));
  }
  for (const [name, value] of otherResources(fields['resources'])) {
    if (amounts.has(name)) throw invalid(`'${name}' is there twice`);
    amounts.set(name, numberOf(`resources.${name}`, value));
  }
  return Object.fromEntries(amounts);
}

/** An object of amounts, or texts such as `licences=2`. */
function otherResources(value: unknown): (readonly [name: string, value: unknown])[] {
  if (value === undefined) return [];
  if (isRecord(value)) return Object.entries(value);
  return listOf(value).map((one) => {
    const [, name, amount] = /^\s*([^=\s]+)\s*=\s*(\S+)\s*$/.exec(String(one)) ?? [];
    if (name !== undefined) return [name, amount];
    throw invalid("'resources' must be amounts by name, such as licences=2");
  });
}

function numberOf(name: string, value: unknown): number {
  const isNumber = typeof value === 'number' || typeof value === 'bigint';
  const isDigits = typeof value === 'string' && /^\d{1,16}(\.\d{1,16})?$/.test(value.trim());
  const number = isNumber || isDigits ? Number(value) : Number.NaN;
  if (Number.isFinite(number) && number >= 0) return number;
  throw invalid(`'${name}' must be a number from 0, not ${JSON.stringify(value)}`);
}

/** Expressions are texts; constraints of the v1 API are objects, or texts of JSON. */
function constraintsOf(value: unknown): string[] {
  if (value === undefined) return [];
  return listOf(value).map((one) => {
    if (typeof one === 'string') return one;
    if (isRecord(one)) return JSON.stringify(one);
    throw invalid("'constraints' must be texts such as rack=r1, or offer constraints as JSON");
  });
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function invalid(message: string): PlateauError {
  return new PlateauError('INVALID_MESSAGE', message);
}
