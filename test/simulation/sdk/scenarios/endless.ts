/** A scenario whose seeds take long: for runs that are stopped. */
import type { Scenario } from '../../../../sdk/testing/index.js';
import { Sound } from './sound.js';

export const scenario: Scenario<Sound> = {
  framework: Sound,
  faultsFor: '365d',
};
