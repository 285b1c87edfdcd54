/** Edges of the histogram's classes in milliseconds: 1, 2, 5 per decade. */
const EDGES = [0, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, Number.POSITIVE_INFINITY];

export interface LatencyClass {
  readonly label: string;
  /** Calls in this class, per transport. */
  readonly stdio: number;
  readonly http: number;
}

/** How many calls took how long, from the first class that has any to the last. */
export function classifyLatency(stdio: readonly number[], http: readonly number[]): LatencyClass[] {
  const within = (values: readonly number[], index: number) =>
    values.filter((value) => value >= EDGES[index]! && value < EDGES[index + 1]!).length;
  const classes = EDGES.slice(0, -1).map((_, index) => ({
    label: labelOf(index),
    stdio: within(stdio, index),
    http: within(http, index),
  }));
  const used = classes.map(({ stdio: one, http: other }) => one + other > 0);
  return classes.slice(Math.max(0, used.indexOf(true)), used.lastIndexOf(true) + 1);
}

function labelOf(index: number): string {
  const [from, to] = [EDGES[index]!, EDGES[index + 1]!];
  if (from === 0) return `< ${to} ms`;
  return to === Number.POSITIVE_INFINITY ? `≥ ${from} ms` : `${from}–${to} ms`;
}

/** The value below which this share of the values lies (nearest rank); 0 without values. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}
