/** What every subcommand shares: flags, output, progress, exit codes, the logger. */
export { EXIT_CODES, SIGNAL_EXIT_BASE } from './exit-codes.js';
export {
  type FlagKind,
  type FlagRow,
  Flags,
  addFlags,
  addIgnoredFlags,
  dashFlags,
  flagVariable,
  givenIgnoredFlags,
  parseSize,
  readFlags,
} from './flags.js';
export {
  LogFile,
  type LogFileOptions,
  MAX_LOG_FILE_BYTES,
  MAX_OLD_LOG_FILES,
  MAX_WAITING_LOG_BYTES,
} from './log-file.js';
export {
  type AdjustableLogger,
  LOG_FORMATS,
  type LoggerOptions,
  createLogger,
  parseLogLevel,
} from './logger.js';
export { collectWhenIdle } from './memory.js';
export {
  type Column,
  formatAmount,
  formatSpan,
  printJson,
  printLine,
  printNotice,
  printRows,
  printable,
  renderTable,
} from './output.js';
export { type Progress, startProgress } from './progress.js';
