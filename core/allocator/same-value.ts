/** Whether two parts of messages hold the same, in the same order. */
export function isSameValue(one: unknown, other: unknown): boolean {
  return one === other || textOf(one) === textOf(other);
}

function textOf(value: unknown): string {
  return JSON.stringify(value ?? null, (_, part: unknown) =>
    typeof part === 'bigint' ? `${part}n` : part,
  );
}
