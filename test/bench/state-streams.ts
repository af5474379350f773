/** A master with its server, in a process of its own that has done nothing before: tells its memory. */
import { systemWorld, SILENT_LOGGER } from '../../core/base/index.js';
import { MasterServer } from '../../core/http/index.js';
import { collectGarbage } from './bench.js';
import { MasterRig } from './master-rig.js';

const rig = await MasterRig.start({ isTimeStill: false });
const server = new MasterServer({
  world: systemWorld(SILENT_LOGGER),
  log: SILENT_LOGGER,
  master: rig.master,
  host: '127.0.0.1',
  port: 0,
  flags: {},
  filesRoots: [],
});
process.send?.({ result: (await server.listen()).port });
process.on('message', () => {
  collectGarbage();
  const streams = rig.master.cluster.frameworks.size;
  process.send?.({ result: { rss: process.memoryUsage().rss, streams } });
});
process.on('disconnect', () => process.exit());
