/** Flags that are whole numbers. */
import { PlateauError } from '../../../core/base/index.js';

/** @throws PlateauError `INVALID_FLAG` when the text is none in the range. */
export function wholeNumber(
  flag: string,
  text: string,
  range: { readonly from: number; readonly to: number },
): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= range.from && value <= range.to) return value;
  throw new PlateauError(
    'INVALID_FLAG',
    `--${flag} is '${text}': it must be a whole number from ${range.from} to ${range.to}`,
    { context: { flag } },
  );
}
