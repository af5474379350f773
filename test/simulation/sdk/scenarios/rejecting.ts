import type { Scenario } from '../../../../sdk/testing/index.js';
import { Sound } from './sound.js';

/** In the first seed a promise is rejected that nobody waits for, which ends the thread. */
export const scenario: Scenario = {
  framework: Sound,
  faultsFor: '10s',
  during({ seed }) {
    if (seed === '1') void Promise.reject(new Error('nobody waits for it'));
  },
};
