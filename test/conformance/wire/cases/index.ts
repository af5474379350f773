/** All cases, area by area in the order in which they run. */
import type { WireCase } from '../lib/case.js';
import { cases as groupsAndExecutors } from './groups-executors.js';
import { cases as json } from './json.js';
import { cases as legacy } from './legacy.js';
import { cases as offers } from './offers.js';
import { cases as operations } from './operations.js';
import { cases as operatorAgent } from './operator-agent.js';
import { cases as operatorMaster } from './operator-master.js';
import { cases as protobuf } from './protobuf.js';
import { cases as reconcile } from './reconcile.js';
import { cases as schedulerHttp } from './scheduler-http.js';
import { cases as subscribe } from './subscribe.js';
import { cases as tasks } from './tasks.js';

export const WIRE_CASES: readonly WireCase[] = [
  schedulerHttp,
  subscribe,
  offers,
  tasks,
  groupsAndExecutors,
  reconcile,
  operations,
  operatorMaster,
  operatorAgent,
  legacy,
  json,
  protobuf,
].flat();
