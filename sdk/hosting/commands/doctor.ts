/** `plateau framework doctor`: why a framework is stuck, and what to do about it. Nothing is changed. */
import { type Command, Option } from 'commander';
import { PlateauError, errorMessage, systemWorld } from '../../../core/base/index.js';
import { EXIT_CODES, printJson, printLine, printable } from '../../../core/command/index.js';
import { type FrameworkDefinition, readFramework } from '../../framework/index.js';
import { diagnose } from '../doctor/diagnose.js';
import type { DoctorFacts } from '../doctor/facts.js';
import { type FindOutOptions, findOut } from '../doctor/find-out.js';
import { type Finding, countOf, problem } from '../doctor/finding.js';
import { loadFramework } from '../load-framework.js';
import { DEFAULT_MASTERS } from '../run-framework.js';

/** Between two looks: what is gone at the second was in passing, such as a question that was just asked. */
const SECOND_LOOK_MS = 2_000;

interface DoctorOptions {
  readonly master: string;
  readonly store?: string;
  readonly json: boolean;
}

export function addDoctor(framework: Command): void {
  framework
    .command('doctor')
    .description('tell why a framework is stuck, and what to do about it')
    .argument(
      '[what...]',
      'name or id of the framework, and the compiled module of its code, of which the state is checked',
    )
    .addOption(
      new Option('--master <url>', 'address of the master; several separated by commas')
        .env('PLATEAU_MASTER')
        .default(DEFAULT_MASTERS),
    )
    .addOption(
      new Option('--store <url>', 'where its state is kept, such as lmdb:./state').env(
        'PLATEAU_STORE',
      ),
    )
    .option('--json', 'print JSON', false)
    .action(examine);
}

async function examine(what: readonly string[], options: DoctorOptions): Promise<void> {
  const { word, module } = readWords(what);
  const { definition, failure } = await readCode(module);
  const { master: masters, store, json } = options;
  const asked = { masters, store, definition, word: word ?? definition?.settings.name };
  const { facts, findings } = await lookTwice(asked);
  const all = [...failure, ...findings];
  if (json) printJson({ ...subjectOf(facts), findings: all });
  else print(facts, all);
  const isSick = all.some(({ severity }) => severity === 'problem');
  process.exitCode = isSick ? EXIT_CODES.failure : EXIT_CODES.success;
}

/** A module is told from a name by its form. */
function readWords(what: readonly string[]): {
  readonly word: string | undefined;
  readonly module: string | undefined;
} {
  const isModule = (text: string): boolean => /^\.{0,2}\/|\.[cm]?[jt]s(?:#\w+)?$/.test(text);
  const [word, ...words] = what.filter((text) => !isModule(text));
  const [module, ...modules] = what.filter(isModule);
  if (words.length === 0 && modules.length === 0) return { word, module };
  throw new PlateauError(
    'INVALID_FLAG',
    `one name or id, and one module are taken: not ${what.join(' ')}`,
    { context: { words: what.length } },
  );
}

async function readCode(module: string | undefined): Promise<{
  readonly definition: FrameworkDefinition | undefined;
  readonly failure: readonly Finding[];
}> {
  if (module === undefined) return { definition: undefined, failure: [] };
  try {
    const { theClass } = await loadFramework(module);
    return { definition: readFramework(theClass), failure: [] };
  } catch (error) {
    const message = `The code cannot be used: ${errorMessage(error)}`;
    const remedy = 'Mend it, or name the right module: with this one the framework does not start.';
    return { definition: undefined, failure: [problem(message, remedy)] };
  }
}

async function lookTwice(options: Omit<FindOutOptions, 'nowMs'>): Promise<{
  readonly facts: DoctorFacts;
  readonly findings: readonly Finding[];
}> {
  const { clock } = systemWorld();
  const look = async (): ReturnType<typeof lookTwice> => {
    const facts = await findOut({ ...options, nowMs: clock.now() });
    return { facts, findings: diagnose(facts) };
  };
  const first = await look();
  if (first.facts.admin?.kind !== 'answers') return first;
  if (first.findings.every(({ severity }) => severity === 'note')) return first;
  await new Promise<void>((resolve) => {
    clock.setTimer(SECOND_LOOK_MS, resolve);
  });
  return look();
}

function subjectOf({ choice, asked }: DoctorFacts): {
  readonly name: string | undefined;
  readonly frameworkId: string | undefined;
} {
  if (choice.kind === 'one')
    return { name: choice.framework.name, frameworkId: choice.framework.id };
  return { name: asked.word, frameworkId: asked.storedId };
}

function print(facts: DoctorFacts, findings: readonly Finding[]): void {
  const { name, frameworkId } = subjectOf(facts);
  const who = [
    `framework ${name ?? ''}`.trim(),
    ...(frameworkId === undefined ? [] : [`(${frameworkId})`]),
  ];
  const problems = findings.filter(({ severity }) => severity === 'problem').length;
  const result = problems === 0 ? 'nothing is wrong' : countOf(problems, 'problem');
  printLine(printable(`${who.join(' ')}: ${result}`));
  for (const { severity, what, remedy } of findings) {
    printLine();
    printLine(printable(`${severity}: ${what}`));
    printLine(printable(`  → ${remedy}`));
  }
}
