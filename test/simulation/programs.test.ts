import { expect } from 'chai';
import { parseProgram } from '../../core/simulation/index.js';

describe('parseProgram', () => {
  const ends = {
    'sleep 10': { afterMs: 10_000, how: { kind: 'exited', code: 0 } },
    'sleep 0.5': { afterMs: 500, how: { kind: 'exited', code: 0 } },
    'exit 3': { afterMs: 0, how: { kind: 'exited', code: 3 } },
    'run 5s then exit 0': { afterMs: 5000, how: { kind: 'exited', code: 0 } },
    'run 20ms then exit 7': { afterMs: 20, how: { kind: 'exited', code: 7 } },
    'run 1.5h then die SIGSEGV': {
      afterMs: 5_400_000,
      how: { kind: 'signaled', signal: 'SIGSEGV' },
    },
    'make coffee': { afterMs: 0, how: { kind: 'exited', code: 127 } },
  };
  for (const [text, end] of Object.entries(ends)) {
    it(`knows when and how '${text}' ends`, () => {
      const silent = { port: undefined, answers: [] };
      const expected = { failsToStart: false, ignoresTerm: false, end, ...silent };
      expect(parseProgram(text)).to.deep.equal(expected);
    });
  }

  it('knows programs that do not end by themselves, or do not start', () => {
    expect(parseProgram('hang')).to.include({ end: undefined, ignoresTerm: false });
    expect(parseProgram('ignore-term')).to.include({ end: undefined, ignoresTerm: true });
    expect(parseProgram('fail-to-start').failsToStart).to.equal(true);
  });
});
