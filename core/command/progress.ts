/** A progress bar on standard error; on anything but a terminal, a line now and then. */
import { Presets, SingleBar } from 'cli-progress';
import { type Clock, type Disposable, SystemClock } from '../base/index.js';
import { printNotice } from './output.js';

export interface Progress extends Disposable {
  /** How much is done, and a few words on what goes on. */
  update(done: number, note?: string): void;
  /** Has something written in place of the bar, which then goes on below: whole lines. */
  above(write: () => void): void;
}

/** Back to the start of the line, and nothing in it. */
const CLEAR_LINE = '\r\u001B[K';

/** Without a terminal a line is written when this much time passed, and at the end. */
const LINE_INTERVAL_MS = 5_000;

/** Starts a bar that is full at `total`. */
export function startProgress(
  label: string,
  total: number,
  options: { readonly isTerminal?: boolean; readonly clock?: Clock } = {},
): Progress {
  const isTerminal = options.isTerminal ?? process.stderr.isTTY;
  return isTerminal ? terminalBar(label, total) : lines(label, total, options.clock);
}

function terminalBar(label: string, total: number): Progress {
  const bar = new SingleBar(
    {
      format: `${label} {bar} {value}/{total} {note}`,
      hideCursor: true,
      barsize: 30,
      linewrap: false,
      // What is written above wipes the bar out.
      forceRedraw: true,
      stream: process.stderr,
    },
    Presets.shades_classic,
  );
  bar.start(total, 0, { note: '' });
  return {
    update: (done, note) => bar.update(done, { note: note ?? '' }),
    above: (write) => {
      process.stderr.write(CLEAR_LINE);
      write();
    },
    dispose: () => bar.stop(),
  };
}

function lines(label: string, total: number, clock: Clock = new SystemClock()): Progress {
  let lastMs = clock.elapsed();
  let written = -1;
  let current = 0;
  let words = '';
  const write = (): void => {
    if (written === current) return;
    written = current;
    printNotice(`${label} ${current}/${total}${words === '' ? '' : ` ${words}`}`);
  };
  return {
    update(done, note) {
      current = done;
      words = note ?? '';
      const nowMs = clock.elapsed();
      if (nowMs - lastMs < LINE_INTERVAL_MS) return;
      lastMs = nowMs;
      write();
    },
    above: (writeLines) => writeLines(),
    dispose: write,
  };
}
