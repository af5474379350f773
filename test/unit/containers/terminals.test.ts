import { spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import * as fc from 'fast-check';
import {
  MAX_TERMINAL_FRAME_BYTES,
  MAX_TERMINAL_LENGTH,
  type TerminalFrame,
  TerminalFrameReader,
  encodeTerminalFrame,
} from '../../../core/containers/launcher/terminal-frames.js';
import { terminalOf } from '../../../core/containers/terminal-size.js';

const LAUNCHER = new URL('../../../core/containers/launcher/', import.meta.url);

const length = fc.integer({ min: 0, max: MAX_TERMINAL_LENGTH });
const frame: fc.Arbitrary<TerminalFrame> = fc.oneof(
  fc
    .uint8Array({ minLength: 1, maxLength: 300 })
    .map((bytes) => ({ kind: 'input', bytes: Buffer.from(bytes) }) as const),
  fc.record({ rows: length, columns: length }).map((size) => ({ kind: 'resize', size }) as const),
  fc.constant({ kind: 'release' } as const),
);

describe('Frames of a terminal', () => {
  it('are read as they were written, however they are cut', () => {
    fc.assert(
      fc.property(fc.array(frame), fc.integer({ min: 1, max: 50 }), (frames, pieceBytes) => {
        const bytes = Buffer.concat(frames.map(encodeTerminalFrame));
        const reader = new TerminalFrameReader();
        const read: TerminalFrame[] = [];
        for (let from = 0; from < bytes.length; from += pieceBytes) {
          read.push(...reader.push(bytes.subarray(from, from + pieceBytes)));
        }
        expect(read).to.deep.equal(frames);
      }),
    );
  });

  it('carry much input in several, and refuse what is none', () => {
    const input = Buffer.alloc(3 * MAX_TERMINAL_FRAME_BYTES + 1, 'x');
    const read = new TerminalFrameReader().push(
      encodeTerminalFrame({ kind: 'input', bytes: input }),
    );
    expect(read).to.have.length(4);
    expect(() => new TerminalFrameReader().push(Buffer.from([9, 0, 0, 0, 0]))).to.throw(/kind 9/);
    const endless = Buffer.from([0, 0xff, 0xff, 0xff, 0xff]);
    expect(() => new TerminalFrameReader().push(endless)).to.throw(/4294967295 bytes/);
  });
});

describe('The terminal of a container', () => {
  it('is of the size that was asked for, or of the usual one', () => {
    const ofSize = (rows: number, columns: number) =>
      terminalOf({ type: 'MESOS', tty_info: { window_size: { rows, columns } } });
    expect(terminalOf(undefined)).to.equal(undefined);
    expect(terminalOf({ type: 'MESOS' })).to.equal(undefined);
    expect(terminalOf({ type: 'MESOS', tty_info: {} })).to.deep.equal({ rows: 24, columns: 80 });
    expect(ofSize(1, 2)).to.deep.equal({ rows: 1, columns: 2 });
    expect(() => ofSize(1, MAX_TERMINAL_LENGTH + 1)).to.throw(/window_size.*at most 65535/);
  });

  it('is refused by the name of the package where that is not installed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'plateau-terminal-'));
    try {
      for (const name of ['terminal-host.js', 'terminal-frames.js']) {
        copyFileSync(fileURLToPath(new URL(name, LAUNCHER)), join(folder, name));
      }
      writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
      const host = spawn(
        process.execPath,
        [join(folder, 'terminal-host.js'), '24', '80', '0', '0'],
        {
          stdio: ['pipe', 'ignore', 'ignore', 'pipe'],
        },
      );
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it was asked for as a pipe
      expect(await text(host.stdio[3] as Readable)).to.match(
        /^failed a terminal needs the package @lydell\/node-pty, .*\(npm install @lydell\/node-pty\)/,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
