/** How the command tells that something went wrong: one line, no stack, and an exit code. */
import { PlateauError, errorMessage } from '../base/index.js';
import { EXIT_CODES, printNotice } from '../command/index.js';

/** Prints an error for a person and returns the exit code. Defects of Plateau keep their stack. */
export function reportFailure(error: unknown): number {
  if (error instanceof PlateauError && error.code !== 'ASSERTION') {
    printNotice(`plateau: ${error.message} [${error.code}]`);
    return error.code === 'INVALID_FLAG' ? EXIT_CODES.usage : EXIT_CODES.failure;
  }
  const stack = error instanceof Error ? error.stack : undefined;
  printNotice(`plateau: ${stack ?? errorMessage(error)}`);
  return EXIT_CODES.failure;
}
