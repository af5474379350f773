/** The simulations of a test: opened by `simulate`, closed and looked at in its end. */
import { errorMessage } from '../../core/base/index.js';
import { type SimulateOptions, Simulation } from './simulation.js';

/** Simulations that were opened and not closed: the hook of the test runner closes them. */
const open = new Set<Simulation>();

/** Starts a cluster. It is closed, and its hygiene looked at, at the end of the test; see `closeAll`. */
export function simulate(options: SimulateOptions = {}): Simulation {
  const simulation = new Simulation(options);
  open.add(simulation);
  return simulation;
}

/** Closes all open simulations. Under mocha and its like the test kit does it after each test. */
export async function closeAll(): Promise<void> {
  const errors: unknown[] = [];
  for (const simulation of open) {
    open.delete(simulation);
    // oxlint-disable-next-line no-await-in-loop -- one after the other: which one complained is clear
    await simulation.close().catch((error: unknown) => errors.push(error));
  }
  const [first] = errors;
  if (errors.length > 1) throw new AggregateError(errors, errors.map(errorMessage).join('\n'));
  if (first !== undefined) throw first;
}
