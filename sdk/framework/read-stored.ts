/** Stored fields from declarations. */
import { IsInt, IsOptional, Matches, MaxLength, Min, ValidateBy } from 'class-validator';
import type { StoredDefinition } from './definition.js';
import { type StoredDeclaration, ownStored } from './metadata.js';
import type { Complain, Link } from './read-links.js';
import { checkShape } from './validation.js';

/** Characters in the name of stored state: it is a part of each key. */
export const MAX_STORED_NAME_LENGTH = 64;

type Migration = (value: unknown) => unknown;

class CheckedStored {
  @Matches(/^[a-z0-9][a-z0-9_-]*$/i, {
    message: "must be letters, digits, '-' and '_', beginning with a letter or digit",
  })
  @MaxLength(MAX_STORED_NAME_LENGTH, {
    message: `must have at most ${MAX_STORED_NAME_LENGTH} characters`,
  })
  name = '';

  @IsInt({ message: 'must be a whole number' })
  @Min(1, { message: 'must be at least 1' })
  version = 1;

  @IsOptional()
  @ValidateBy({
    name: 'isFunction',
    validator: {
      validate: (value: unknown) => typeof value === 'function',
      defaultMessage: () => 'must be a function that throws when the value is not valid',
    },
  })
  check?: (value: unknown) => void;
}

interface Declared extends StoredDeclaration {
  readonly owner: string;
}

export function readStored(
  chain: readonly Link[],
  complain: Complain,
): readonly StoredDefinition[] {
  const declared = new Map<PropertyKey, Declared>();
  for (const { theClass, prototype, name } of chain) {
    for (const { key } of ownStored(theClass)) {
      complain(`${name}.${String(key)}: @Stored is on a static field: remove 'static'`);
    }
    for (const each of ownStored(prototype)) declared.set(each.key, { ...each, owner: name });
  }
  const stored = [...declared.values()].flatMap((each) => readOne(each, complain));
  checkNames(stored, chain.at(-1)?.name ?? '', complain);
  return stored;
}

function checkNames(stored: readonly StoredDefinition[], owner: string, complain: Complain): void {
  for (const name of new Set(stored.map((each) => each.name))) {
    const fields = stored.filter((each) => each.name === name);
    if (fields.length < 2) continue;
    const properties = fields.map(({ property }) => property).join(' and ');
    complain(
      `${owner}: the fields ${properties} are both @Stored('${name}'), so they would overwrite each ` +
        'other: give them different names',
    );
  }
}

function readOne(declared: Declared, complain: Complain): readonly StoredDefinition[] {
  const { key, name, owner, place } = declared;
  const word = `${owner}.${String(key)}: @Stored`;
  if (place !== 'field' || typeof key !== 'string') {
    complain(`${word} is on ${place === 'field' ? 'a symbol' : 'a method'}: put it on a field`);
    return [];
  }
  const { migrations = {}, ...options }: { readonly migrations?: unknown } = Object(
    declared.options,
  );
  const checked = checkShape(CheckedStored, { ...options, name });
  if (checked.kind === 'bad') {
    for (const { path, message } of checked.problems) complain(`${word}: '${path}' ${message}`);
    return [];
  }
  const { version, check } = checked.value;
  const known = readMigrations(migrations, { version, word }, complain);
  return [{ property: key, name: checked.value.name, version, migrations: known, check }];
}

/** Every version before the present one can be brought up to it, or none can. */
function readMigrations(
  given: unknown,
  { version, word }: { readonly version: number; readonly word: string },
  complain: Complain,
): Readonly<Record<number, Migration>> {
  const migrations: Record<number, Migration> = {};
  for (const [from, migrate] of Object.entries(Object(given))) {
    if (!isMigration(migrate)) {
      complain(`${word}: migration ${from} must be a function from the old value to the new one`);
    } else if (!/^[1-9]\d*$/.test(from) || Number(from) >= version) {
      complain(
        `${word}: migration '${from}' leads to no version up to ${version}: its key is the version that ` +
          'it starts from',
      );
    } else migrations[Number(from)] = migrate;
  }
  return migrations;
}

function isMigration(value: unknown): value is Migration {
  return typeof value === 'function';
}
