/** The server of an agent: the API of executors and operators, sandboxes, and the pages of tools. */
import type { Logger, World } from '../base/index.js';
import { answerAgentCall } from './agent-api.js';
import { addAgentPages } from './agent-pages.js';
import { answerText } from './answers.js';
import { answerExecutorCall } from './executor-api.js';
import { addFileRoutes } from './file-routes.js';
import { type FileRoot, VirtualFiles } from './files.js';
import type { HttpLimits } from './limits.js';
import { type AdjustableLog, LoggingLevel } from './logging-level.js';
import { addLoggingToggle } from './logging-toggle.js';
import type { PageServer } from './pages/answer-page.js';
import { PageCache } from './pages/page-cache.js';
import { PrometheusPage } from './prometheus.js';
import { type Exchange, RouteTable } from './routes.js';
import { sandboxRoots } from './sandbox-roots.js';
import type { ServedAgent } from './served-agent.js';
import { HttpServer } from './server.js';
import { systemMetrics } from './system-metrics.js';

export interface AgentServerOptions {
  readonly world: World;
  readonly log: Logger;
  /** What SET_LOGGING_LEVEL changes; without it the call changes nothing. */
  readonly adjustableLog?: AdjustableLog | undefined;
  /** Undefined: `attach` gives it later; until then the API answers 503. */
  readonly agent: ServedAgent | undefined;
  /** Absolute path under which the sandboxes are. */
  readonly workDir: string;
  /** Address to listen on. Anything but loopback needs `insecureBind`. */
  readonly host: string;
  /** Port to listen on; 0 takes a free one. */
  readonly port: number;
  /** The flags of the command as text, for `/flags` and `/state`. */
  readonly flags: Readonly<Record<string, string>>;
  /** What else operators may read, such as `{ name: '/slave/log', path }`. */
  readonly filesRoots: readonly FileRoot[];
  readonly insecureBind?: boolean | undefined;
  readonly limits?: Partial<HttpLimits> | undefined;
}

export class AgentServer {
  readonly #options: AgentServerOptions;
  readonly #server: HttpServer;
  readonly #files: VirtualFiles;
  readonly #prometheus = new PrometheusPage();
  readonly #pages: PageServer;
  readonly #logging: LoggingLevel;
  readonly #startMs: number;
  #agent: ServedAgent | undefined;
  #port = 0;

  constructor(options: AgentServerOptions) {
    this.#options = options;
    this.#agent = options.agent;
    this.#startMs = options.world.clock.now();
    this.#logging = new LoggingLevel(options.world.clock, options.adjustableLog);
    const { clock } = options.world;
    this.#pages = { cache: new PageCache({ clock, log: options.log }), log: options.log };
    const { workDir, filesRoots } = options;
    this.#files = new VirtualFiles(
      sandboxRoots({
        workDir,
        fixed: filesRoots,
        state: () => this.#agent?.state,
        standalone: () => standaloneSandboxes(this.#agent),
      }),
    );
    const { world, log, host, port, insecureBind, limits } = options;
    const routes = this.#createRoutes();
    this.#server = new HttpServer({ world, log, host, port, insecureBind, limits, routes });
  }

  /** Gives the server its agent, when that needs to know the port first. */
  attach(agent: ServedAgent): void {
    this.#agent = agent;
  }

  /**
   * Starts to listen and tells the port.
   * @throws PlateauError `INSECURE_BIND`, `PORT_IN_USE`.
   */
  async listen(): Promise<{ readonly port: number }> {
    const listening = await this.#server.listen();
    this.#port = listening.port;
    return listening;
  }

  /** Closes every connection; the agent is not told of the streams that end so. */
  async close(): Promise<void> {
    await this.#server.close();
    this.#logging.dispose();
    this.#prometheus.dispose();
    this.#pages.cache.dispose();
  }

  #createRoutes(): RouteTable {
    const routes = new RouteTable();
    const { log, flags, host } = this.#options;
    const isClosing = (): boolean => this.#server.isClosing;
    routes.endpoint(withAgentPrefix('/api/v1/executor'), async (exchange) => {
      const agent = this.#ready(exchange);
      if (agent !== undefined) await answerExecutorCall({ agent, log, isClosing }, exchange);
    });
    routes.endpoint(withAgentPrefix('/api/v1'), async (exchange) => {
      const agent = this.#ready(exchange);
      if (agent === undefined) return;
      const files = this.#files;
      const logging = this.#logging;
      const metrics = (): ReadonlyMap<string, number> => this.#metrics();
      const pages = this.#pages;
      await answerAgentCall({ agent, log, logging, files, pages, flags, metrics }, exchange);
    });
    addAgentPages(routes, {
      flags,
      startMs: this.#startMs,
      address: () => `${host}:${this.#port}`,
      prometheus: this.#prometheus,
      pages: this.#pages,
      agent: (exchange) => this.#ready(exchange),
      metrics: () => this.#metrics(),
    });
    addLoggingToggle(routes, this.#logging);
    addFileRoutes(routes, this.#files);
    return routes;
  }

  /** The agent; otherwise the request was answered. */
  #ready(exchange: Exchange): ServedAgent | undefined {
    if (this.#agent === undefined) answerText(exchange, 503, 'The agent is starting: try again.');
    return this.#agent;
  }

  #metrics(): ReadonlyMap<string, number> {
    return new Map([...systemMetrics(), ...Object.entries(this.#agent?.metrics() ?? {})]);
  }
}

function* standaloneSandboxes(agent: ServedAgent | undefined): Generator<string> {
  for (const { kind, directory } of agent?.containers?.list() ?? []) {
    if (kind === 'STANDALONE') yield directory;
  }
}

/** A path as it is, and below the name of the agent's process. */
export function withAgentPrefix(path: string): readonly string[] {
  return [path, `/slave(1)${path}`];
}
