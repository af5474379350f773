import { expect } from 'chai';
import { PlateauError } from '../../../../core/base/index.js';
import { sandboxUrl } from '../../../../sdk/transport/index.js';
import { record } from '../matching/support.js';

describe('The address of a sandbox', () => {
  const task = record({ id: 'web.1', agentUrl: 'http://10.0.0.7:5051', containerId: 'C' });

  it('is where the agent serves the files of the run', () => {
    expect(sandboxUrl(task, 'out/a b.txt', 'F')).to.equal(
      'http://10.0.0.7:5051/files/download?path=' +
        encodeURIComponent('/frameworks/F/executors/web.1/runs/C/out/a b.txt'),
    );
    expect(sandboxUrl({ ...task, executorId: 'E' }, 'stdout', 'F')).to.contain('executors%2FE%2F');
  });

  it('is not known before the first word of the task', () => {
    for (const early of [
      { ...task, containerId: undefined },
      { ...task, agentUrl: undefined },
    ]) {
      expect(() => sandboxUrl(early, 'stdout', 'F'))
        .to.throw(PlateauError, "task 'web.1'")
        .with.property('code', 'INVALID_STATE');
    }
  });
});
