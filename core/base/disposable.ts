/**
 * Ownership: every timer, socket, stream and subscription is a disposable, registered with its owner
 * at creation, so that closing the owner leaves nothing behind.
 */

/** Something that holds a resource until it is disposed of. Disposing twice does nothing. */
export interface Disposable {
  dispose(): void;
}

/** Makes a disposable that runs `release` once. */
export function toDisposable(release: () => void): Disposable {
  let isDisposed = false;
  return {
    dispose() {
      if (isDisposed) return;
      isDisposed = true;
      release();
    },
  };
}

/** Owns any number of disposables and disposes of them together, the last added first. */
export class DisposableStore implements Disposable {
  readonly #owned = new Set<Disposable>();
  #isDisposed = false;

  /** Takes ownership. When the store is disposed of already, `disposable` is at once. */
  add<T extends Disposable>(disposable: T): T {
    if (this.#isDisposed) disposable.dispose();
    else this.#owned.add(disposable);
    return disposable;
  }

  /** Disposes of one member before the others. */
  release(disposable: Disposable): void {
    if (this.#owned.delete(disposable)) disposable.dispose();
  }

  get isDisposed(): boolean {
    return this.#isDisposed;
  }

  /** Disposes of all members; an error of one does not keep the others, and is thrown at the end. */
  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    const errors: unknown[] = [];
    for (const disposable of [...this.#owned].toReversed()) {
      try {
        disposable.dispose();
      } catch (error) {
        errors.push(error);
      }
    }
    this.#owned.clear();
    if (errors.length > 0)
      throw new AggregateError(errors, 'some members could not be disposed of');
  }
}
