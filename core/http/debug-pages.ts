/** Pages of a master that show what is inside: its registry, and whom offer constraints keep away. */
import { answerText } from './answers.js';
import { offerConstraintsPage } from './legacy/offer-constraints.js';
import { registryPage } from './legacy/registry.js';
import { type MasterRouteContext, leadingMaster } from './master-context.js';
import { answerPage } from './pages/answer-page.js';
import type { Exchange, RouteTable } from './routes.js';

/** Adds the pages, under the names of the processes of Mesos that have them. */
export function addDebugPages(routes: RouteTable, context: MasterRouteContext): void {
  routes.page(['/registrar(1)/registry', '/registrar/registry'], async (exchange) => {
    await answerRegistry(exchange, context);
  });
  const paths = ['/hierarchical-allocator(1)', '/allocator', ''].map(
    (process) => `${process}/offer_constraints_debug`,
  );
  routes.page(paths, async (exchange) => {
    const master = leadingMaster(context, exchange);
    if (master === undefined) return;
    await answerPage(context.pages, exchange, {
      origin: master.info.id,
      key: 'offer_constraints_debug',
      version: () => master.cluster.version,
      pieces: () => offerConstraintsPage(master.cluster),
    });
  });
}

async function answerRegistry(exchange: Exchange, context: MasterRouteContext): Promise<void> {
  const master = leadingMaster(context, exchange);
  if (master === undefined) return;
  // What is read is as new as this version, or newer.
  const { version } = master.cluster;
  const entries = await master.registryEntries();
  if (entries === undefined) {
    answerText(exchange, 503, 'The master has not finished recovering its registry: try again.');
    return;
  }
  await answerPage(context.pages, exchange, {
    origin: master.info.id,
    key: 'registry',
    version: () => version,
    pieces: () => registryPage(master.info, entries),
  });
}
