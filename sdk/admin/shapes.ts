/**
 * Classes with decorators of class-validator, read as JSON Schema: for the OpenAPI page, and to read the
 * texts of a query as the numbers and booleans that the class asks for.
 */
import { plainToInstance } from 'class-transformer';
import { getMetadataStorage } from 'class-validator';
import type { Shape } from '../framework/index.js';

/** A schema of JSON Schema 2020-12, as OpenAPI 3.1 uses it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

interface Rule {
  readonly name: string;
  readonly each: boolean;
  readonly constraints: readonly unknown[];
}

/** Rules of a shape by field. */
function rulesOf(shape: Shape): ReadonlyMap<string, readonly Rule[]> {
  const rules = new Map<string, Rule[]>();
  for (const each of getMetadataStorage().getTargetValidationMetadatas(shape, '', true, false)) {
    const rule = {
      name: each.name ?? each.type,
      each: each.each,
      constraints: each.constraints ?? [],
    };
    rules.set(each.propertyName, [...(rules.get(each.propertyName) ?? []), rule]);
  }
  return rules;
}

/** What one rule says in JSON Schema. */
const KEYWORDS: Readonly<Record<string, (given: readonly unknown[]) => JsonSchema>> = {
  isString: () => ({ type: 'string' }),
  isInt: () => ({ type: 'integer' }),
  isNumber: () => ({ type: 'number' }),
  isBoolean: () => ({ type: 'boolean' }),
  isArray: () => ({ type: 'array' }),
  isObject: () => ({ type: 'object' }),
  isPositive: () => ({ exclusiveMinimum: 0 }),
  isNegative: () => ({ exclusiveMaximum: 0 }),
  min: ([minimum]) => ({ minimum }),
  max: ([maximum]) => ({ maximum }),
  minLength: ([minLength]) => ({ type: 'string', minLength }),
  maxLength: ([maxLength]) => ({ type: 'string', maxLength }),
  isLength: ([minLength, maxLength]) => ({
    type: 'string',
    minLength,
    ...(maxLength === undefined ? {} : { maxLength }),
  }),
  isIn: ([values]) => ({ enum: values }),
  isEnum: ([, values]) => ({ enum: values }),
  matches: ([pattern]) => ({
    type: 'string',
    pattern: pattern instanceof RegExp ? pattern.source : String(pattern),
  }),
  isUrl: () => ({ type: 'string', format: 'uri' }),
  isEmail: () => ({ type: 'string', format: 'email' }),
  isUuid: () => ({ type: 'string', format: 'uuid' }),
  isIso8601: () => ({ type: 'string', format: 'date-time' }),
  isDateString: () => ({ type: 'string', format: 'date-time' }),
  isDuration: () => ({
    type: ['string', 'number'],
    description: "a length of time such as '90s', or milliseconds",
  }),
  arrayMinSize: ([minItems]) => ({ type: 'array', minItems }),
  arrayMaxSize: ([maxItems]) => ({ type: 'array', maxItems }),
  arrayNotEmpty: () => ({ type: 'array', minItems: 1 }),
  arrayUnique: () => ({ type: 'array', uniqueItems: true }),
};

/** Rules that say nothing about the value itself. */
const SILENT = new Set(['isOptional', 'isDefined', 'conditionalValidation', 'nestedValidation']);

/** Collects the schemas of classes, each under its name, for `components.schemas`. */
export class SchemaCollector {
  readonly #names = new Map<Shape, string>();
  readonly #schemas: Record<string, JsonSchema> = {};

  /** All that were asked for so far, with those that they mention. */
  get schemas(): Readonly<Record<string, JsonSchema>> {
    return this.#schemas;
  }

  /** A reference to the schema of a class. */
  reference(shape: Shape): JsonSchema {
    const known = this.#names.get(shape);
    const name = known ?? this.#freeName(shape.name || 'Body');
    if (known === undefined) {
      this.#names.set(shape, name);
      this.#schemas[name] = {};
      this.#schemas[name] = this.#objectSchema(shape);
    }
    return { $ref: `#/components/schemas/${name}` };
  }

  /** The schema of each field, and whether it has to be there. */
  fields(shape: Shape): readonly { name: string; schema: JsonSchema; isRequired: boolean }[] {
    return [...rulesOf(shape)].map(([name, rules]) => ({
      name,
      schema: this.#fieldSchema(shape, name, rules),
      isRequired: isRequired(shape, name, rules),
    }));
  }

  #objectSchema(shape: Shape): JsonSchema {
    const fields = this.fields(shape);
    const required = fields.filter(({ isRequired }) => isRequired).map(({ name }) => name);
    return {
      type: 'object',
      properties: Object.fromEntries(fields.map(({ name, schema }) => [name, schema])),
      ...(required.length === 0 ? {} : { required }),
      additionalProperties: false,
    };
  }

  #fieldSchema(shape: Shape, field: string, rules: readonly Rule[]): JsonSchema {
    const own = schemaOfRules(rules.filter(({ each }) => !each));
    const isOfList = isList(rules);
    const isNested = rules.some(({ name }) => name === 'nestedValidation');
    const nested = isNested ? nestedShape(shape, field, isOfList) : undefined;
    if (!isOfList) return nested === undefined ? own : this.reference(nested);
    const items =
      nested === undefined
        ? schemaOfRules(rules.filter(({ each }) => each))
        : this.reference(nested);
    return { ...own, type: 'array', items };
  }

  #freeName(name: string): string {
    let free = name;
    for (let number = 2; free in this.#schemas; number++) free = `${name}${number}`;
    return free;
  }
}

function schemaOfRules(rules: readonly Rule[]): JsonSchema {
  const schema: Record<string, unknown> = {};
  const others: string[] = [];
  for (const { name, constraints } of rules) {
    const keyword = Object.hasOwn(KEYWORDS, name) ? KEYWORDS[name] : undefined;
    if (keyword !== undefined) Object.assign(schema, keyword(constraints));
    else if (!SILENT.has(name)) others.push(name);
  }
  if (others.length > 0) schema['description'] = `also checked: ${others.join(', ')}`;
  return schema;
}

/** Optional by a decorator, or because the class has a value for it. */
function isRequired(shape: Shape, field: string, rules: readonly Rule[]): boolean {
  if (rules.some(({ name }) => name === 'isOptional' || name === 'conditionalValidation')) {
    return false;
  }
  return Reflect.get(new shape(), field) === undefined;
}

/** The class of a nested field: class-transformer tells it by making one. */
function nestedShape(shape: Shape, field: string, inList: boolean): Shape | undefined {
  const made: unknown = Reflect.get(plainToInstance(shape, { [field]: inList ? [{}] : {} }), field);
  const value: unknown = Array.isArray(made) ? made[0] : made;
  const theClass: unknown = Object(value).constructor;
  return typeof theClass === 'function' && theClass !== Object ? asShape(theClass) : undefined;
}

/** Constructors of values that class-transformer made take no arguments. */
function asShape(theClass: object): Shape {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return theClass as Shape;
}

/** The fields of a query as plain data of the types that the shape asks for. */
export function readQuery(query: URLSearchParams, shape: Shape): Readonly<Record<string, unknown>> {
  const rules = rulesOf(shape);
  const names = [...new Set(query.keys())];
  // Built from entries: the sender chooses the names, `__proto__` among them.
  return Object.fromEntries(
    names.map((name) => {
      const of = rules.get(name) ?? [];
      const values = query.getAll(name).map((text) => readText(text, of));
      return [name, isList(of) || values.length > 1 ? values : values[0]] as const;
    }),
  );
}

function isList(rules: readonly Rule[]): boolean {
  return rules.some(({ each, name }) => each || /^(?:isA|a)rray/.test(name));
}

const NUMBERS = new Set(['isInt', 'isNumber', 'min', 'max', 'isPositive', 'isNegative']);

/** A text that is no number stays a text: the check of the shape then says what is expected. */
function readText(text: string, rules: readonly Rule[]): unknown {
  if (rules.some(({ name }) => NUMBERS.has(name))) {
    const number = Number(text);
    return text.trim() === '' || Number.isNaN(number) ? text : number;
  }
  if (rules.some(({ name }) => name === 'isBoolean') && /^(?:true|false)$/.test(text)) {
    return text === 'true';
  }
  return text;
}
