/**
 * What pages tell of the program: the version of Mesos that it is compatible with, and its own. The
 * other members are there because tools read them; nothing is known about the build, so they are empty.
 */
import { MESOS_VERSION, PLATEAU_VERSION } from '../../api/index.js';
import { valueText } from './json-text.js';

/** Members of `/version` and of both `/state` pages, as texts. */
export const BUILD_MEMBERS: Readonly<Record<string, string>> = {
  version: valueText(MESOS_VERSION),
  plateau_version: valueText(PLATEAU_VERSION),
  build_date: valueText(''),
  build_time: valueText(0),
  build_user: valueText(''),
};
