/** A promise that is settled from elsewhere. A rejection that nobody awaits is no fault. */
export class Deferred<T> {
  readonly promise: Promise<T>;
  #resolve: (value: T) => void = () => {};
  #reject: (error: Error) => void = () => {};

  constructor() {
    this.promise = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.promise.catch(() => undefined);
  }

  readonly resolve = (value: T): void => this.#resolve(value);

  readonly reject = (error: Error): void => this.#reject(error);
}
