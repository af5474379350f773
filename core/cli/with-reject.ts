/** A promise that only ever rejects, and the function that does it. */
export function withReject(): {
  readonly promise: Promise<never>;
  readonly reject: (error: unknown) => void;
} {
  let fail: (error: unknown) => void = () => {};
  const promise = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  // Whoever waits sees the rejection; nobody waiting is no defect.
  promise.catch(() => {});
  return { promise, reject: fail };
}
