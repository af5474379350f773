import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { systemWorld } from '../../../core/base/index.js';
import {
  LAST_PORT_OFFSET,
  SCHEDULERS,
  type SchedulerName,
  clusterEnvironment,
  parseSchedulers,
  schedulerPort,
  untilSubscribed,
} from '../../../core/cli/local-schedulers.js';

describe('--schedulers', () => {
  it('reads names in any order, each once, and none', () => {
    expect(parseSchedulers('batch,services,cron')).to.deep.equal(SCHEDULERS);
    expect(parseSchedulers('cron, batch,cron')).to.deep.equal(['batch', 'cron']);
    expect(parseSchedulers('services')).to.deep.equal(['services']);
    expect(parseSchedulers('none')).to.deep.equal([]);
  });

  for (const [text, word] of [
    ['batch,spark', 'spark'],
    ['none,batch', 'none'],
    ['', ''],
    ['batch,', ''],
    ['Batch', 'Batch'],
  ] as const) {
    it(`refuses '${text}', and names what is wrong`, () => {
      expect(() => parseSchedulers(text)).to.throw(`'${word}' is none of batch, services, cron`);
    });
  }
});

describe('Ports of local schedulers', () => {
  it('lie after those of a hundred agents, and are free ones beside a free one', () => {
    expect(SCHEDULERS.map((name) => schedulerPort(name, 5050))).to.deep.equal([5151, 5152, 5153]);
    expect(schedulerPort('cron', 5050)).to.equal(5050 + LAST_PORT_OFFSET);
    expect(SCHEDULERS.map((name) => schedulerPort(name, 0))).to.deep.equal([0, 0, 0]);
  });
});

describe('The environment of a command under plateau up', () => {
  const master = 'http://127.0.0.1:5050';

  it('names the master and the schedulers there are, and forgets those of another cluster', () => {
    const base = { HOME: '/home/a', PLATEAU_CRON: 'http://elsewhere:1', PLATEAU_MASTER: 'old' };
    const urls = new Map<SchedulerName, string>([['batch', 'http://127.0.0.1:5151']]);
    expect(clusterEnvironment(base, master, urls)).to.deep.equal({
      HOME: '/home/a',
      PLATEAU_MASTER: master,
      PLATEAU_BATCH: 'http://127.0.0.1:5151',
    });
    expect(base).to.have.property('PLATEAU_CRON');
  });
});

describe('Waiting for a local scheduler', () => {
  let server: Server;
  let url = '';
  let looks = 0;
  /** From which look on it is well. */
  let wellFrom = Infinity;

  beforeEach(async () => {
    looks = 0;
    server = createServer((_request, response) => {
      looks += 1;
      response.writeHead(looks >= wellFrom ? 200 : 503).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  async function refusal(withinMs: number, signal: AbortSignal): Promise<unknown> {
    const options = { name: 'batch', url, world: systemWorld(), withinMs, signal } as const;
    return untilSubscribed(options).then(
      () => undefined,
      (error: unknown) => error,
    );
  }

  it('looks until it is subscribed', async () => {
    wellFrom = 3;
    expect(await refusal(10_000, new AbortController().signal)).to.equal(undefined);
    expect(looks).to.equal(3);
  });

  it('gives up after its time, and says what it saw', async () => {
    wellFrom = Infinity;
    const error = await refusal(0, new AbortController().signal);
    expect(error).to.include({ code: 'NOT_READY' });
    expect(String(error)).to.match(/batch was not subscribed .*its \/health answers 503/);
  });

  it('ends when the cluster is ended meanwhile', async () => {
    wellFrom = Infinity;
    const abort = new AbortController();
    const ended = refusal(60_000, abort.signal);
    abort.abort();
    expect(await ended).to.include({ code: 'NOT_READY' });
  });
});
