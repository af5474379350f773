import { expect } from 'chai';
import { Flags } from '../../../core/command/index.js';
import { toConfig } from '../../../core/cli/commands/agent.js';
import { AGENT_FLAGS } from '../../../core/cli/flags/agent.js';

const HOST = {
  cpus: 4,
  memoryBytes: 2 ** 33,
  diskBytes: 2 ** 36,
  bootId: 'boot-1',
  hostname: 'host-1',
};

function configOf(values: Readonly<Record<string, string>>): ReturnType<typeof toConfig> {
  return toConfig(new Flags(AGENT_FLAGS, new Map(Object.entries(values))), HOST, '/nowhere');
}

describe('The settings of an agent', () => {
  it('reserve what is detected for the default role', () => {
    const { resources } = configOf({ default_role: 'prod', resources: 'cpus:2' });
    expect(resources.map(({ name }) => name)).to.include.members(['cpus', 'mem', 'disk', 'ports']);
    for (const { reservations } of resources) {
      expect(reservations).to.deep.equal([{ type: 'STATIC', role: 'prod' }]);
    }
  });

  it('name the flag when the default role is none', () => {
    expect(() => configOf({ default_role: 'a b' }))
      .to.throw(/^--default_role: Role "a b" cannot contain blanks$/)
      .with.property('code', 'INVALID_FLAG');
  });

  it('name the resource whose type no task could use', () => {
    expect(() => configOf({ resources: 'ports:4' })).to.throw(/'ports' .* must be ranges/);
  });
});
