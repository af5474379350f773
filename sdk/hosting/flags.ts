/** Flags of `plateau framework run` and of its relatives. */
import type { FlagRow } from '../../core/command/index.js';
import { DEFAULT_MASTERS } from './run-framework.js';
import { DEFAULT_STORE } from './state.js';

export const FRAMEWORK_FLAGS = [
  {
    name: 'master',
    kind: 'text',
    default: DEFAULT_MASTERS,
    help: 'address of the master; several separated by commas',
  },
  {
    name: 'store',
    kind: 'text',
    default: DEFAULT_STORE,
    ours: true,
    help: 'where the state is kept: lmdb:./folder, or memory: to forget it at the end',
  },
  {
    name: 'standby',
    kind: 'boolean',
    default: 'false',
    ours: true,
    help: 'wait while another copy is active, and take over when it ends',
  },
  {
    name: 'lease',
    kind: 'text',
    ours: true,
    help: 'lmdb: and the folder in which copies agree on who is active (default: in the folder of the store)',
  },
  {
    name: 'admin',
    kind: 'boolean',
    default: 'true',
    ours: true,
    help: 'serve the admin interface',
  },
  {
    name: 'admin_host',
    kind: 'text',
    default: '127.0.0.1',
    ours: true,
    help: 'address of the admin interface; beyond loopback it needs --insecure_bind',
  },
  {
    name: 'admin_port',
    kind: 'integer',
    default: '0',
    ours: true,
    help: 'port of the admin interface; 0: a free one, told in the log',
  },
  {
    name: 'insecure_bind',
    kind: 'boolean',
    default: 'false',
    ours: true,
    help: 'serve beyond loopback although nobody is authenticated: anyone who reaches the port can steer the framework',
  },
  {
    name: 'record',
    kind: 'text',
    ours: true,
    help: "file for a recording of what passes between framework and master, for 'plateau replay'",
  },
  {
    name: 'logging_level',
    kind: 'choice',
    choices: ['DEBUG', 'INFO', 'WARNING', 'ERROR'],
    default: 'INFO',
    help: 'least severe lines that are logged',
  },
  {
    name: 'log_format',
    kind: 'choice',
    choices: ['json', 'text'],
    ours: true,
    help: 'form of log lines (default: text on a terminal, else json)',
  },
] as const satisfies readonly FlagRow[];

export const DEV_FLAGS = [
  { name: 'agents', kind: 'integer', default: '3', help: 'number of agents' },
  {
    name: 'port',
    kind: 'integer',
    default: '5050',
    help: 'port of the master; the agents take ports after it; 0: free ports',
  },
  {
    name: 'store',
    kind: 'text',
    ours: true,
    help: 'where the state of the framework is kept for longer than this cluster: lmdb:./folder (default: until the end)',
  },
] as const satisfies readonly FlagRow[];
