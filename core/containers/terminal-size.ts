/** What a ContainerInfo says of a terminal. */
import type { ContainerInfo } from '../api/index.js';
import { LaunchError } from './launch-error.js';
import {
  MAX_TERMINAL_LENGTH,
  type TerminalSize,
  isTerminalSize,
} from './launcher/terminal-frames.js';

/** What programs on a terminal are told that it is, where nothing else says so. */
export const DEFAULT_TERM = 'xterm';

/** The size of the window until somebody tells another. */
const DEFAULT_SIZE: TerminalSize = { rows: 24, columns: 80 };

/**
 * The size of the terminal that a container is to have; undefined: none.
 * @throws LaunchError of stage `command` for a size that no terminal has.
 */
export function terminalOf(container: ContainerInfo | undefined): TerminalSize | undefined {
  if (container?.tty_info === undefined) return undefined;
  const { rows, columns } = container.tty_info.window_size ?? DEFAULT_SIZE;
  const size = { rows, columns };
  if (isTerminalSize(size)) return size;
  const message = `'container.tty_info.window_size': rows and columns are at most ${MAX_TERMINAL_LENGTH}, not ${rows} and ${columns}`;
  throw new LaunchError('command', message);
}
