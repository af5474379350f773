/**
 * The logger of processes: pino, as JSON lines or, on a terminal, as readable text; on standard error,
 * and in a file as well where one is wanted.
 */
import pino from 'pino';
import { LOG_LEVELS, type LogFields, type LogLevel, type Logger } from '../base/index.js';
import { LogFile } from './log-file.js';

export interface LoggerOptions {
  readonly level: LogLevel;
  /** `json`: one object a line, for collectors; `text`: for people. */
  readonly format: 'json' | 'text';
  /** Names the process in each line. */
  readonly name: string;
  /** Absolute path of a file that gets every line too, in the same form; see `LogFile`. */
  readonly file?: string | undefined;
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

/**
 * A logger on standard error.
 * @throws PlateauError `INVALID_FLAG`: its file cannot be opened.
 */
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
  const console = options.format === 'json' ? pino.destination({ fd: 2 }) : await readableConsole();
  if (options.file === undefined) return adjustable(pino(settings, console), gate);
  const consoleAlone = pino(settings, console);
  const onFault = (message: string): void => consoleAlone.error(message);
  const file = new LogFile({ path: options.file, onFault });
  const streams = [
    { level: 'debug', stream: console },
    { level: 'debug', stream: options.format === 'json' ? file : await readableLines(file) },
  ] as const;
  return adjustable(pino(settings, pino.multistream([...streams])), gate);
}

const LEVEL_IN_CAPITALS = {
  level: (value: unknown): string => (typeof value === 'string' ? value.toUpperCase() : 'LOG'),
};

/** Loaded only where people read: it is of no use to a daemon. */
async function readableConsole(): Promise<pino.DestinationStream> {
  const { default: pretty } = await import('pino-pretty');
  return pretty({
    destination: 2,
    sync: true,
    colorize: process.stderr.isTTY,
    ignore: 'pid,name,hostname',
    translateTime: 'SYS:HH:MM:ss.l',
    customPrettifiers: LEVEL_IN_CAPITALS,
  });
}

/** With the date, which a file outlives. */
async function readableLines(file: LogFile): Promise<pino.DestinationStream> {
  const { prettyFactory } = await import('pino-pretty');
  const readable = prettyFactory({
    colorize: false,
    ignore: 'name,hostname',
    translateTime: 'SYS:yyyy-mm-dd HH:MM:ss.l',
    customPrettifiers: LEVEL_IN_CAPITALS,
  });
  return { write: (line) => file.write(readable(line)) };
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
