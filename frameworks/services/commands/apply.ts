/** `plateau services apply`: makes apps what a document says, and shows what changes. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { printJson, printLine, printNotice } from '../../../core/command/index.js';
import { PlateauError, errorMessage } from '../../../sdk/index.js';
import { readDocuments } from '../../../sdk/documents/index.js';
import { canonicalId } from '../apps/app-id.js';
import { AppDocument } from '../apps/document.js';
import { normaliseApp } from '../apps/normalise.js';
import type { ServicesClient, ShownApp } from '../client.js';
import { type ChangeOptions, addChangeOptions, report, servicesClient } from './options.js';

export function defineApply(command: Command): void {
  addChangeOptions(
    command
      .command('apply')
      .description('create or change apps as documents in YAML or JSON say')
      .argument('<file>', 'one or more documents; - reads standard input'),
  )
    .option('--dry-run', 'only show what would change', false)
    .action((file: string, options: ChangeOptions & { readonly dryRun: boolean }) =>
      apply(file, options),
    );
}

/** What becomes of one app. */
export interface AppDiff {
  readonly id: string;
  readonly change: 'create' | 'update' | 'unchanged';
  readonly fields: readonly {
    readonly field: string;
    readonly before: unknown;
    readonly after: unknown;
  }[];
}

async function apply(
  file: string,
  options: ChangeOptions & { readonly dryRun: boolean },
): Promise<void> {
  const source = file === '-' ? 'stdin' : file;
  const documents = readDocuments(textOf(file), AppDocument, { source });
  const client = await servicesClient(options);
  const diffs = await Promise.all(documents.map((each) => diffOf(client, each)));
  if (!options.json) for (const diff of diffs) printDiff(diff);
  const changed = documents.filter((_, index) => diffs[index]?.change !== 'unchanged');
  if (options.dryRun || changed.length === 0) {
    if (options.json) printJson({ changes: diffs });
    return;
  }
  const started = await client.apply(changed, options.force);
  const apps = changed.map(({ id }) => canonicalId(id));
  await report(client, started, { ...options, apps });
}

function textOf(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new PlateauError(
      'INVALID_FLAG',
      `the document ${file} cannot be read: ${errorMessage(error)}`,
    );
  }
}

async function diffOf(client: ServicesClient, document: AppDocument): Promise<AppDiff> {
  const before = await client.app(canonicalId(document.id));
  return diffApps(before, document);
}

/** What a document changes of an app. Fields that the scheduler fills in are left out. */
export function diffApps(before: ShownApp | undefined, document: AppDocument): AppDiff {
  const role = document.role ?? (typeof before?.['role'] === 'string' ? before['role'] : '*');
  const normalised = normaliseApp(document, { roles: [role], allowsGpus: true });
  const id = canonicalId(document.id);
  // What is wrong with it, the scheduler says.
  if (normalised.kind === 'bad') return { id, change: 'update', fields: [] };
  if (before === undefined) return { id, change: 'create', fields: [] };
  const after: Readonly<Record<string, unknown>> = { ...normalised.app };
  const names = new Set([...Object.keys(after), ...CONFIG.filter((name) => name in before)]);
  const fields = [...names].flatMap((field) => {
    const [old, young] = [withoutGiven(before[field]), withoutGiven(after[field])];
    return text(old) === text(young) ? [] : [{ field, before: before[field], after: after[field] }];
  });
  return { id, change: fields.length === 0 ? 'unchanged' : 'update', fields };
}

/** Fields that may be absent in one and there in the other. */
const CONFIG = [
  'cmd',
  'args',
  'user',
  'container',
  'portDefinitions',
  'taskKillGracePeriodSeconds',
  'acceptedResourceRoles',
];

/** Service ports between 10000 and 20000 count as given out by the scheduler. */
function withoutGiven(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutGiven);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]: [string, unknown]) => {
      const isPort = name === 'port' || name === 'servicePort';
      const isGiven = typeof each === 'number' && each >= 10_000 && each <= 20_000;
      return [name, isPort && isGiven ? 0 : withoutGiven(each)];
    }),
  );
}

/** JSON with names in order: equal for values that are alike. */
function text(value: unknown): string {
  return (
    JSON.stringify(value, (_name, each: unknown) =>
      typeof each === 'object' && each !== null && !Array.isArray(each)
        ? Object.fromEntries(
            Object.entries(each).toSorted(([one], [other]) => (one < other ? -1 : 1)),
          )
        : each,
    ) ?? 'none'
  );
}

function printDiff({ id, change, fields }: AppDiff): void {
  if (change === 'unchanged') {
    printNotice(`= ${id} is as wanted`);
    return;
  }
  printLine(change === 'create' ? `+ ${id}` : `~ ${id}`);
  for (const { field, before, after } of fields) {
    printLine(`    ${field}: ${text(before)} → ${text(after)}`);
  }
}
