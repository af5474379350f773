/** The message by which a framework introduces itself to the master. */
import type { FrameworkInfo, FrameworkInfoCapabilityType } from '../../core/api/index.js';
import type { FrameworkSettings } from './definition.js';

/** What every framework of this SDK can deal with, because the runtime does. */
const ALWAYS: readonly FrameworkInfoCapabilityType[] = [
  'MULTI_ROLE',
  'RESERVATION_REFINEMENT',
  'PARTITION_AWARE',
  'TASK_KILLING_STATE',
];

/** @param id the framework's id, from its second subscription on. */
export function frameworkInfoOf(settings: FrameworkSettings, id?: string): FrameworkInfo {
  const { name, user, roles, principal, hostname, webuiUrl, failoverTimeoutMs } = settings;
  const labels = Object.entries(settings.labels).map(([key, value]) => ({ key, value }));
  return {
    name,
    user,
    roles,
    failover_timeout: failoverTimeoutMs / 1000,
    checkpoint: true,
    capabilities: capabilitiesOf(settings).map((type) => ({ type })),
    ...(id === undefined ? {} : { id: { value: id } }),
    ...(principal === undefined ? {} : { principal }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(webuiUrl === undefined ? {} : { webui_url: webuiUrl }),
    ...(labels.length === 0 ? {} : { labels: { labels } }),
  };
}

function capabilitiesOf(settings: FrameworkSettings): readonly FrameworkInfoCapabilityType[] {
  return [
    ...ALWAYS,
    ...(settings.revocable ? (['REVOCABLE_RESOURCES'] as const) : []),
    ...(settings.gpus ? (['GPU_RESOURCES'] as const) : []),
    ...(settings.regionAware ? (['REGION_AWARE'] as const) : []),
  ];
}
