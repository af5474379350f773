/** A whole framework: runs `echo hello` as one task and ends with it. The README shows it. */
import { userInfo } from 'node:os';
import { type Offer, type TaskStatus, isTerminalState } from '../../core/api/index.js';
import { SILENT_LOGGER, systemWorld } from '../../core/base/index.js';
import { OfferRemainder, SchedulerClient } from '../../core/client/index.js';

const SIZE = { cpus: 0.1, memoryMiB: 32 };
let isLaunched = false;

const client = new SchedulerClient({
  world: systemWorld(SILENT_LOGGER),
  masters: process.env['PLATEAU_MASTER'] ?? '127.0.0.1:5050',
  frameworkInfo: { name: 'first', user: userInfo().username },
  async onEvent({ offers, update }) {
    for (const offer of offers?.offers ?? []) await answer(offer);
    if (update !== undefined) await follow(update.status);
  },
});
await client.run();

async function answer(offer: Offer): Promise<void> {
  const room = new OfferRemainder(offer);
  if (isLaunched || !room.fits(SIZE)) return client.decline([offer.id]);
  const task = {
    name: 'hello',
    task_id: { value: 'hello' },
    agent_id: offer.agent_id,
    resources: room.take(SIZE),
    command: { value: 'echo hello' },
  };
  const operations = [{ type: 'LAUNCH' as const, launch: { task_infos: [task] } }];
  await client.call({ type: 'ACCEPT', accept: { offer_ids: [offer.id], operations } });
  isLaunched = true;
}

async function follow(status: TaskStatus): Promise<void> {
  // oxlint-disable-next-line no-console -- an example; the kernel writes through its logger
  console.log(status.task_id.value, status.state);
  await client.acknowledge(status);
  if (isTerminalState(status.state)) await client.teardown();
}
