/**
 * What constraints look at: attributes of an agent as texts, and where it is. Numbers are written to three
 * decimals at most, ranges as `[1-3,5-7]`, sets as `{a,b}`. Of several attributes of one name the first counts.
 */
import type { Attribute, Offer } from '../../core/api/index.js';
import type { ConstraintField, TaskRecord } from '../decisions/index.js';

/** Values by field. */
export type Values = Readonly<Record<string, string>>;

/** The values of the agent of an offer: attributes, `@hostname`, `@region`, `@zone`. */
export function valuesOf(offer: Offer): Values {
  const values: Record<string, string> = { '@hostname': offer.hostname };
  const domain = offer.domain?.fault_domain;
  if (domain !== undefined) {
    values['@region'] = domain.region.name;
    values['@zone'] = domain.zone.name;
  }
  for (const attribute of offer.attributes ?? []) values[attribute.name] ??= textOf(attribute);
  return values;
}

/** The name under which the values of a field are kept: `hostname` means `@hostname`. */
export function fieldName(field: ConstraintField): string {
  return field === 'hostname' ? '@hostname' : field;
}

/** The value that a task had at launch; undefined: its agent had none. */
export function valueOfTask(task: TaskRecord, field: string): string | undefined {
  return task.attributes[field] ?? (field === '@hostname' ? task.hostname : undefined);
}

function textOf(attribute: Attribute): string {
  switch (attribute.type) {
    case 'SCALAR':
      return String(Math.round((attribute.scalar?.value ?? 0) * 1000) / 1000);
    case 'RANGES': {
      const ranges = attribute.ranges?.range ?? [];
      return `[${ranges.map(({ begin, end }) => `${begin}-${end}`).join(',')}]`;
    }
    case 'SET':
      return `{${(attribute.set?.item ?? []).join(',')}}`;
    default:
      return attribute.text?.value ?? '';
  }
}
