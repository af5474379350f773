/** What operators see of daemons and of handlers that are retried, and that a process runs the former. */
import { expect } from 'chai';
import { VirtualWorld } from '../../../../core/base/index.js';
import { MemoryStore } from '../../../../core/store/index.js';
import {
  Daemon,
  type DaemonContext,
  Every,
  Framework,
  OnOffers,
  TransientError,
} from '../../../../sdk/framework/index.js';
import { type RunningFramework, runFramework } from '../../../../sdk/hosting/index.js';
import type { Session, Transport } from '../../../../sdk/runtime/index.js';

/** No master ever answers. */
class SilentTransport implements Transport {
  open(): Session {
    return { master: undefined, call: async () => {}, close: async () => {} };
  }
  async close(): Promise<void> {}
}

@Framework({ name: 'watching' })
class Watching {
  signal: AbortSignal | undefined;

  @OnOffers() place(): void {}

  @Every('10s') tick(): void {
    throw new TransientError('busy', { retryAfter: '1h' });
  }

  @Daemon() async watch(context: DaemonContext): Promise<void> {
    this.signal = context.signal;
    await context.sleep('1h');
  }

  @Daemon({ onError: 'retry' }) async fail(): Promise<void> {
    throw new Error('no queue');
  }
}

describe('A framework with daemons as a process', () => {
  it('runs them, shows their states, and ends them when it is closed', async () => {
    const world = new VirtualWorld();
    const running: RunningFramework = await runFramework(Watching, {
      world,
      store: new MemoryStore(),
      transport: () => new SilentTransport(),
    });
    await world.settle();
    const ask = async (path: string): Promise<string> =>
      await (await fetch(`http://127.0.0.1:${running.adminPort}${path}`)).text();
    const watching = running.framework;
    try {
      expect(JSON.parse(await ask('/v1/state'))).to.deep.include({
        retrying: [],
        daemons: [
          { name: 'watch', state: 'running', failures: 0 },
          { name: 'fail', state: 'waiting', failures: 1, error: 'no queue' },
        ],
      });
      expect(JSON.parse(await ask('/health'))).to.not.have.property('retrying');
      const metrics = await ask('/metrics');
      expect(metrics).to.contain('\nplateau_framework_daemons_running 1\n');
      expect(metrics).to.contain('\nplateau_framework_daemons_waiting 1\n');
      expect(metrics).to.contain('\nplateau_framework_daemon_restarts_total 1\n');
      await world.advance(10_000);
      expect(JSON.parse(await ask('/v1/state'))).to.deep.include({
        retrying: [{ handler: 'tick', failures: 1, error: 'busy' }],
      });
      expect(JSON.parse(await ask('/health'))).to.deep.include({ retrying: ['tick'] });
      expect(await ask('/metrics')).to.contain('\nplateau_framework_retrying_handlers 1\n');
    } finally {
      await running.close();
    }
    expect(watching).to.be.instanceOf(Watching);
    expect((watching as Watching).signal?.aborted).to.equal(true);
  });
});
