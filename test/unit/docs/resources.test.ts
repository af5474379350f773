import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { fixedEstimator } from '../../../core/agent/index.js';
import { type OfferOperation, fromJson, parseJson } from '../../../core/api/index.js';
import { AGENT_FLAGS } from '../../../core/cli/flags/agent.js';
import {
  Resources,
  growVolume,
  parseResourceList,
  shrinkVolume,
  validateCreate,
  validateReserve,
} from '../../../core/resources/index.js';
import { repositoryFile } from '../../checks/reference.js';

const page = readFileSync(repositoryFile('docs/resources.md'), 'utf8');

function blocks(language: string): readonly string[] {
  return [...page.matchAll(/^```(\w+)\n([^]*?)^```$/gm)]
    .filter(([, found]) => found === language)
    .map(([, , body = '']) => body);
}

describe('The page on resources', () => {
  it('shows operations that are valid', () => {
    const operations: readonly OfferOperation[] = blocks('json')
      .filter((text) => text.includes('"type": "RESERVE"') || text.includes('"type": "CREATE"'))
      .map((text) => fromJson('OfferOperation', parseJson(text)));
    expect(operations.map(({ type }) => type)).to.deep.equal(['RESERVE', 'CREATE', 'CREATE']);
    const nothing = { total: Resources.EMPTY, used: Resources.EMPTY };
    for (const { reserve, create } of operations) {
      const problem =
        reserve === undefined
          ? validateCreate(create?.volumes ?? [], nothing)
          : validateReserve(reserve.resources ?? [], {});
      expect(problem).to.equal(undefined);
    }
  });

  it('shows how volumes are resized', () => {
    const resizes = blocks('json')
      .filter((text) => text.includes('_VOLUME'))
      .map((text) => fromJson('OfferOperation', parseJson(text)));
    expect(resizes).to.have.length(2);
    const sizes = resizes.map(({ grow_volume: grow, shrink_volume: shrink }) => {
      const resized =
        grow === undefined
          ? shrink && shrinkVolume(shrink.volume, shrink.subtract.value)
          : growVolume(grow.volume, grow.addition);
      expect(resized?.problem).to.equal(undefined);
      return resized?.problem === undefined ? resized?.to[0]?.scalar?.value : undefined;
    });
    expect(sizes).to.deep.equal([768, 512]);
  });

  it('shows disks and a domain as the flags take them', () => {
    const list = blocks('json').find((text) => text.startsWith('['));
    const types = parseResourceList(list ?? '').map(({ disk }) => disk?.source?.type);
    expect(types).to.deep.equal([undefined, 'PATH', 'MOUNT']);
    const domain = blocks('json').find((text) => text.includes('fault_domain'));
    const { fault_domain: fault } = fromJson('DomainInfo', parseJson(domain ?? ''));
    expect(fault?.region.name).to.equal('eu');
  });

  it('names flags that there are, with values that they take', () => {
    const known = new Set(AGENT_FLAGS.map(({ name }) => name));
    const commands = blocks('sh').flatMap((text) => text.trim().split('\n'));
    expect(commands).to.have.length(2);
    for (const command of commands) {
      for (const [, name = '', value = ''] of command.matchAll(/--(\w+)=('[^']*'|\S+)/g)) {
        expect(known, name).to.include(name);
        const text = value.replaceAll("'", '');
        if (name === 'resources') expect(parseResourceList(text)).to.have.length(5);
        if (name === 'oversubscribed_resources') fixedEstimator(parseResourceList(text));
      }
    }
  });
});
