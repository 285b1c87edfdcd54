import { descendants, ts } from '../inspect/source.js';

/** The first name that is free; when all are taken, the last with the first number that makes it one. */
export function firstFree(names: readonly string[], isTaken: (name: string) => boolean): string {
  const free = names.find((name) => !isTaken(name));
  if (free !== undefined) return free;
  const last = names.at(-1)!;
  let number = 2;
  while (isTaken(last + number)) number++;
  return last + number;
}

/** Everything that stands as a name somewhere in the node. */
export const namesIn = (node: ts.Node): ReadonlySet<string> =>
  new Set(descendants(node, ts.isIdentifier).map((identifier) => identifier.text));
