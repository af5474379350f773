/**
 * The pages of a running master and agent have the shape that tools around Mesos expect: the sets of
 * keys below are those of Apache Mesos for the same things. More keys than Mesos has are named as ours.
 */
import { expect } from 'chai';
import { isRecord } from '../../../core/base/index.js';
import { TestCluster } from './cluster.js';

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

/** Without the two of git, which Mesos leaves out as well when it was built from a release. */
const BUILD = words('build_date build_time build_user version');
const TASK = words(
  'executor_id framework_id id labels name resources role slave_id state statuses discovery',
);
const QUANTITIES = words('cpus disk gpus mem ports');
const ROLE = words('allocated frameworks name offered quota reserved resources weight');
const COUNTS = words(
  `TASK_ERROR TASK_FAILED TASK_FINISHED TASK_KILLED TASK_KILLING TASK_LOST TASK_RUNNING TASK_STAGING
   TASK_STARTING TASK_UNREACHABLE`,
);
const AGENT = words(
  `active attributes capabilities deactivated hostname id offered_resources pid port registered_time
   reserved_resources resources unreserved_resources used_resources version`,
);
const FRAMEWORK = words(
  `active capabilities checkpoint completed_tasks connected executors failover_timeout hostname id
   name offered_resources offers recovered registered_time resources roles tasks unreachable_tasks
   unregistered_time used_resources user webui_url`,
);
const EXECUTOR = words(
  'completed_tasks container directory id name queued_tasks resources source tasks role labels',
);

/** Keys that a page has beside those of Mesos. */
const OURS = new Set(['plateau_version']);

describe('The pages of a running cluster', function () {
  this.timeout(30_000);
  let cluster: TestCluster;

  before(async () => {
    cluster = await TestCluster.start({ masterFlags: ['--cluster=shape'] });
    const labels = { labels: [{ key: 'a', value: 'b' }] };
    const scheduler = await cluster.scheduler({
      framework: { hostname: 'here', webui_url: 'http://127.0.0.1/', labels },
    });
    const discovery = { visibility: 'CLUSTER', name: 'found' } as const;
    await scheduler.run('runs', 'while :; do sleep 0.1; done', { labels, discovery });
    await scheduler.until('runs', 'TASK_RUNNING');
    await scheduler.run('done', 'true', { labels, discovery });
    await scheduler.until('done', 'TASK_FINISHED');
    // An offer that is held shows among the framework's.
    const offer = await scheduler.takeOffer();
    expect(offer.agent_id.value).to.not.equal('');
  });

  after(async () => {
    expect(await cluster.stop(), 'processes left behind').to.deep.equal([]);
  });

  function expectKeys(value: unknown, keys: readonly string[], what: string): void {
    expect(keysOf(value), what).to.deep.equal(keys.toSorted());
  }

  describe('of the master', () => {
    it('/state', async () => {
      const state = await cluster.master.page('/state');
      expectKeys(
        state,
        [
          ...BUILD,
          ...words(
            `activated_slaves capabilities cluster completed_frameworks deactivated_slaves
             elected_time flags frameworks hostname id leader leader_info orphan_tasks pid
             recovered_slaves slaves start_time unreachable_slaves unregistered_frameworks`,
          ),
        ],
        'state',
      );
      expectKeys(state['leader_info'], words('hostname id pid port'), 'leader_info');
      expectKeys(at0(state, 'slaves'), AGENT, 'agent');
      const framework = at0(state, 'frameworks');
      expectKeys(framework, [...FRAMEWORK, 'labels', 'offer_constraints'], 'framework');
      expectKeys(framework['resources'], QUANTITIES, 'resources');
      expectKeys(at0(framework, 'tasks'), TASK, 'task');
      expectKeys(at0(framework, 'completed_tasks'), TASK, 'completed task');
      const offer = words('allocation_info framework_id id resources slave_id');
      expectKeys(at0(framework, 'offers'), offer, 'offer');
      const status = at0(at0(framework, 'tasks'), 'statuses');
      expectKeys(status, words('container_status state timestamp'), 'status');
      const container = words('container_id network_infos');
      expectKeys(status['container_status'], container, 'container_status');
    });

    it('/slaves', async () => {
      const slaves = await cluster.master.page('/slaves');
      expectKeys(slaves, words('recovered_slaves slaves'), 'slaves');
      const full = words(
        `offered_resources_full reserved_resources_full unreserved_resources_full
         used_resources_full`,
      );
      const agent = at0(slaves, 'slaves');
      expectKeys(agent, [...AGENT, ...full], 'agent');
      expectKeys(agent['attributes'], words('level rack'), 'attributes');
      expectKeys(agent['resources'], QUANTITIES, 'resources');
      expectKeys(agent['offered_resources'], QUANTITIES, 'offered resources');
      // No task has ports: what is not a number is only there when there is some of it.
      expectKeys(agent['used_resources'], words('cpus disk gpus mem'), 'used resources');
      const resource = at0(agent, 'used_resources_full');
      expectKeys(resource, words('allocation_info name role scalar type'), 'resource');
    });

    it('/tasks and /frameworks', async () => {
      expectKeys(at0(await cluster.master.page('/tasks'), 'tasks'), TASK, 'task');
      const page = await cluster.master.page('/frameworks');
      expectKeys(page, words('completed_frameworks frameworks unregistered_frameworks'), 'page');
      const keys = [...FRAMEWORK, 'labels', 'offer_constraints'];
      expectKeys(at0(page, 'frameworks'), keys, 'framework');
    });

    it('/roles', async () => {
      const { roles } = await cluster.master.page('/roles');
      const ours = (roles as readonly unknown[]).find(
        (role) => isRecord(role) && role['name'] === 'tests',
      );
      expectKeys(ours, ROLE, 'role');
      const quota = isRecord(ours) ? ours['quota'] : undefined;
      expectKeys(quota, words('consumed guarantee limit role'), 'quota');
    });

    it('/state-summary', async () => {
      const summary = await cluster.master.page('/state-summary');
      expectKeys(summary, words('cluster frameworks hostname slaves'), 'summary');
      expectKeys(at0(summary, 'slaves'), [...AGENT, ...COUNTS, 'framework_ids'], 'agent');
      const keys = words(
        `active capabilities connected hostname id name offered_resources recovered slave_ids
         used_resources webui_url`,
      );
      expectKeys(at0(summary, 'frameworks'), [...keys, ...COUNTS], 'framework');
    });
  });

  describe('of the agent', () => {
    it('/state', async () => {
      const state = await cluster.agent.page('/state');
      expectKeys(
        state,
        [
          ...BUILD,
          ...words(
            `attributes capabilities completed_frameworks flags frameworks hostname id
             master_hostname pid reserved_resources reserved_resources_allocated
             reserved_resources_full resource_providers resources start_time unreserved_resources
             unreserved_resources_allocated unreserved_resources_full`,
          ),
        ],
        'state',
      );
      const framework = at0(state, 'frameworks');
      const keys = words(
        'checkpoint completed_executors executors failover_timeout hostname id name roles user',
      );
      expectKeys(framework, keys, 'framework');
      expectKeys(at0(framework, 'executors'), EXECUTOR, 'executor');
      expectKeys(at0(at0(framework, 'executors'), 'tasks'), TASK, 'task');
      const completed = at0(framework, 'completed_executors');
      expectKeys(completed, EXECUTOR, 'completed executor');
      expectKeys(at0(completed, 'completed_tasks'), TASK, 'completed task');
    });
  });

  for (const name of ['master', 'agent'] as const) {
    const prefix = name === 'master' ? 'master' : 'slave(1)';

    it(`/version, /health and /flags of the ${name}`, async () => {
      const program = cluster[name];
      expectKeys(await program.page('/version'), BUILD, 'version');
      expect((await program.page('/version'))['version']).to.equal('1.11.0');
      const health = await fetch(`${program.url}/${prefix}/health`);
      expect([health.status, await health.text()]).to.deep.equal([200, '']);
      const page = await program.page('/flags');
      expectKeys(page, ['flags'], 'flags');
      const flags = isRecord(page['flags']) ? page['flags'] : {};
      expect(Object.values(flags).every((value) => typeof value === 'string')).to.equal(true);
      expect(flags).to.include.keys('ip', 'port', 'work_dir');
    });

    it(`/metrics/snapshot and /metrics of the ${name}`, async () => {
      const program = cluster[name];
      const snapshot = await program.page('/metrics/snapshot');
      expect(Object.values(snapshot).every((value) => typeof value === 'number')).to.equal(true);
      expect(snapshot).to.include.keys(METRICS[name]);
      const text = await (await fetch(`${program.url}/metrics`)).text();
      expect(text).to.match(/^# TYPE \w+ (gauge|counter)$/m);
      const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
      expect(lines.length).to.be.greaterThan(10);
      for (const line of lines) expect(line).to.match(/^[a-z_]\w*(\{[^}]*\})? \S+$/i);
    });

    it(`the same under the name of the ${name}'s process`, async () => {
      const program = cluster[name];
      expect(keysOf(await program.page(`/${prefix}/state`))).to.deep.equal(
        keysOf(await program.page('/state')),
      );
    });
  }
});

/** Metrics that dashboards of Mesos clusters are built on. */
const METRICS = {
  master: words(
    `master/uptime_secs master/elected master/slaves_active master/slaves_connected
     master/slaves_inactive master/slaves_disconnected master/frameworks_active
     master/frameworks_connected master/tasks_running master/tasks_finished master/tasks_failed
     master/tasks_lost master/tasks_killed master/tasks_staging master/tasks_starting
     master/outstanding_offers master/cpus_total master/cpus_used master/cpus_percent
     master/mem_total master/mem_used master/mem_percent master/disk_total master/disk_used
     master/messages_status_update master/valid_status_updates master/dropped_messages
     system/cpus_total system/load_1min system/mem_total_bytes system/mem_free_bytes`,
  ),
  agent: words(
    `slave/uptime_secs slave/registered slave/recovery_errors slave/frameworks_active
     slave/executors_running slave/executors_terminated slave/tasks_running slave/tasks_finished
     slave/tasks_failed slave/tasks_killed slave/tasks_lost slave/tasks_staging
     slave/tasks_starting slave/valid_status_updates slave/invalid_status_updates slave/cpus_total
     slave/cpus_used slave/cpus_percent slave/mem_total slave/mem_used slave/mem_percent
     slave/container_launch_errors system/cpus_total system/load_1min`,
  ),
};

function keysOf(value: unknown): readonly string[] {
  if (!isRecord(value)) throw new Error(`not an object: ${JSON.stringify(value)}`);
  return Object.keys(value)
    .filter((key) => !OURS.has(key))
    .toSorted();
}

/** The first entry of a list of a page. */
function at0(page: Readonly<Record<string, unknown>>, name: string): Record<string, unknown> {
  const list = page[name];
  const first: unknown = Array.isArray(list) ? list[0] : undefined;
  if (!isRecord(first)) throw new Error(`'${name}' is empty`);
  return first;
}
