/** Under mocha and its like: each test closes what it opened, and fails by what it left behind. */
import { closeAll } from './simulate.js';

/** What mocha knows of the test that has just run. */
interface RunTest {
  listenerCount?(event: string): number;
  emit?(event: string, error: unknown): void;
}

type AfterEach = (run: (this: { readonly currentTest?: RunTest }) => Promise<void>) => void;

/** Registers the hook where a test runner has one. At the top level of a test file it is for all tests of the run. */
export function closeAfterEachTest(): void {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- whatever the runner provides
  const { afterEach } = globalThis as { readonly afterEach?: AfterEach };
  afterEach?.(async function closeSimulations() {
    try {
      await closeAll();
    } catch (error) {
      // A hook of the top level that throws ends the whole run of mocha: the test is to fail instead, and
      // the others to go on.
      const test = this?.currentTest;
      if ((test?.listenerCount?.('error') ?? 0) === 0) throw error;
      test?.emit?.('error', error);
    }
  });
}
