/** A whole framework: runs `echo hello` as one task and ends with it. The README shows it. */
import {
  Framework,
  OnOffers,
  OnStatus,
  type Offers,
  type TaskUpdate,
  runFramework,
  task,
  teardown,
} from '../../sdk/index.js';

@Framework({ name: 'first' })
class First {
  @OnOffers() place(offers: Offers) {
    const size = { cpus: 0.1, memMiB: 32 };
    return offers.complete([task({ name: 'hello', key: 'once', ...size, command: 'echo hello' })]);
  }

  @OnStatus() tell({ task: { name }, state }: TaskUpdate) {
    // oxlint-disable-next-line no-console -- a program that people run
    console.log(name, state);
    return state === 'FINISHED' ? teardown() : undefined;
  }
}

const masters = process.env['PLATEAU_MASTER'] ?? '127.0.0.1:5050';
const running = await runFramework(First, { masters, store: 'memory:', admin: false });
await running.ended;
