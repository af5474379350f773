/** What a master's server is given, and what all of its routes share. */
import type { Logger, World } from '../base/index.js';
import { answerText } from './answers.js';
import type { FileRoot, VirtualFiles } from './files.js';
import { type Leadership, answerElsewhere } from './leadership.js';
import type { HttpLimits } from './limits.js';
import type { AdjustableLog, LoggingLevel } from './logging-level.js';
import type { PageServer } from './pages/answer-page.js';
import type { PrometheusPage } from './prometheus.js';
import type { Exchange } from './routes.js';
import type { ServedMaster } from './served-master.js';

export interface MasterServerOptions {
  readonly world: World;
  readonly log: Logger;
  /** What SET_LOGGING_LEVEL changes; without it the call changes nothing. */
  readonly adjustableLog?: AdjustableLog | undefined;
  /** Undefined: `attach` gives it later; until then the API answers 503. */
  readonly master: ServedMaster | undefined;
  /** Address to listen on. Anything but loopback needs `insecureBind`. */
  readonly host: string;
  /** Port to listen on; 0 takes a free one. */
  readonly port: number;
  /** The flags of the command as text, for `/flags` and `/state`. */
  readonly flags: Readonly<Record<string, string>>;
  /** Name of the cluster, for the pages. */
  readonly clusterName?: string | undefined;
  /** Files that operators may read, such as `{ name: '/master/log', path }`. */
  readonly filesRoots: readonly FileRoot[];
  readonly insecureBind?: boolean | undefined;
  /** Who leads; default: this master, always. */
  readonly leadership?: Leadership | undefined;
  readonly limits?: Partial<HttpLimits> | undefined;
}

/** What all routes of a master share. */
export interface MasterRouteContext {
  readonly options: MasterServerOptions;
  readonly leadership: Leadership;
  readonly files: VirtualFiles;
  readonly prometheus: PrometheusPage;
  readonly logging: LoggingLevel;
  /** Makes and keeps the pages that show the cluster. */
  readonly pages: PageServer;
  /** Milliseconds since 1970 since when this server exists. */
  readonly startMs: number;
  readonly master: () => ServedMaster | undefined;
  /**
   * Figures of host and master, in order of names; a `brief` list is without those of single
   * frameworks. Collected by turns with pages.
   */
  readonly metrics: (extent?: 'all' | 'brief') => Promise<ReadonlyMap<string, number>>;
}

/** The master, when it leads and is there; otherwise the request was answered. */
export function leadingMaster(
  context: MasterRouteContext,
  exchange: Exchange,
): ServedMaster | undefined {
  if (answerElsewhere(exchange, context.leadership)) return undefined;
  const master = context.master();
  if (master === undefined) answerText(exchange, 503, 'The master is starting: try again.');
  return master;
}

/** A path as it is, and below the name of the master's process. */
export function withPrefix(path: string): readonly string[] {
  return [path, `/master${path}`];
}
