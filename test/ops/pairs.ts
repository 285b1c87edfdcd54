/** One value for each axis. */
export type Row<Axes> = {
  readonly [Axis in keyof Axes]: Axes[Axis] extends readonly (infer Value)[] ? Value : never;
};

/**
 * Few rows that together hold every pair of values of any two axes. Greedy, and always the same: each row starts from
 * the first pair not yet held and takes, axis by axis, the value that brings the most new pairs.
 * @param isOffered whether the values given so far may stand together; for pairs, and for rows that are not complete.
 */
export function pairwise<Axes extends Readonly<Record<string, readonly unknown[]>>>(
  axes: Axes,
  isOffered: (row: Partial<Row<Axes>>) => boolean = () => true,
): Row<Axes>[] {
  const names = Object.keys(axes);
  const missing = new Set<string>();
  const pair = (a: string, x: unknown, b: string, y: unknown): string =>
    JSON.stringify(names.indexOf(a) < names.indexOf(b) ? [a, x, b, y] : [b, y, a, x]);
  for (const [index, a] of names.entries()) {
    for (const b of names.slice(index + 1)) {
      for (const x of axes[a] ?? []) {
        for (const y of axes[b] ?? []) {
          if (isOffered({ [a]: x, [b]: y } as Partial<Row<Axes>>)) missing.add(pair(a, x, b, y));
        }
      }
    }
  }
  const rows: Row<Axes>[] = [];
  for (const first of missing) {
    const [a, x, b, y] = JSON.parse(first) as [string, unknown, string, unknown];
    const row: Record<string, unknown> = { [a]: x, [b]: y };
    for (const name of names.filter((each) => !(each in row))) {
      const gain = (value: unknown) =>
        Object.entries(row).filter(([other, set]) => missing.has(pair(name, value, other, set))).length;
      const values = (axes[name] ?? []).filter((value) =>
        isOffered({ ...row, [name]: value } as Partial<Row<Axes>>),
      );
      row[name] = values.reduce((best, value) => (gain(value) > gain(best) ? value : best), values[0]);
    }
    for (const [index, name] of names.entries()) {
      for (const other of names.slice(index + 1)) missing.delete(pair(name, row[name], other, row[other]));
    }
    rows.push(row as Row<Axes>);
  }
  return rows;
}
