/** A whole framework: runs `echo hello` as one task and ends with it. The README shows it. */
import { userInfo } from 'node:os';
import { isTerminalState } from '../../core/api/index.js';
import { systemWorld } from '../../core/base/index.js';
import { OfferRemainder, SchedulerClient } from '../../core/client/index.js';

const size = { cpus: 0.1, memoryMiB: 32 };
let isLaunched = false;
const client = new SchedulerClient({
  world: systemWorld(),
  masters: process.env['PLATEAU_MASTER'] ?? '127.0.0.1:5050',
  frameworkInfo: { name: 'first', user: userInfo().username },
  async onEvent({ offers, update }) {
    for (const offer of offers?.offers ?? []) {
      const room = new OfferRemainder(offer);
      const isWanted = !isLaunched && room.fits(size);
      isLaunched ||= isWanted;
      if (!isWanted) await client.decline([offer.id]);
      else await client.launch(offer, [room.task('hello', size, { value: 'echo hello' })]);
    }
    if (update === undefined) return;
    // oxlint-disable-next-line no-console -- a program that people run
    console.log(update.status.task_id.value, update.status.state);
    await client.acknowledge(update.status);
    if (isTerminalState(update.status.state)) await client.teardown();
  },
});
await client.run();
