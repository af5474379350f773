/** The services scheduler: keeps apps running, in Marathon's JSON and through Marathon's REST interface. */
export type { App, AppDraft } from './apps/app.js';
export { normaliseApp } from './apps/normalise.js';
export { MARATHON_VERSION, MarathonApi } from './api/marathon-api.js';
export { Services, type ServicesOptions } from './services.js';
