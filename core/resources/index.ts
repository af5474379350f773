/** Resource arithmetic: what agents have, frameworks are offered and tasks hold. */
export {
  ASSUMED_CPUS,
  ASSUMED_DISK_MIB,
  ASSUMED_MEMORY_MIB,
  DEFAULT_PORTS,
  type DefaultResourcesOptions,
  type HostFacts,
  SYSTEM_DISK_MIB,
  SYSTEM_MEMORY_MIB,
  defaultResources,
} from './agent-resources.js';
export { formatAttributes, legacyAttributes, parseAttributes } from './attributes.js';
export { formatItem } from './format.js';
export type { Reservation, ResourceIdentity, ResourceType } from './identity.js';
export { RangesItem, type ResourceItem, ScalarItem, SetItem } from './item.js';
export { type LegacyResources, legacyObject, legacySum } from './legacy.js';
export { parseResourceList, parseResources } from './parse-resources.js';
export { type Quantities, parseQuantities, quantitiesContain } from './quantities.js';
export {
  type Range,
  type Ranges,
  normaliseRanges,
  rangesContain,
  rangesEqual,
  rangesSize,
  subtractRanges,
  uniteRanges,
} from './ranges.js';
export { isDynamicallyReserved, popReservation, pushReservation } from './reservations.js';
export { type Resize, growVolume, shrinkVolume } from './resize-volumes.js';
export { Resources, formatResources } from './resources.js';
export { DEFAULT_ROLE, ancestorsOf, isAncestorRole, isSubrole, topLevelRole } from './roles.js';
export { MAX_SCALAR, THOUSANDTHS, fromThousandths, toThousandths } from './scalars.js';
export {
  type ReserveContext,
  validateReserve,
  validateReservationUpdate,
  validateUnreserve,
} from './validate-operations.js';
export {
  MAX_VOLUME_NAME_BYTES,
  type VolumeContext,
  validateCreate,
  validateDestroy,
} from './validate-volumes.js';
export {
  MAX_RANGE_END,
  validateNoMixedRevocable,
  validateResource,
  validateResources,
  validateSingleAllocationRole,
  validateTaskResources,
  validateUniqueVolumes,
} from './validate.js';
export { countSharedOnce, persistentVolumes, withoutVolumes } from './volumes.js';
export type { ResourceFormat } from './wire.js';
