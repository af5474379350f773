/** Values of flags that are more than a number or a word. Each error names the flag. */
import { readFileSync } from 'node:fs';
import { type DomainInfo, decodeJson } from '../api/index.js';
import { PlateauError, errorMessage } from '../base/index.js';
import type { Flags } from '../command/index.js';

/** A flag whose value is not valid. */
export function flagError(flag: string, problem: string, cause?: unknown): PlateauError {
  return new PlateauError('INVALID_FLAG', `--${flag}: ${problem}`, { cause, context: { flag } });
}

/**
 * The text of a flag as `read` makes something of it; undefined where the flag has none.
 * @throws PlateauError `INVALID_FLAG` naming the flag, whatever `read` throws.
 */
export function readFlag<T>(flags: Flags, flag: string, read: (text: string) => T): T | undefined {
  const text = flags.text(flag);
  if (text === undefined) return undefined;
  try {
    return read(text);
  } catch (error) {
    throw flagError(flag, errorMessage(error), error);
  }
}

/** The entries of a list such as `cpus, mem`; empty ones do not count. */
export function parseNames(text: string): readonly string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/** The pairs of a text such as `prod=2,dev=0.5`, in order. A name may not repeat. */
export function parsePairs(text: string): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>();
  for (const entry of parseNames(text)) {
    const [, name, value] = /^([^=]+?)\s*=\s*(.*)$/s.exec(entry) ?? [];
    if (name === undefined || value === undefined) {
      throw new PlateauError('INVALID_FLAG', `'${entry}' is not of the form name=value`);
    }
    if (pairs.has(name)) throw new PlateauError('INVALID_FLAG', `'${name}' is named twice`);
    pairs.set(name, value);
  }
  return pairs;
}

/** A fault domain as JSON, or the path of a file that holds it. */
export function parseDomain(text: string): DomainInfo {
  const domain = decodeJson('DomainInfo', jsonOrFile(text));
  const fault = domain.fault_domain;
  if (fault === undefined || fault.region.name === '' || fault.zone.name === '') {
    throw new PlateauError(
      'INVALID_FLAG',
      `'fault_domain' must name a region and a zone, as in ` +
        `{"fault_domain":{"region":{"name":"eu"},"zone":{"name":"rack1"}}}`,
    );
  }
  return domain;
}

/** The JSON that a flag holds, or that is in the file which it names. */
export function jsonOrFile(text: string): string {
  return isJson(text) ? text : textOfFile(pathOf(text));
}

/** Whether a flag holds JSON rather than the path of a file. */
export function isJson(text: string): boolean {
  return text.trimStart().startsWith('{');
}

function textOfFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new PlateauError(
      'INVALID_FLAG',
      `'${path}' is neither JSON nor a file that can be read: ${errorMessage(error)}`,
      { cause: error },
    );
  }
}

/** A path, which may be given as a `file://` URL, as Mesos takes it. */
export function pathOf(text: string): string {
  return text.startsWith('file://') ? text.slice('file://'.length) : text;
}
