/**
 * The other side of the benchmark of the SDK's transport, a program of its own: a master that does nothing
 * but stream status updates to one framework. So many are under way at a time; each acknowledgement
 * calls for the next one.
 */
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { encodeJson, encodeRecord } from '../../core/api/index.js';
import { SystemIds } from '../../core/base/index.js';

/** Updates that wait for acknowledgement. */
const WINDOW = 64;

const ids = new SystemIds();
let count = 0;
let wanted = WINDOW;

/** As large as those of a task that tells its progress. */
function update(): Buffer {
  const taskId = { value: `a-task-of-a-job-${count % 1000}` };
  count++;
  return encodeRecord(
    encodeJson('SchedulerEvent', {
      type: 'UPDATE',
      update: {
        status: {
          task_id: taskId,
          agent_id: { value: '5f7a6f2c-31c1-4e62-9f0f-5a1f0f6c1d2e-S0' },
          executor_id: { value: 'executor-of-the-job' },
          state: 'TASK_RUNNING',
          source: 'SOURCE_EXECUTOR',
          uuid: ids.uuidBytes(),
          message: `step ${count} is done`,
          timestamp: 1.9e9 + count,
          healthy: true,
          data: Buffer.from(`progress ${count}`.padEnd(60)).toString('base64'),
          labels: { labels: [{ key: 'progress', value: String(count) }] },
          container_status: { container_id: { value: 'container-of-the-executor' } },
        },
      },
    }),
  );
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if ((await text(request)).includes('"ACKNOWLEDGE"')) {
    wanted++;
    response.writeHead(202, { 'Content-Length': 0 }).end();
    return;
  }
  response.writeHead(200, { 'Content-Type': 'application/json', 'Mesos-Stream-Id': 'bench' });
  const subscribed = { framework_id: { value: 'bench' }, heartbeat_interval_seconds: 15 };
  response.write(encodeRecord(encodeJson('SchedulerEvent', { type: 'SUBSCRIBED', subscribed })));
  const timer = setInterval(() => {
    for (; wanted > 0; wanted--) response.write(update());
  }, 1);
  response.once('close', () => clearInterval(timer));
}

const server = createServer((request, response) => void answer(request, response));
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit(0));
