import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { MAX_ENDED_API_CONTAINERS, SESSION_DRAIN_MS } from '../../../core/agent/index.js';
import { decodeJson, encodeJson, parseJson, validateAgentCall } from '../../../core/api/index.js';
import { MAX_LISTENER_LAG_BYTES } from '../../../core/http/container-output.js';
import { repositoryFile } from '../../checks/reference.js';

describe('The page about containers', () => {
  const page = readFileSync(repositoryFile('docs/containers.md'), 'utf8');
  const [io = '', ...calls] = [...page.matchAll(/^```json\n([^]*?)^```$/gm)].map(
    ([, body = '']) => body,
  );

  it('shows records that are well-formed, with no field that is unknown', () => {
    const record = decodeJson('AgentProcessIO', io);
    expect(parseJson(encodeJson('AgentProcessIO', record))).to.deep.equal(parseJson(io));
    expect(calls).to.have.length(4);
    for (const text of calls) {
      const call = decodeJson('AgentCall', text);
      expect(validateAgentCall(call)).to.equal(undefined);
      expect(parseJson(encodeJson('AgentCall', call))).to.deep.equal(parseJson(text));
    }
  });

  it('names the bounds', () => {
    expect(MAX_ENDED_API_CONTAINERS).to.equal(1_000);
    expect(page).to.include('a thousand others');
    expect(SESSION_DRAIN_MS).to.equal(2_000);
    expect(page).to.include('waited for two seconds');
    expect(MAX_LISTENER_LAG_BYTES).to.equal(16 * 1024 * 1024);
    expect(page).to.include('16 MiB behind');
  });
});
