import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { loadFramework } from '../../../../sdk/hosting/index.js';

function fixture(name: string): string {
  return fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
}

async function refusal(specifier: string): Promise<string> {
  try {
    await loadFramework(specifier);
  } catch (error) {
    expect(error).to.have.property('code', 'INVALID_FLAG');
    return (error as Error).message;
  }
  throw new Error('it was loaded');
}

describe('loadFramework', () => {
  it('picks the only framework, whatever it is called', async () => {
    expect((await loadFramework(fixture('single.js'))).theClass.name).to.equal('One');
  });

  it('picks the default export among several', async () => {
    expect((await loadFramework(fixture('with-default.js'))).theClass.name).to.equal('One');
  });

  it('picks the one that is named, and finds routes beside it', async () => {
    const { theClass, routes } = await loadFramework(`${fixture('several.js')}#Other`);
    expect(theClass.name).to.equal('Other');
    expect(routes.map((each) => (each as { name: string }).name)).to.deep.equal(['Names']);
  });

  it('says which frameworks there are when it is not clear which one is meant', async () => {
    expect(await refusal(fixture('several.js'))).to.match(
      /exports several frameworks: name one of them, as in .*several\.js#One \(One, Other\)$/,
    );
    expect(await refusal(`${fixture('several.js')}#Missing`)).to.contain(
      "exports no framework 'Missing'; it exports One, Other",
    );
  });

  it('finds what the module provides, and refuses what is no list of it', async () => {
    const { provide } = await loadFramework(fixture('with-providers.js'));
    expect(provide.map(({ token, by }) => [token.name, by])).to.deep.equal([
      ['name', { value: 'from the module' }],
    ]);
    expect((await loadFramework(fixture('single.js'))).provide).to.deep.equal([]);
    expect(await refusal(fixture('wrong-providers.js'))).to.contain(
      "exports 'providers', which is not a list of what provide(…) gives",
    );
  });

  it('says what is wrong with other modules', async () => {
    expect(await refusal(fixture('none.js'))).to.contain(
      "put @Framework({ name: '…' }) on a class",
    );
    expect(await refusal('./my-framework.ts')).to.contain("compile it with 'tsc'");
    expect(await refusal('./not-there.js')).to.contain('cannot be loaded: Cannot find module');
    expect(await refusal('')).to.contain('no module is named');
  });
});
