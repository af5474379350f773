/** A log for people who look into the sandbox: one line each on stderr, with no library behind it. */
import { type LogFields, type LogLevel, type Logger, errorMessage } from '../../core/base/index.js';

/** Lines of `info` and above, with the fields as JSON. */
export function sandboxLogger(fields: LogFields = {}): Logger {
  const write = (level: LogLevel, message: string, more: LogFields = {}): void => {
    const all = Object.entries({ ...fields, ...more }).map(([name, value]) => [name, shown(value)]);
    const suffix = all.length === 0 ? '' : ` ${JSON.stringify(Object.fromEntries(all))}`;
    const time = new Date().toISOString();
    process.stderr.write(`${time} ${level.toUpperCase()} ${message}${suffix}\n`);
  };
  return {
    debug: () => undefined,
    info: (message, more) => write('info', message, more),
    warn: (message, more) => write('warn', message, more),
    error: (message, more) => write('error', message, more),
    child: (more) => sandboxLogger({ ...fields, ...more }),
  };
}

function shown(value: unknown): unknown {
  return value instanceof Error ? (value.stack ?? errorMessage(value)) : value;
}
