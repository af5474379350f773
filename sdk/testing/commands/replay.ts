/** `plateau replay`: plays a recording of a live framework to other code, and compares what the two decided. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { PlateauError, errorMessage } from '../../../core/base/index.js';
import { EXIT_CODES, printJson, printLine, printNotice } from '../../../core/command/index.js';
import { loadModule, readOverrides, splitSpecifier } from '../../hosting/index.js';
import { type ReplayResult, replay } from '../replay.js';
import { scenarioIn } from '../scenario.js';

/** Differences that are printed; what comes after the first ones follows from them. */
export const MAX_PRINTED_DIFFERENCES = 20;

interface Options {
  readonly option: readonly string[];
  readonly json: boolean;
}

export function define(command: Command): void {
  command
    .description(
      "play a recording of 'plateau framework run --record' to other code of the framework, and compare what it decides",
    )
    .argument('<recording>', 'file of the recording')
    .argument(
      '<module>',
      'JavaScript module that exports a class with @Framework, or a scenario; #NAME picks one',
    )
    .option(
      '--option <name=value>',
      'replaces an option of @Framework, as when it ran; may be repeated',
      (text: string, before: readonly string[]) => [...before, text],
      [],
    )
    .option('--json', 'print all differences as JSON', false)
    .action((recording: string, module: string, options: Options) =>
      replayFile(recording, module, options),
    );
}

async function replayFile(file: string, module: string, options: Options): Promise<void> {
  const text = readRecordingFile(file);
  const { path, name } = splitSpecifier(module);
  const scenario = scenarioIn(await loadModule(path), { module, name });
  const overrides = { ...scenario.overrides, ...readOverrides(options.option) };
  const { framework, provide } = scenario;
  const result = await replay(text, framework, { overrides, provide });
  const { differences, offers, failure } = result;
  if (options.json) printJson({ offers, differences, failure: failure?.message ?? null });
  else print(result);
  const isSame = differences.length === 0 && failure === undefined;
  process.exitCode = isSame ? EXIT_CODES.success : EXIT_CODES.failure;
}

function print({ differences, offers, failure }: ReplayResult): void {
  const { length } = differences;
  for (const { about, recorded, replayed } of differences.slice(0, MAX_PRINTED_DIFFERENCES)) {
    printLine(`${about}: ${recorded} -> ${replayed}`);
  }
  const others = length - MAX_PRINTED_DIFFERENCES;
  if (others > 0) printNotice(`and ${others} more: what follows a difference follows from it`);
  const found = length === 0 ? 'no difference' : `${length} difference${length === 1 ? '' : 's'}`;
  printLine(`${offers} offers were compared: ${found}`);
  if (failure !== undefined) printNotice(`the framework ended: ${failure.message}`);
}

function readRecordingFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new PlateauError(
      'INVALID_FLAG',
      `the recording '${file}' cannot be read: ${errorMessage(error)}`,
      { context: { file }, cause: error },
    );
  }
}
