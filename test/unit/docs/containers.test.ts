import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { MAX_ENDED_API_CONTAINERS, SESSION_DRAIN_MS } from '../../../core/agent/index.js';
import {
  decodeJson,
  encodeJson,
  parseJson,
  validateAgentCall,
  validateContainerInfo,
} from '../../../core/api/index.js';
import { id } from '../../../core/base/index.js';
import { planRun } from '../../../core/containers/index.js';
import { MAX_LISTENER_LAG_BYTES } from '../../../core/http/container-output.js';
import { repositoryFile } from '../../checks/reference.js';

describe('The page about containers', () => {
  const page = readFileSync(repositoryFile('docs/containers.md'), 'utf8');
  const records = [...page.matchAll(/^```json\n([^]*?)^```$/gm)].map(([, body = '']) => body);
  const [io = '', ...calls] = records.filter((text) => text.startsWith('{"type"'));

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

  it('shows a task with an image that can be launched', () => {
    const [text = '', ...others] = records.filter((record) => record.startsWith('{"name"'));
    expect(others).to.deep.equal([]);
    const { task_id, command = {}, container, resources = [] } = decodeJson('TaskInfo', text);
    expect(validateContainerInfo(container)).to.equal(undefined);
    const spec = {
      containerId: id<'ContainerId'>(task_id.value),
      sandbox: '/sandbox',
      command,
      container,
      environment: {},
      user: undefined,
      limits: {},
      ports: resources.flatMap(({ ranges }) => ranges?.range ?? []),
    };
    const { arguments: line, image } = planRun(spec, { owner: 'x', hasCpuQuota: false });
    expect(line).to.include('--publish=31005:80/tcp').and.to.include('--network=bridge');
    expect(line.at(-1)).to.equal(image);
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
