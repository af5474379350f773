/** The logger of processes: pino, as JSON lines or, on a terminal, as readable text. */
import pino from 'pino';
import { LOG_LEVELS, type LogFields, type LogLevel, type Logger } from '../base/index.js';

export interface LoggerOptions {
  readonly level: LogLevel;
  /** `json`: one object a line, for collectors; `text`: for people. */
  readonly format: 'json' | 'text';
  /** Names the process in each line. */
  readonly name: string;
}

export const LOG_FORMATS = ['json', 'text'] as const;

/** Whether a text names a level of the log; Mesos' upper-case names count. */
export function parseLogLevel(text: string): LogLevel | undefined {
  const lower = text.toLowerCase();
  const name = lower === 'warning' ? 'warn' : lower;
  return LOG_LEVELS.find((level) => level === name);
}

/** A logger whose level, and that of all its children, can be changed while it is used. */
export interface AdjustableLogger extends Logger {
  level: LogLevel;
}

/** A logger on standard error. */
export async function createLogger(options: LoggerOptions): Promise<AdjustableLogger> {
  const gate = { level: options.level };
  const settings: pino.LoggerOptions = {
    name: options.name,
    // What is let through is decided by the gate, which children share.
    level: 'debug',
    base: { name: options.name, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  };
  if (options.format === 'json') {
    return adjustable(pino(settings, pino.destination({ fd: 2 })), gate);
  }
  // Loaded only where people read: it is of no use to a daemon.
  const { default: pretty } = await import('pino-pretty');
  const stream = pretty({
    destination: 2,
    sync: true,
    colorize: process.stderr.isTTY,
    ignore: 'pid,name,hostname',
    translateTime: 'SYS:HH:MM:ss.l',
    customPrettifiers: {
      level: (value) => (typeof value === 'string' ? value.toUpperCase() : 'LOG'),
    },
  });
  return adjustable(pino(settings, stream), gate);
}

/** The least level that is written. */
interface Gate {
  level: LogLevel;
}

function adjustable(sink: pino.Logger, gate: Gate): AdjustableLogger {
  return {
    ...adapt(sink, gate),
    get level() {
      return gate.level;
    },
    set level(level) {
      gate.level = level;
    },
  };
}

function adapt(sink: pino.Logger, gate: Gate): Logger {
  const at =
    (level: LogLevel) =>
    (message: string, fields?: LogFields): void => {
      if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(gate.level)) return;
      sink[level](fields ?? {}, message);
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => adapt(sink.child(fields), gate),
  };
}
