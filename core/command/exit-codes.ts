/** Exit codes of the `plateau` command. `docs/reference/command-line.md` lists the same. */

export const EXIT_CODES = {
  /** All went well. */
  success: 0,
  /** What was asked for was not found, was refused, or failed. */
  failure: 1,
  /** The command line is not valid. */
  usage: 2,
  /** `run` could not run the tasks at all; other codes of `run` are those of its tasks. */
  notRun: 125,
  /** Ended by Ctrl-C, after the tasks were killed. */
  interrupted: 130,
} as const;

/** A task that a signal ended counts as 128 plus the signal's number, as in a shell. */
export const SIGNAL_EXIT_BASE = 128;
