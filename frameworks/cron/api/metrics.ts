/** The figures of the scheduler, for `/metrics` and for Metronome's `/v1/metrics`. Lags are seconds. */
import type { Metric } from '../../../sdk/admin/index.js';
import type { CronEngine } from '../engine/cron-engine.js';

export function metricsOf(engine: CronEngine): readonly Metric[] {
  const { metrics } = engine;
  const { claimLag, startLag } = metrics;
  return [
    gauge('cron_jobs', 'cron jobs', engine.jobCount),
    gauge('cron_runs_active', 'runs that are not over', engine.activeCount),
    counter('cron_runs_claimed', 'due times that became runs', metrics.claimed),
    counter('cron_runs_demanded', 'runs that somebody asked for', metrics.demanded),
    counter('cron_runs_succeeded', 'runs that succeeded', metrics.succeeded),
    counter('cron_runs_failed', 'runs that failed', metrics.failed),
    counter('cron_due_skipped', 'due times skipped because of other runs', metrics.skipped),
    counter('cron_due_missed', 'due times missed', metrics.missed),
    gauge('cron_claim_lag_p50_seconds', 'claimed after due, median', claimLag.quantile(0.5) / 1000),
    gauge('cron_claim_lag_p99_seconds', 'claimed after due, 99 %', claimLag.quantile(0.99) / 1000),
    gauge('cron_claim_lag_max_seconds', 'claimed after due, longest', claimLag.max / 1000),
    gauge('cron_start_lag_p50_seconds', 'running after due, median', startLag.quantile(0.5) / 1000),
    gauge('cron_start_lag_p99_seconds', 'running after due, 99 %', startLag.quantile(0.99) / 1000),
    gauge('cron_start_lag_max_seconds', 'running after due, longest', startLag.max / 1000),
  ];
}

function gauge(name: string, help: string, value: number): Metric {
  return { kind: 'gauge', name, help, value };
}

function counter(name: string, help: string, value: number): Metric {
  return { kind: 'counter', name, help, value };
}
