/**
 * The server of a master: the API of schedulers and operators, the connections of agents, the pages
 * that tools know, and our own. Which checks come in which order is decided per endpoint.
 */
import type { AddressInfo } from 'node:net';
import { addDebugPages } from './debug-pages.js';
import { VirtualFiles, fixedRoots } from './files.js';
import { addFileRoutes } from './file-routes.js';
import { LEADS_ALONE } from './leadership.js';
import { HTTP_LIMITS } from './limits.js';
import { acceptLink } from './link-server.js';
import { LoggingLevel } from './logging-level.js';
import { addLoggingToggle } from './logging-toggle.js';
import { addMaintenanceRoutes } from './maintenance-routes.js';
import { answerMasterCall } from './master-api.js';
import {
  type MasterRouteContext,
  type MasterServerOptions,
  leadingMaster,
  withPrefix,
} from './master-context.js';
import { addMasterForms } from './master-forms.js';
import { addMasterPages } from './master-pages.js';
import { PageCache } from './pages/page-cache.js';
import { PrometheusPage } from './prometheus.js';
import { addQuotaRoutes } from './quota-routes.js';
import { addResourceForms } from './resource-forms.js';
import { RouteTable } from './routes.js';
import { answerSchedulerCall } from './scheduler-api.js';
import type { ServedMaster } from './served-master.js';
import { HttpServer, endRaw } from './server.js';
import { systemMetrics, withMore } from './system-metrics.js';
import { addWeightRoutes } from './weight-routes.js';
import { addWhyPage } from './why-page.js';

/** Queues that Mesos has and this master does not; dashboards expect their figures. */
const NO_QUEUES: readonly [string, number][] = [
  ['master/event_queue_dispatches', 0],
  ['master/event_queue_http_requests', 0],
  ['master/event_queue_messages', 0],
  ['registrar/queued_operations', 0],
];

/** Serves one master. Everything else it needs is in its options. */
export class MasterServer {
  readonly #context: MasterRouteContext;
  readonly #server: HttpServer;
  #master: ServedMaster | undefined;

  constructor(options: MasterServerOptions) {
    this.#master = options.master;
    this.#context = this.#createContext(options);
    this.#server = new HttpServer({
      world: options.world,
      log: options.log,
      host: options.host,
      port: options.port,
      insecureBind: options.insecureBind,
      limits: options.limits,
      routes: this.#createRoutes(),
      onUpgrade: (request, socket, head) => {
        const master = this.#master;
        if (master === undefined) {
          endRaw(socket, '503 Service Unavailable');
          return;
        }
        const link = {
          owner: master,
          leadership: this.#context.leadership,
          log: options.log,
          limits: { ...HTTP_LIMITS, ...options.limits },
          isClosing: () => this.#server.isClosing,
        };
        acceptLink(link, request, { socket, head });
      },
    });
  }

  /** Gives the server its master, when that needs to know the port first. */
  attach(master: ServedMaster): void {
    this.#master = master;
  }

  /**
   * Starts to listen and tells the port.
   * @throws PlateauError `INSECURE_BIND`, `PORT_IN_USE`.
   */
  async listen(): Promise<Pick<AddressInfo, 'port'>> {
    return await this.#server.listen();
  }

  /** Closes every connection; the master is not told of the streams and links that end so. */
  async close(): Promise<void> {
    await this.#server.close();
    this.#context.prometheus.dispose();
    this.#context.logging.dispose();
    this.#context.pages.cache.dispose();
  }

  #createContext(options: MasterServerOptions): MasterRouteContext {
    const startMs = options.world.clock.now();
    const { log, world } = options;
    const pages = { cache: new PageCache({ clock: world.clock, log }), log };
    return {
      options,
      leadership: options.leadership ?? LEADS_ALONE,
      files: new VirtualFiles(fixedRoots(options.filesRoots)),
      prometheus: new PrometheusPage(),
      logging: new LoggingLevel(options.world.clock, options.adjustableLog),
      pages,
      startMs,
      master: () => this.#master,
      metrics: (extent) => pages.cache.turns.steps(this.#metricSteps(options, startMs, extent)),
    };
  }

  *#metricSteps(
    { world }: MasterServerOptions,
    startMs: number,
    extent: 'all' | 'brief' | undefined,
  ): Generator<undefined, ReadonlyMap<string, number>> {
    const own = this.#master === undefined ? new Map() : yield* this.#master.metricSteps(extent);
    const upSeconds = (world.clock.now() - startMs) / 1000;
    const uptime = ['master/uptime_secs', upSeconds] as const;
    return yield* withMore(own, [uptime, ...NO_QUEUES, ...systemMetrics()]);
  }

  #createRoutes(): RouteTable {
    const routes = new RouteTable();
    const { options, leadership, files, logging, metrics, pages } = this.#context;
    const isClosing = (): boolean => this.#server.isClosing;
    routes.endpoint(withPrefix('/api/v1/scheduler'), async (exchange) => {
      const owner = leadingMaster(this.#context, exchange);
      if (owner === undefined) return;
      await answerSchedulerCall({ owner, leadership, log: options.log, isClosing }, exchange);
    });
    routes.endpoint(withPrefix('/api/v1'), async (exchange) => {
      const master = leadingMaster(this.#context, exchange);
      if (master === undefined) return;
      const { log } = options;
      const given = { master, leadership, files, logging, metrics, pages, log, isClosing };
      await answerMasterCall(given, exchange);
    });
    addMasterPages(routes, this.#context);
    addDebugPages(routes, this.#context);
    addLoggingToggle(routes, logging);
    addMasterForms(routes, this.#context);
    addWhyPage(routes, this.#context);
    addQuotaRoutes(routes, this.#context);
    addWeightRoutes(routes, this.#context);
    addMaintenanceRoutes(routes, this.#context);
    addResourceForms(routes, this.#context);
    addFileRoutes(routes, files);
    return routes;
  }
}
