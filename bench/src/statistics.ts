/** The middle value; of an even number of them the mean of the two. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  return (upper + lower) / 2;
}

/** The median of one number of each entry. */
export const medianOf = <T>(entries: readonly T[], number: (entry: T) => number): number =>
  median(entries.map(number));
