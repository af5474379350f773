/** `plateau init`: the first files of a framework. */
import type { Command } from 'commander';
import { PLATEAU_VERSION } from '../../../core/api/index.js';
import { printNotice } from '../../../core/command/index.js';
import { writeScaffold } from '../scaffold.js';

export function define(command: Command): void {
  command
    .argument('<folder>', 'folder to make; its name is that of the framework, such as my-framework')
    .option('--tsconfig', 'write a tsconfig.json as well, for editors', false)
    .action((folder: string, { tsconfig }: { readonly tsconfig: boolean }) => {
      const version = `^${PLATEAU_VERSION}`;
      const { path, files } = writeScaffold({ folder, version, hasTsconfig: tsconfig });
      printNotice(`wrote ${files.join(', ')} to ${path}`);
      printNotice(`next:  cd ${folder} && npm install && npm test`);
    });
}
