import { execFile, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { repositoryFile } from '../../../checks/reference.js';
import { readFramework } from '../../../../sdk/framework/index.js';
import { type LinkedFolder, linkedFolder } from '../linked-package.js';
import { AdminRig } from './rig.js';

const OPTIONS =
  '--ignoreConfig --strict --target es2022 --lib es2023 --module nodenext --skipLibCheck --experimentalDecorators --types node';

function snippet(page: string, after = ''): string {
  const text = readFileSync(repositoryFile(page), 'utf8');
  const [, found = ''] = /^```ts\n([^]*?)^```$/m.exec(text.slice(text.indexOf(after))) ?? [];
  return found;
}

describe('The pages about running a framework', function () {
  this.timeout(60_000);
  let folder: LinkedFolder;

  before(() => {
    folder = linkedFolder();
    writeFileSync(join(folder.path, 'package.json'), '{"type":"module"}');
  });
  after(() => folder.remove());

  it('have examples that compile, and routes that are served', async () => {
    const services = snippet('docs/sdk/admin.md');
    writeFileSync(
      join(folder.path, 'my-framework.ts'),
      services.replaceAll('Services', 'MyFramework'),
    );
    writeFileSync(join(folder.path, 'program.ts'), snippet('docs/sdk/running.md'));
    const client = snippet('docs/sdk/admin.md', '## From a program');
    expect(client).to.include('AdminClient');
    writeFileSync(join(folder.path, 'client.ts'), client.replaceAll('Services', 'MyFramework'));
    const argv = [folder.tsc, ...OPTIONS.split(' '), 'my-framework.ts', 'program.ts', 'client.ts'];
    const { stdout } = spawnSync(process.execPath, argv, { cwd: folder.path, encoding: 'utf8' });
    expect(stdout).to.equal('');

    const { href } = pathToFileURL(join(folder.path, 'my-framework.js'));
    const { MyFramework } = (await import(href)) as { MyFramework: new () => object };
    expect(readFramework(MyFramework).settings.name).to.equal('services');
    const rig = await new AdminRig({ classes: [MyFramework] }).start(new MyFramework());
    try {
      const post = { body: { name: 'web', count: 2 } };
      expect((await rig.ask('POST', '/v1/services', post)).status).to.equal(201);
      expect((await rig.ask('POST', '/v1/services', post)).status).to.equal(409);
      expect((await rig.ask('POST', '/v1/services', { body: { count: 101 } })).status).to.equal(
        422,
      );
      const { text } = await rig.ask('GET', '/v1/services');
      expect(JSON.parse(text)).to.deep.equal([{ name: 'web', count: 2 }]);
      expect((await rig.ask('DELETE', '/v1/services/web')).status).to.equal(204);

      const compiled = readFileSync(join(folder.path, 'client.js'), 'utf8');
      const program = join(folder.path, 'client-here.js');
      writeFileSync(program, compiled.replace('127.0.0.1:8080', `127.0.0.1:${rig.port}`));
      const ran = promisify(execFile)(process.execPath, [program], { cwd: folder.path });
      expect((await ran).stdout).to.equal('web 2\n');
    } finally {
      await rig.server.close();
    }
  });

  it('list the built-in routes', async () => {
    const page = readFileSync(repositoryFile('docs/sdk/admin.md'), 'utf8');
    const rig = await new AdminRig().start({});
    try {
      const { json } = await rig.ask('GET', '/openapi.json');
      for (const path of Object.keys(json['paths'] as object)) {
        expect(page).to.contain(` ${path.replace('{id}', ':id')}`);
      }
    } finally {
      await rig.server.close();
    }
  });
});
