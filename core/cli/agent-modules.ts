/**
 * `--resource_estimator` and `--qos_controller`: what is built in, or what a module brings. What is
 * wrong with a module is said with its name, before the agent serves.
 */
import { type QosController, type ResourceEstimator, fixedEstimator } from '../agent/index.js';
import type { Resource } from '../api/index.js';
import { errorMessage, isRecord } from '../base/index.js';
import type { Flags } from '../command/index.js';
import { loadQosController } from '../containers/index.js';
import { parseResourceList } from '../resources/index.js';
import { flagError, readFlag } from './flag-values.js';
import { loadExport } from './load-export.js';

/** The built-in estimator and controller, and what Mesos calls them. */
const FIXED: readonly string[] = ['fixed', 'org_apache_mesos_FixedResourceEstimator'];
const LOAD: readonly string[] = ['load', 'org_apache_mesos_LoadQoSController'];

/** What `createResourceEstimator` of a module is given. */
export interface EstimatorOptions {
  /** The value of `--oversubscribed_resources`; empty when it is not set. */
  readonly resources: readonly Resource[];
}

/**
 * The estimator that the flags ask for; undefined: none.
 * @throws PlateauError `INVALID_FLAG` naming the flag, and the module if there is one.
 */
export async function resourceEstimator(flags: Flags): Promise<ResourceEstimator | undefined> {
  const flag = 'resource_estimator';
  const module = flags.required(flag);
  const resources = readFlag(flags, 'oversubscribed_resources', parseResourceList);
  if (module === 'none') {
    if (resources === undefined) return undefined;
    const problem = 'is for an estimator, and there is none: add --resource_estimator=fixed';
    throw flagError('oversubscribed_resources', problem);
  }
  if (FIXED.includes(module)) {
    if (resources !== undefined) {
      return readFlag(flags, 'oversubscribed_resources', () => fixedEstimator(resources));
    }
    throw flagError(flag, "'fixed' needs --oversubscribed_resources, such as cpus:4;mem:1024");
  }
  const options: EstimatorOptions = { resources: resources ?? [] };
  const made = await make({ flag, module, name: 'createResourceEstimator' }, options);
  if (isEstimator(made)) return made;
  throw flagError(flag, `what module '${module}' gives has no 'oversubscribable'`);
}

/**
 * The QoS controller that the flags ask for; undefined: none.
 * @throws PlateauError `INVALID_FLAG` naming the flag, and the module if there is one.
 */
export async function qosController(flags: Flags): Promise<QosController | undefined> {
  const flag = 'qos_controller';
  const module = flags.required(flag);
  const fiveMinutes = optionalNumber(flags, 'qos_load_threshold_5min');
  const fifteenMinutes = optionalNumber(flags, 'qos_load_threshold_15min');
  const hasThreshold = fiveMinutes !== undefined || fifteenMinutes !== undefined;
  if (LOAD.includes(module)) {
    if (hasThreshold) return loadQosController({ fiveMinutes, fifteenMinutes });
    throw flagError(flag, "'load' needs --qos_load_threshold_5min or --qos_load_threshold_15min");
  }
  if (hasThreshold) throw flagError(flag, 'thresholds of the load are for --qos_controller=load');
  if (module === 'none') return undefined;
  const made = await make({ flag, module, name: 'createQosController' }, {});
  if (isController(made)) return made;
  throw flagError(flag, `what module '${module}' gives has no 'corrections'`);
}

function optionalNumber(flags: Flags, flag: string): number | undefined {
  return flags.text(flag) === undefined ? undefined : flags.number(flag);
}

async function make(
  named: { readonly flag: string; readonly module: string; readonly name: string },
  options: object,
): Promise<unknown> {
  const create = await loadExport(named);
  try {
    return await create(options);
  } catch (error) {
    const { flag, module, name } = named;
    const problem = `'${name}' of module '${module}' failed: ${errorMessage(error)}`;
    throw flagError(flag, problem, error);
  }
}

/** What they answer is looked at each time. */
function isEstimator(value: unknown): value is ResourceEstimator {
  return isRecord(value) && typeof value['oversubscribable'] === 'function';
}

function isController(value: unknown): value is QosController {
  return isRecord(value) && typeof value['corrections'] === 'function';
}
