import { expect } from 'chai';
import {
  type CallAnswer,
  MAX_CALL_BYTES,
  type SchedulerCall,
  encodeJson,
} from '../../core/api/index.js';
import {
  MASTER_NODE,
  SchedulerLink,
  SimulatedCluster,
  wireOf,
} from '../../core/simulation/index.js';

const TOO_LARGE = { status: 413, message: `The body is larger than ${MAX_CALL_BYTES} bytes.` };

class Subscribed {
  readonly answers: CallAnswer[] = [];
  readonly #cluster: SimulatedCluster;
  readonly #link: SchedulerLink;
  #frameworkId = '';
  end: string | undefined;

  constructor(form: 'json' | 'objects') {
    this.#cluster = new SimulatedCluster({ agents: 1, wire: form });
    this.#cluster.start();
    this.#link = new SchedulerLink({
      network: this.#cluster.network,
      wire: wireOf(form),
      from: 'scheduler',
      to: MASTER_NODE,
      handlers: {
        onEvent: ({ subscribed }) => (this.#frameworkId ||= subscribed?.framework_id.value ?? ''),
        onEnd: (reason) => (this.end = reason),
        onAnswer: (_call, answer) => this.answers.push(answer),
      },
    });
  }

  async subscribe(): Promise<this> {
    await this.#cluster.advance(5_000);
    this.#link.subscribe({
      type: 'SUBSCRIBE',
      subscribe: { framework_info: { user: 'u', name: 'large' } },
    });
    await this.#cluster.advance(1_000);
    return this;
  }

  async call(call: SchedulerCall): Promise<CallAnswer | undefined> {
    this.#link.call(call);
    await this.#cluster.advance(1_000);
    return this.answers.at(-1);
  }

  /** A call whose JSON text has so many bytes. */
  callOf(bytes: number, character: string): SchedulerCall {
    const left = bytes - encodeJson('SchedulerCall', this.#message('')).length;
    const each = encodeJson('SchedulerCall', this.#message(character)).length - bytes + left;
    return this.#message(character.repeat(left / each) + 'x'.repeat(left % each));
  }

  /** An ACCEPT that launches so many tasks. */
  launch(tasks: number): SchedulerCall {
    const agent_id = { value: 'S0' };
    const command = { value: `sleep ${'1'.repeat(800)}` };
    const task_infos = Array.from({ length: tasks }, (_, index) => ({
      name: 'task',
      task_id: { value: `task-${index}` },
      agent_id,
      command,
    }));
    return {
      framework_id: { value: this.#frameworkId },
      type: 'ACCEPT',
      accept: { offer_ids: [], operations: [{ type: 'LAUNCH', launch: { task_infos } }] },
    };
  }

  #message(value: string): SchedulerCall {
    return {
      framework_id: { value: this.#frameworkId },
      type: 'MESSAGE',
      message: { agent_id: { value }, executor_id: { value: 'e' }, data: '' },
    };
  }
}

describe('The size of a call to a simulated master', () => {
  for (const form of ['json', 'objects'] as const) {
    it(`is bounded as over HTTP, to the byte, when messages travel as ${form}`, async () => {
      const scheduler = await new Subscribed(form).subscribe();
      for (const character of ['x', '"', 'ä', '\u0001']) {
        const fits = scheduler.callOf(MAX_CALL_BYTES, character);
        expect(encodeJson('SchedulerCall', fits)).to.have.lengthOf(MAX_CALL_BYTES);
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        expect(await scheduler.call(fits), character).not.to.deep.equal(TOO_LARGE);
        const larger = scheduler.callOf(MAX_CALL_BYTES + 1, character);
        // oxlint-disable-next-line no-await-in-loop -- as above
        expect(await scheduler.call(larger), character).to.deep.equal(TOO_LARGE);
      }
      expect(scheduler.answers).to.have.lengthOf(8);
      expect(scheduler.end).to.equal(undefined);
    });

    it(`is that of all tasks of an ACCEPT, as ${form}`, async () => {
      const scheduler = await new Subscribed(form).subscribe();
      expect(await scheduler.call(scheduler.launch(1_200))).to.deep.equal(TOO_LARGE);
      expect(await scheduler.call(scheduler.launch(900))).not.to.deep.equal(TOO_LARGE);
    });
  }
});
