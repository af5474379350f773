import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { repositoryFile } from '../../../checks/reference.js';
import { Framework, OnOffers, readFramework } from '../../../../sdk/framework/index.js';
import * as framework from '../../../../sdk/framework/index.js';

/** What is known of a wrong option: the message lists them all. */
function knownOptions(decorate: () => object): readonly string[] {
  try {
    readFramework(decorate());
  } catch (error) {
    const [, list = ''] = /known are ([\w, ]+)/.exec((error as Error).message) ?? [];
    return list.split(', ');
  }
  return [];
}

describe('The page about decorators', () => {
  const page = readFileSync(repositoryFile('docs/sdk/decorators.md'), 'utf8');

  it('has every decorator', () => {
    const names = Object.keys(framework).filter((name) =>
      /^(?:On[A-Z]|Every$|Daemon$|Framework$|Stored$)/.test(name),
    );
    expect(names).to.have.length(16);
    expect(names.filter((name) => !page.includes(`@${name}(`))).to.deep.equal([]);
  });

  it('has every option', () => {
    const options = knownOptions(() => {
      @Framework({ name: 'a', wrong: 1 } as never)
      class Example {
        @OnOffers() place(): void {}
      }
      return Example;
    });
    const handlerOptions = knownOptions(() => {
      @Framework({ name: 'a' })
      class Example {
        @OnOffers({ wrong: 1 } as never) place(): void {}
      }
      return Example;
    });
    expect(options.length + handlerOptions.length).to.be.greaterThan(18);
    for (const option of [...options, ...handlerOptions]) expect(page).to.contain(`\`${option}\``);
  });
});
