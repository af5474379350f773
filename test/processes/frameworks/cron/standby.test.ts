import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { Running, makeFolder, plateau, removeFolder, until } from '../../cli/command.js';

const PERIOD_MS = 4_000;
const KILLS = 3;
/** Before and after the due time at which the scheduler is killed. */
const OFFSETS_MS: readonly number[] = [-30, 0, 60];

/** When the job is due: whole periods since 1970, as the file of the runs tells them. */
function dueTimes(file: string): readonly number[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8').trim().split('\n').map(Date.parse);
}

describe('Copies of plateau cron', function () {
  this.timeout(120_000);
  const folder = makeFolder();
  const file = join(folder, 'runs');
  const copies: Running[] = [];
  let up: Running;
  let environment: Readonly<Record<string, string>> = {};

  before(async () => {
    up = new Running([
      'up',
      '--agents=1',
      '--port=0',
      '--schedulers=none',
      `--work-dir=${join(folder, 'cluster')}`,
    ]);
    environment = { PLATEAU_MASTER: (await up.says(/is up: (http:\S+)\//))[1] ?? '' };
  });

  after(async () => {
    for (const each of [...copies, up]) {
      each.child.kill('SIGTERM');
      await each.ended;
    }
    removeFolder(folder);
  });

  function start(): Running {
    const store = `--store=lmdb:${join(folder, 'state')}`;
    const copy = new Running(
      ['cron', 'serve', '--standby', '--log-format=json', store],
      environment,
    );
    copies.push(copy);
    return copy;
  }

  it('neither double nor lose a run when the one at work is killed at due times', async () => {
    let leader = start();
    await leader.says(/"msg":"subscribed"/);
    const document = join(folder, 'job.yaml');
    const startAt = new Date(Math.ceil(Date.now() / PERIOD_MS + 1) * PERIOD_MS).toISOString();
    writeFileSync(
      document,
      `id: tick
schedules: [{ repeat: 'R/${startAt}/PT${PERIOD_MS / 1000}S', concurrencyPolicy: Allow }]
run:
  template: { command: 'echo "$CRON_SCHEDULED_TIME" >> ${file}', cpus: 0.1, memMiB: 32 }
`,
    );
    const applied = await plateau(['cron', 'apply', document], environment);
    expect(applied.code, applied.stderr).to.equal(0);
    await until(() => dueTimes(file).length > 0);
    for (const offsetMs of OFFSETS_MS.slice(0, KILLS)) {
      const next = start();
      await next.says(/stands by/);
      const dueMs = Math.ceil(Date.now() / PERIOD_MS) * PERIOD_MS + offsetMs;
      await until(() => Date.now() >= dueMs);
      leader.child.kill('SIGKILL');
      await next.says(/"msg":"subscribed"/);
      leader = next;
      const seen = dueTimes(file).length;
      await until(() => dueTimes(file).length > seen);
    }
    const found = dueTimes(file);
    const first = found[0] ?? Number.NaN;
    expect(found).to.deep.equal(found.map((_, index) => first + index * PERIOD_MS));
    expect(found.length).to.be.above(KILLS);
    const shown = await plateau(['cron', 'show', 'tick', '--json'], environment);
    expect(JSON.parse(shown.stdout)).to.include({ missed: 0, skipped: 0, failed: 0 });
  });
});
