import { expect } from 'chai';
import {
  type MachineID,
  machineName,
  machineText,
  validateMachines,
} from '../../../../core/api/index.js';

describe('validateMachines', () => {
  const reasonOf = (machine: MachineID): string | undefined => validateMachines([machine], 'm');

  for (const ip of ['0.0.0.0', '10.0.0.7', '255.255.255.255', '']) {
    it(`takes the address '${ip}' beside a host name`, () => {
      expect(reasonOf({ hostname: 'a', ip })).to.equal(undefined);
    });
  }

  for (const ip of [
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.4.',
    '.1.2.3.4',
    '01.2.3.4',
    '1.2.3.256',
    '1..2.3',
    ' 1.2.3.4',
    '1.2.3.4\n',
  ]) {
    it(`refuses the address ${JSON.stringify(ip)}`, () => {
      expect(reasonOf({ ip })).to.match(/^'m\[0\]\.ip' is not an IPv4 address/);
    });
  }

  for (const hostname of ['a b', 'ä', 'a\n', '\ud800', 'a'.repeat(254)]) {
    it(`refuses the host name ${JSON.stringify(hostname).slice(0, 20)}`, () => {
      expect(reasonOf({ hostname })).to.match(/^'m\[0\]\.hostname' is not a host name/);
    });
  }

  it('compares host names without case, and addresses as they are', () => {
    const same = [{ hostname: 'A' }, { hostname: 'a' }];
    expect(validateMachines(same, 'm')).to.match(/'a' is more than once in 'm'/);
    const others = [{ hostname: 'a' }, { hostname: 'a', ip: '1.2.3.4' }, { ip: '1.2.3.4' }];
    expect(validateMachines(others, 'm')).to.equal(undefined);
    expect(new Set(others.map((machine) => machineName(machine))).size).to.equal(3);
  });

  it('takes an empty text for none', () => {
    expect(machineName({ hostname: '', ip: '1.2.3.4' })).to.equal(machineName({ ip: '1.2.3.4' }));
    expect(machineText({ hostname: '', ip: '1.2.3.4' })).to.equal('1.2.3.4');
    expect(machineText({ hostname: 'a', ip: '1.2.3.4' })).to.equal('a (1.2.3.4)');
  });
});
