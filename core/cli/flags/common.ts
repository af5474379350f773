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
  {
    name: 'log_dir',
    kind: 'text',
    help: 'folder where the log is written too, to plateau-master.INFO or plateau-agent.INFO, and put aside at 64 MiB; one of its own for each agent of a host',
  },
  {
    name: 'external_log_file',
    kind: 'text',
    help: 'log file that something else writes, such as a journal: shown as /master/log or /slave/log instead of the file in --log_dir',
  },
] as const satisfies readonly FlagRow[];
