/**
 * The JSON of an app as people write it, in Marathon's names, checked field by field by class-validator.
 * What fields mean together is judged in `normalise.ts`. Deprecated forms are among them.
 */
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsNumber,
  IsObject,
  IsOptional,
  IsString,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateBy,
  ValidateNested,
  type ValidationArguments,
} from 'class-validator';
// oxlint-disable-next-line import/no-extraneous-dependencies -- a peer of class-validator
import { Type } from 'class-transformer';
import { taskProblems } from '../../../sdk/decisions/index.js';

/** Instances of one app. */
export const MAX_INSTANCES = 100_000;
/** Ports of one app. */
export const MAX_APP_PORTS = 100;

/** A check of a value by a function that tells what is wrong. */
function Judged(
  name: string,
  problemOf: (value: unknown) => string | undefined,
): PropertyDecorator {
  return ValidateBy({
    name,
    validator: {
      validate: (value: unknown) => problemOf(value) === undefined,
      defaultMessage: (given?: ValidationArguments) => problemOf(given?.value) ?? 'is not valid',
    },
  });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textsProblem(value: unknown): string | undefined {
  if (!isObject(value)) return 'must be an object of texts';
  const bad = Object.entries(value).find(([, each]) => typeof each !== 'string');
  if (bad === undefined) return undefined;
  return isObject(bad[1]) && 'secret' in bad[1]
    ? `'${bad[0]}' is a secret: secrets are not supported here`
    : `'${bad[0]}' must be a text: write it in quotes`;
}

function constraintsProblem(value: unknown): string | undefined {
  if (!Array.isArray(value)) return "must be a list such as [['hostname', 'UNIQUE']]";
  const constraints = value.map((each: unknown) => toConstraint(each));
  const problems = taskProblems({ name: 'x', cpus: 1, memMiB: 1, command: 'x', constraints });
  return problems.length === 0 ? undefined : problems.join('; ').replace(/^'constraints' /, '');
}

/** Marathon's `hostname` is `@hostname`; the object form has named parts. */
export function toConstraint(value: unknown): unknown {
  const parts: unknown = isObject(value)
    ? [value['fieldName'], value['operator'], value['value']].filter((each) => each !== undefined)
    : value;
  if (!Array.isArray(parts)) return parts;
  const [field, operator, argument]: readonly unknown[] = parts;
  const head = [field === 'hostname' ? '@hostname' : field, operator];
  return argument === undefined || argument === ''
    ? head
    : [...head, typeof argument === 'number' ? String(argument) : argument];
}

function unreachableProblem(value: unknown): string | undefined {
  if (value === 'disabled') return undefined;
  if (!isObject(value)) return "must be 'disabled' or an object";
  const inactive = value['inactiveAfterSeconds'] ?? 0;
  const expunge = value['expungeAfterSeconds'] ?? inactive;
  if (![inactive, expunge].every((each) => Number.isInteger(each) && Number(each) >= 0)) {
    return 'must have whole numbers of seconds, 0 or more';
  }
  return Number(inactive) <= Number(expunge)
    ? undefined
    : 'inactiveAfterSeconds must not be more than expungeAfterSeconds';
}

function emptyProblem(why: string): (value: unknown) => string | undefined {
  return (value) =>
    Array.isArray(value) && value.length === 0 ? undefined : `is not supported here: ${why}`;
}

const PROTOCOLS = ['tcp', 'udp', 'udp,tcp', 'tcp,udp'];

class LabelledPort {
  @IsOptional() @IsIn(PROTOCOLS) protocol?: string;
  @IsOptional() @IsString() @MaxLength(63) name?: string;
  @IsOptional() @Judged('isTexts', textsProblem) labels?: Record<string, string>;
}

export class PortDefinitionDocument extends LabelledPort {
  @IsOptional() @IsInt() @Min(0) @Max(65_535) port?: number;
}

export class PortMappingDocument extends LabelledPort {
  @IsOptional() @IsInt() @Min(0) @Max(65_535) containerPort?: number;
  @IsOptional() @IsInt() @Min(0) @Max(65_535) hostPort?: number;
  @IsOptional() @IsInt() @Min(0) @Max(65_535) servicePort?: number;
  @IsOptional() @IsArray() networkNames?: unknown[];
}

export class NetworkDocument {
  @IsOptional()
  @IsIn(['host', 'container/bridge'], {
    message: 'must be host or container/bridge: named networks are not supported here',
  })
  mode?: 'host' | 'container/bridge';
  @IsOptional() @IsString() name?: string;
  @IsOptional() @Judged('isTexts', textsProblem) labels?: Record<string, string>;
}

export class ParameterDocument {
  @IsString() key = '';
  @IsString() value = '';
}

export class DockerDocument {
  @IsString() @MinLength(1) image = '';
  @IsOptional() @IsBoolean() forcePullImage?: boolean;
  @IsOptional() @IsBoolean() privileged?: boolean;
  @IsOptional() @ValidateNested() @Type(() => ParameterDocument) parameters?: ParameterDocument[];
  @IsOptional() @IsIn(['HOST', 'BRIDGE']) network?: 'HOST' | 'BRIDGE';
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_APP_PORTS)
  @ValidateNested()
  @Type(() => PortMappingDocument)
  portMappings?: PortMappingDocument[];
}

export class VolumeDocument {
  @IsString() @MinLength(1) containerPath = '';
  @IsString({ message: 'is needed: of volumes, only those of the host are supported here' })
  @MinLength(1)
  hostPath = '';
  @IsOptional() @IsIn(['RO', 'RW']) mode?: 'RO' | 'RW';
}

export class ContainerDocument {
  @IsOptional() @IsIn(['MESOS', 'DOCKER']) type?: 'MESOS' | 'DOCKER';
  @IsOptional() @ValidateNested() @Type(() => DockerDocument) docker?: DockerDocument;
  @IsOptional() @IsArray() @ValidateNested() @Type(() => VolumeDocument) volumes?: VolumeDocument[];
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_APP_PORTS)
  @ValidateNested()
  @Type(() => PortMappingDocument)
  portMappings?: PortMappingDocument[];
}

export class CommandDocument {
  @IsString() @MinLength(1) value = '';
}

const HEALTH_PROTOCOLS = [
  'HTTP',
  'HTTPS',
  'TCP',
  'MESOS_HTTP',
  'MESOS_HTTPS',
  'MESOS_TCP',
  'COMMAND',
] as const;

export class HealthCheckDocument {
  @IsOptional() @IsIn(HEALTH_PROTOCOLS) protocol?: (typeof HEALTH_PROTOCOLS)[number];
  @IsOptional() @IsString() @MaxLength(1024) path?: string;
  @IsOptional() @IsInt() @Min(0) portIndex?: number;
  @IsOptional() @IsInt() @Min(1) @Max(65_535) port?: number;
  @IsOptional() @ValidateNested() @Type(() => CommandDocument) command?: CommandDocument;
  @IsOptional() @IsNumber() @Min(0) gracePeriodSeconds?: number;
  @IsOptional() @IsNumber() @Min(1) intervalSeconds?: number;
  @IsOptional() @IsNumber() @Min(1) timeoutSeconds?: number;
  @IsOptional() @IsInt() @Min(0) maxConsecutiveFailures?: number;
  @IsOptional() @IsNumber() @Min(0) delaySeconds?: number;
  @IsOptional() @IsIn(['IPv4', 'IPv6']) ipProtocol?: 'IPv4' | 'IPv6';
  @IsOptional() @IsBoolean() ignoreHttp1xx?: boolean;
}

export class FetchDocument {
  @IsString() @MinLength(1) uri = '';
  @IsOptional() @IsBoolean() extract?: boolean;
  @IsOptional() @IsBoolean() executable?: boolean;
  @IsOptional() @IsBoolean() cache?: boolean;
  @IsOptional() @IsString() destPath?: string;
}

export class UpgradeStrategyDocument {
  @IsOptional() @IsNumber() @Min(0) @Max(1) minimumHealthCapacity?: number;
  @IsOptional() @IsNumber() @Min(0) @Max(1) maximumOverCapacity?: number;
  @IsOptional() @IsNumber() @Min(1) progressDeadlineSeconds?: number;
  @IsOptional() @IsBoolean() autoRevert?: boolean;
  @IsOptional() @IsNumber() @Min(0) minHealthySeconds?: number;
}

export class AppDocument {
  @IsString({ message: 'is required: a path such as /shop/web' }) id!: string;
  @IsOptional() @IsString() cmd?: string;
  @IsOptional() @IsArray() @IsString({ each: true }) args?: string[];
  @IsOptional() @IsString() @MinLength(1) user?: string;
  @IsOptional() @IsNumber() @Min(0.01) cpus?: number;
  @IsOptional() @IsNumber() @Min(1) mem?: number;
  @IsOptional() @IsNumber() @Min(0) disk?: number;
  @IsOptional() @IsInt() @Min(0) gpus?: number;
  @IsOptional() @IsInt() @Min(0) @Max(MAX_INSTANCES) instances?: number;
  @IsOptional() @Judged('isTexts', textsProblem) env?: Record<string, string>;
  @IsOptional() @Judged('isTexts', textsProblem) labels?: Record<string, string>;
  @IsOptional() @Judged('isConstraints', constraintsProblem) constraints?: unknown[];
  @IsOptional() @IsArray() @ValidateNested() @Type(() => FetchDocument) fetch?: FetchDocument[];
  /** Deprecated: `fetch`. */
  @IsOptional() @IsArray() @IsString({ each: true }) uris?: string[];
  @IsOptional() @IsArray() @IsString({ each: true }) dependencies?: string[];
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(1, { message: 'has more than one check: one for each app is supported' })
  @ValidateNested()
  @Type(() => HealthCheckDocument)
  healthChecks?: HealthCheckDocument[];
  @IsOptional()
  @Judged('isEmpty', emptyProblem('the health check decides when an instance is ready'))
  readinessChecks?: unknown[];
  @IsOptional() @ValidateNested() @Type(() => ContainerDocument) container?: ContainerDocument;
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(1, { message: 'has more than one network: one is supported' })
  @ValidateNested()
  @Type(() => NetworkDocument)
  networks?: NetworkDocument[];
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_APP_PORTS)
  @ValidateNested()
  @Type(() => PortDefinitionDocument)
  portDefinitions?: PortDefinitionDocument[];
  /** Deprecated: `portDefinitions`. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_APP_PORTS)
  @IsInt({ each: true })
  @Min(0, { each: true })
  @Max(65_535, { each: true })
  ports?: number[];
  @IsOptional() @IsBoolean() requirePorts?: boolean;
  @IsOptional() @IsNumber() @Min(0) backoffSeconds?: number;
  @IsOptional() @IsNumber() @Min(1) backoffFactor?: number;
  @IsOptional() @IsNumber() @Min(0) maxLaunchDelaySeconds?: number;
  @IsOptional()
  @ValidateNested()
  @Type(() => UpgradeStrategyDocument)
  upgradeStrategy?: UpgradeStrategyDocument;
  @IsOptional() @Judged('isUnreachable', unreachableProblem) unreachableStrategy?: unknown;
  @IsOptional() @IsIn(['YOUNGEST_FIRST', 'OLDEST_FIRST']) killSelection?:
    | 'YOUNGEST_FIRST'
    | 'OLDEST_FIRST';
  @IsOptional() @IsNumber() @Min(0) taskKillGracePeriodSeconds?: number;
  @IsOptional()
  @IsIn(['', '//cmd'], { message: 'is not supported here: leave it empty for commands' })
  executor?: string;
  @IsOptional() @IsString() role?: string;
  @IsOptional() @IsArray() @IsString({ each: true }) acceptedResourceRoles?: string[];
  @IsOptional()
  @Judged('isNoSecrets', (value) =>
    isObject(value) && Object.keys(value).length === 0 ? undefined : 'is not supported here',
  )
  secrets?: object;
  @IsOptional() @Judged('isNone', () => 'is not supported here') residency?: object;
  @IsOptional() @Judged('isNone', () => 'is not supported here') check?: object;
  @IsOptional() @Judged('isNone', () => 'is not supported here') resourceLimits?: object;
  @IsOptional() @Judged('isNone', () => 'is not supported here: use networks') ipAddress?: object;
  @IsOptional() @IsIn([false], { message: 'is not supported here' }) tty?: boolean;
  @IsOptional() @IsObject() executorResources?: object;
}
