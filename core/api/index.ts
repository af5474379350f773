/** The v1 vocabulary: message types and schema, JSON codec, RecordIO, validation of calls. */
export type * from './messages.js';
export { declaredDefault, defaultOf } from './defaults.js';
export {
  durationInfoMs,
  fitsDuration,
  formatDuration,
  parseDuration,
  protobufDurationMs,
  timeInfoMs,
  toDurationInfo,
  toProtobufDuration,
  toTimeInfo,
} from './durations.js';
export { MAX_JSON_DEPTH, parseJson } from './json-parse.js';
export { decodeJson, fromJson } from './json-reader.js';
export { encodeJson, encodeJsonOnce, messagesEqual } from './json-writer.js';
export { MAX_CALL_BYTES } from './limits.js';
export {
  MAX_PROTOBUF_BYTES,
  MAX_PROTOBUF_DEPTH,
  MAX_PROTOBUF_VALUES,
  type ProtobufLimits,
  decodeProtobuf,
} from './protobuf-reader.js';
export { encodeProtobuf } from './protobuf-writer.js';
export {
  DEFAULT_MAX_RECORD_BYTES,
  MAX_RECORD_HEADER_DIGITS,
  RecordDecoder,
  type RecordDecoderOptions,
  encodeRecord,
} from './record-io.js';
export { type MessageName, fieldRow, messageName } from './schema/lookup.js';
export type { EnumRow, FieldRow } from './schema/rows.js';
export { ENUM_TABLE, MESSAGE_TABLE } from './schema/table.js';
export {
  type TaskStatusOptions,
  commandExecutorName,
  exitStatusWord,
  frameworkRoles,
  hasCapability,
  isTerminalState,
  makeTaskStatus,
  signalStatusWord,
} from './tasks.js';
export {
  validateAgentCall,
  validateExecutorCall,
  validateMasterCall,
  validateSchedulerCall,
} from './validation/calls.js';
export {
  validateCheck,
  validateCheckStatus,
  validateHealthCheck,
  withHealthCheckType,
} from './validation/checks.js';
export {
  validateCommandInfo,
  validateContainerInfo,
  validateEnvironment,
  validateExecutorInfo,
  validateKillPolicy,
  validateNotNegative,
  validateVolume,
} from './validation/commands.js';
export { validateFrameworkInfo, validateSuppressedRoles } from './validation/framework-info.js';
export {
  MAX_CONTAINER_ID_BYTES,
  MAX_ID_BYTES,
  isUuidBytes,
  validateContainerId,
  validateId,
} from './validation/ids.js';
export {
  MAX_MACHINE_HOSTNAME_LENGTH,
  MAX_SCHEDULED_MACHINES,
  machineName,
  machineText,
  validateMachines,
  validateMaintenanceSchedule,
} from './validation/maintenance.js';
export { validateOfferConstraints } from './validation/offer-constraints.js';
export {
  MAX_QUOTA_AMOUNT,
  MAX_QUOTA_MIB,
  MAX_QUOTA_RESOURCES,
  MAX_QUOTA_RESOURCE_LENGTH,
  parseWeights,
  validateQuotaConfig,
  validateWeight,
} from './validation/quotas.js';
export { type Reason } from './validation/reasons.js';
export { validateRole } from './validation/roles.js';
export {
  AGENT_CAPABILITIES,
  MASTER_CAPABILITIES,
  MESOS_VERSION,
  type MasterInfoOptions,
  PLATEAU_VERSION,
  ipAsInteger,
  masterInfo,
} from './versions.js';
export { ACCEPTED, type CallAnswer } from './call-answer.js';
