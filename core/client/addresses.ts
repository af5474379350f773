/** Addresses of masters and agents as people write them. */
import { PlateauError } from '../base/index.js';

/**
 * `host`, `host:port` or a URL, as a URL; several are separated by commas. Without a port, the default
 * is taken.
 * @throws PlateauError `INVALID_FLAG` for anything else.
 */
export function parseAddresses(text: string, defaultPort: number): readonly URL[] {
  const parts = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  if (parts.length === 0) throw invalidAddress(text);
  return parts.map((part) => parseAddress(part, defaultPort));
}

function parseAddress(text: string, defaultPort: number): URL {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  let url: URL;
  try {
    url = new URL(withScheme);
  } catch (error) {
    throw invalidAddress(text, error);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw invalidAddress(text);
  const hasPort = /:\d+(\/|$)/.test(withScheme.slice(withScheme.indexOf('//') + 2));
  if (!hasPort) url.port = String(defaultPort);
  return url;
}

function invalidAddress(text: string, cause?: unknown): PlateauError {
  return new PlateauError(
    'INVALID_FLAG',
    `'${text}' is not an address: write host:port or http://host:port, several with commas between.`,
    { context: { address: text }, cause },
  );
}
