/** `--option name=value`: options of `@Framework` as texts. What they mean is checked with the others. */
import { PlateauError } from '../../core/base/index.js';

/** Options that are lists; their texts are separated by commas. */
const LISTS: readonly string[] = ['roles'];
/** Options that are true or false. */
const FLAGS: readonly string[] = ['revocable', 'gpus', 'regionAware'];

/** @throws PlateauError `INVALID_FLAG` for a text without a name, or a name that is there twice. */
export function readOverrides(texts: readonly string[]): Readonly<Record<string, unknown>> {
  const overrides = new Map<string, unknown>();
  for (const text of texts) {
    const [, name, value] = /^([A-Za-z]\w*)=(.*)$/s.exec(text) ?? [];
    if (name === undefined || value === undefined) {
      throw flagError(`'${text}' is not of the form name=value, such as failoverTimeout=2h`);
    }
    if (name === 'labels') throw flagError("'labels' cannot be given here: set them in @Framework");
    if (overrides.has(name)) throw flagError(`'${name}' is there twice`);
    overrides.set(name, valueOf(name, value));
  }
  return Object.fromEntries(overrides);
}

function valueOf(name: string, text: string): unknown {
  if (LISTS.includes(name)) return text.split(',').map((each) => each.trim());
  if (FLAGS.includes(name) && /^(?:true|false)$/.test(text)) return text === 'true';
  return text;
}

function flagError(problem: string): PlateauError {
  return new PlateauError('INVALID_FLAG', `--option: ${problem}`, { context: { flag: 'option' } });
}
