import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect } from 'chai';
import { repositoryFile } from '../../checks/reference.js';
import { MAIN } from '../cli/command.js';
import { freePorts, killAllOf, processesOf } from '../faults/cluster.js';
import { stepsOf } from '../sdk/packed/page.js';
import { Reader } from '../sdk/packed/reader.js';

/** Ports that the page names: this machine may use them for something else. */
const PORTS = ['5050', '5051', '5052'];

describe('The tutorial of recovering from faults', function () {
  this.timeout(120_000);
  const page = readFileSync(repositoryFile('docs/fault-recovery.md'), 'utf8');
  const parts = page.split(/^## /m).filter((text) => /^\d\. /.test(text));
  let path: string;
  let reader: Reader;
  let ports: readonly number[];

  /** The page with ports that are free. They stay the same when what listens there is killed. */
  const withPorts = (text: string): string =>
    text.replaceAll(/\b505[0-2]\b/g, (port) => String(ports[PORTS.indexOf(port)]));

  before(async () => {
    path = realpathSync(mkdtempSync(join(tmpdir(), 'plateau-faults-page-')));
    ports = await freePorts(PORTS.length);
    // What `npm link` does.
    const commands = join(path, '.bin');
    mkdirSync(commands);
    const command = join(commands, 'plateau');
    writeFileSync(command, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
    chmodSync(command, 0o755);
    reader = new Reader(
      { path, install: () => undefined },
      {
        PATH: `${commands}${delimiter}${process.env['PATH'] ?? ''}`,
        PLATEAU_MASTER: `127.0.0.1:${ports[0]}`,
      },
    );
  });
  after(async () => {
    await reader.close();
    const left = processesOf(path);
    await killAllOf(path);
    rmSync(path, { recursive: true, force: true });
    expect(left, 'processes left behind').to.deep.equal([]);
  });

  // One test a part; after one that failed, those that stand on it say so too.
  let hasFailed = false;
  for (const part of parts) {
    it(`works: ${part.slice(0, part.indexOf('\n'))}`, async () => {
      if (hasFailed) throw new Error('a part before this one failed');
      hasFailed = true;
      // oxlint-disable-next-line no-await-in-loop -- they build on each other
      for (const step of stepsOf(withPorts(part))) await reader.follow(step);
      hasFailed = false;
    });
  }

  it('kills a task, an agent, the schedulers and the master', () => {
    expect(parts.map((part) => part.slice(3, part.indexOf('\n')))).to.deep.equal([
      'A cluster of separate processes',
      'Kill a task',
      'Kill an agent',
      'Kill the schedulers',
      'Kill the master',
      'The end',
    ]);
  });
});
