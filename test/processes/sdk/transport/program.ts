/** Subscribes once, tears its framework down and closes. Nothing else ends the process. */
import { systemWorld } from '../../../../core/base/index.js';
import { HttpTransport } from '../../../../sdk/transport/index.js';

const transport = new HttpTransport({ world: systemWorld(), masters: process.argv[2] ?? '' });
const session = transport.open(
  { type: 'SUBSCRIBE', subscribe: { framework_info: { user: 'nobody', name: 'brief' } } },
  {
    onEvent: async ({ subscribed }) => {
      const framework_id = subscribed?.framework_id;
      if (framework_id === undefined) return;
      await session.call({ type: 'SUPPRESS', framework_id });
      await session.call({ type: 'TEARDOWN', framework_id });
      await transport.close();
      process.stdout.write('closed\n');
    },
    onEnd: (error) => {
      throw error;
    },
  },
);
