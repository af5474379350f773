/** Flags that master and agent share. */
import type { FlagRow } from '../../command/index.js';

export const COMMON_FLAGS = [
  {
    name: 'ip',
    kind: 'text',
    default: '127.0.0.1',
    help: 'address to listen on; beyond loopback it needs --insecure_bind',
  },
  {
    name: 'hostname',
    kind: 'text',
    help: 'name under which others reach this host (default: the address)',
  },
  {
    name: 'insecure_bind',
    kind: 'boolean',
    default: 'false',
    ours: true,
    help: 'listen beyond loopback although nobody is authenticated: anyone who reaches the port can run commands on the cluster',
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
