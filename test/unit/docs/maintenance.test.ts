import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import {
  MAX_MACHINE_HOSTNAME_LENGTH,
  MAX_SCHEDULED_MACHINES,
  decodeJson,
  encodeJson,
  parseJson,
  validateSchedulerCall,
} from '../../../core/api/index.js';
import { repositoryFile } from '../../checks/reference.js';

describe('The page about maintenance', () => {
  const page = readFileSync(repositoryFile('docs/maintenance.md'), 'utf8');
  const [event = '', call = ''] = [...page.matchAll(/^```json\n([^]*?)^```$/gm)].map(
    ([, body]) => body,
  );

  it('shows an event and a call that are well-formed, with no field that is unknown', () => {
    const decoded = decodeJson('SchedulerEvent', event);
    expect(decoded.inverse_offers?.inverse_offers).to.have.length(1);
    expect(parseJson(encodeJson('SchedulerEvent', decoded))).to.deep.equal(parseJson(event));
    const accepted = decodeJson('SchedulerCall', call);
    expect(validateSchedulerCall(accepted)).to.equal(undefined);
    expect(accepted.accept_inverse_offers?.filters?.refuse_seconds).to.equal(600);
    expect(accepted.accept_inverse_offers?.inverse_offer_ids).to.deep.equal(
      decoded.inverse_offers?.inverse_offers?.map(({ id }) => id),
    );
  });

  it('names the bounds', () => {
    expect(page).to.include(`more than ${MAX_MACHINE_HOSTNAME_LENGTH} characters`);
    expect(page).to.include(`more than ${MAX_SCHEDULED_MACHINES.toLocaleString('en')} machines`);
  });
});
