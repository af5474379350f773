import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { Running } from '../cli/command.js';

const MODULE = fileURLToPath(new URL('./providing-framework.js', import.meta.url));

describe('What a module provides for plateau framework run', function () {
  this.timeout(60_000);

  it('is made for its framework, and closed when the process is told to end', async () => {
    // No master is there: what is provided is needed before one is.
    const line = ['framework', 'run', MODULE, '--store=memory:', '--master=http://127.0.0.1:1'];
    const running = new Running([...line, '--no-admin', '--log-format=json']);
    await running.says(/the ledger is open at page 7/);
    await running.says(/this copy is active/);
    running.child.kill('SIGTERM');
    const { code, stderr } = await running.ended;
    expect(stderr).to.contain('the ledger is closed');
    expect(code).to.equal(0);
  });
});
