import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { type ExecutorCall, decodeJson, validateExecutorInfo } from '../../../core/api/index.js';
import {
  DEFAULT_KILL_GRACE_MS,
  MAX_WAITING_UPDATES_PER_TASK,
  RESUBSCRIBE_MAX_MS,
  readExecutor,
} from '../../../sdk/executor/index.js';
import * as executor from '../../../sdk/executor/index.js';
import * as transport from '../../../sdk/transport/index.js';
import { formatBound } from '../../checks/bounds.js';
import { repositoryFile } from '../../checks/reference.js';
import { ScriptedServer, sendEvent } from '../client/support.js';
import { ENVIRONMENT, Rig, taskInfo } from '../sdk/executor/scripted-agent.js';
import { Crew } from './executors/crew.js';
import { Encoder } from './executors/encoder.js';
import { helloExecutor } from './executors/launch.js';

/** In the order of the page. */
const PROGRAMS = ['hello.ts', 'launch.ts', 'encoder.ts', 'crew.ts', 'encoder.test.ts'];

const DOORS = {
  "'../../../../sdk/executor/index.js'": "'plateau/sdk/executor'",
  "'../../../../core/index.js'": "'plateau/core'",
};

/** A program as somebody writes it who has the package. */
function published(name: string): string {
  const source = readFileSync(repositoryFile(`test/unit/docs/executors/${name}`), 'utf8');
  const bare = source.replace(/^\/\*\*[^]*?\*\/\n/, '');
  return Object.entries(DOORS).reduce((text, [from, to]) => text.replaceAll(from, to), bare);
}

describe('The guide to executors', () => {
  const page = readFileSync(repositoryFile('docs/sdk/executors.md'), 'utf8');

  it('shows programs that are compiled and run here', () => {
    const blocks = [...page.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, body = '']) => body);
    expect(blocks).to.deep.equal(PROGRAMS.map(published));
  });

  it('says hello', async function () {
    this.timeout(15_000);
    const calls: ExecutorCall[] = [];
    let stream: ServerResponse | undefined;
    const server = await new ScriptedServer().listen();
    server.answer = ({ body }, response) => {
      const call = decodeJson('ExecutorCall', body);
      calls.push(call);
      if (call.type === 'SUBSCRIBE') {
        stream = response.writeHead(200, { 'Content-Type': 'application/json' });
        const subscribed = {
          executor_info: { executor_id: call.executor_id },
          framework_info: { user: 'nobody', name: 'test' },
          agent_info: { hostname: 'localhost' },
        };
        sendEvent(stream, { type: 'SUBSCRIBED', subscribed });
        const data = Buffer.from('world').toString('base64');
        sendEvent(stream, { type: 'LAUNCH', launch: { task: taskInfo('t', { data }) } });
        return;
      }
      response.writeHead(202).end();
      const { status } = call.update ?? {};
      if (stream === undefined || status === undefined) return;
      const { task_id, uuid } = status;
      sendEvent(stream, { type: 'ACKNOWLEDGED', acknowledged: { task_id, uuid } });
      if (status.state === 'TASK_FINISHED') sendEvent(stream, { type: 'SHUTDOWN' });
    };
    const program = fileURLToPath(new URL('executors/hello.js', import.meta.url));
    const env = { ...process.env, ...ENVIRONMENT, MESOS_AGENT_ENDPOINT: server.address };
    const child = fork(program, { env, stdio: 'ignore' });
    try {
      const [code]: unknown[] = await once(child, 'exit');
      expect(code).to.equal(0);
    } finally {
      child.kill('SIGKILL');
      await server.close();
    }
    const told = calls.flatMap(({ update }) => update?.status ?? []);
    expect(told.map(({ state, message }) => [state, message])).to.deep.equal([
      ['TASK_RUNNING', undefined],
      ['TASK_FINISHED', 'hello, world'],
    ]);
  });

  it('names an executor that is valid', () => {
    expect(validateExecutorInfo(helloExecutor('f-1'))).to.equal(undefined);
  });

  it('answers questions about progress, and stops when it is killed', async () => {
    const rig = new Rig();
    await rig.start(new Encoder());
    const data = Buffer.from('1000000').toString('base64');
    rig.agent.launch('t', { data });
    await rig.pass(10);
    rig.agent.send({ type: 'MESSAGE', message: { data: Buffer.from('t').toString('base64') } });
    await rig.pass(10);
    const { message } = rig.agent.calls.find(({ type }) => type === 'MESSAGE') ?? {};
    expect(Buffer.from(message?.data ?? '', 'base64').toString()).to.match(/^t: \d+ frames$/);
    rig.agent.kill('t');
    while (!rig.agent.states('t').includes('TASK_KILLED')) await rig.pass(1);
    await rig.pass(5 * 60_000 + 100);
    expect(rig.exits, 'it was idle for five minutes').to.deep.equal([0]);
  });

  it('runs a group as one', async () => {
    const rig = new Rig();
    await rig.start(new Crew());
    rig.agent.launchGroup('a', 'b');
    await rig.pass(20);
    for (const id of ['a', 'b']) {
      expect(rig.agent.states(id)).to.deep.equal(['TASK_STARTING', 'TASK_RUNNING']);
    }
    rig.agent.kill('a');
    await rig.pass(20);
    expect(rig.agent.states('b').at(-1)).to.equal('TASK_KILLED');
  });

  it('names the defaults', () => {
    expect(readExecutor(Crew)).to.include({ killGraceMs: 3000, onStuck: 'exit' });
    expect(DEFAULT_KILL_GRACE_MS).to.equal(3000);
    expect(page).to.include("| `killGrace` | `'3s'` |");
    expect(MAX_WAITING_UPDATES_PER_TASK).to.equal(1000);
    expect(page).to.include('1,000 waiting updates');
    expect(RESUBSCRIBE_MAX_MS / 2, 'half of the longest wait, on average').to.equal(500);
    expect(page).to.include('about every half second');
  });
});

describe('The page of limits', () => {
  const page = readFileSync(repositoryFile('docs/limits.md'), 'utf8');

  for (const [area, module] of Object.entries({ executor, transport })) {
    it(`lists the bounds of sdk/${area} with their values`, () => {
      const [, rest = ''] = page.split(`### \`sdk/${area}\``);
      const [section = ''] = rest.split('\n#');
      const listed = [...section.matchAll(/^\| `([A-Z_]+)` \| ([^|]+) \|/gm)].map(
        ([, name = '', value = '']) => [name, value] as const,
      );
      const bounds = Object.entries(module).flatMap(([name, value]: [string, unknown]) =>
        typeof value === 'number' ? [[name, formatBound({ name, value })] as const] : [],
      );
      expect(Object.fromEntries(listed)).to.deep.equal(Object.fromEntries(bounds));
      expect(bounds).to.not.be.empty;
    });
  }
});
