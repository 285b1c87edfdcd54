/** Comparing what two servers said: key order means nothing, everything else does. */

/** The same value with the keys of every object in one order. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (!isRecord(value)) return value ?? null;
  const keys = Object.keys(value)
    .filter((key) => value[key] !== undefined)
    .sort();
  return Object.fromEntries(keys.map((key) => [key, canonical(value[key])]));
}

/** Are two values the same JSON, whatever the order of their keys? */
export const same = (one: unknown, other: unknown): boolean => show(one) === show(other);

/** A value as canonical JSON on one line. */
export const show = (value: unknown): string => JSON.stringify(canonical(value));

/**
 * What differs, one line per place: `tools.echo.description: "a" → "b"`. Members of lists are matched by their
 * name or uri where they have one, so that one missing tool is one line.
 */
export function differences(expected: unknown, actual: unknown, at = ''): string[] {
  if (same(expected, actual)) return [];
  const [left, right] = [keyed(expected), keyed(actual)];
  if (!left || !right) return [`${at || 'value'}: ${excerpt(expected)} → ${excerpt(actual)}`];
  const names = [...new Set([...left.keys(), ...right.keys()])];
  const lines = names.flatMap((name) => {
    const place = at ? `${at}.${name}` : name;
    if (!right.has(name)) return [`${place}: missing`];
    if (!left.has(name)) return [`${place}: not expected`];
    return differences(left.get(name), right.get(name), place);
  });
  return lines.length > 0 ? lines : [`${at || 'value'}: in another order`];
}

/** Members by name, for everything whose members have one; undefined for anything else. */
function keyed(value: unknown): Map<string, unknown> | undefined {
  if (Array.isArray(value)) {
    const names = value.map((member, index) => nameOf(member) ?? String(index));
    return new Set(names).size === names.length
      ? new Map(value.map((member, index) => [names[index]!, member]))
      : new Map(value.map((member, index) => [String(index), member]));
  }
  return isRecord(value) ? new Map(Object.entries(value)) : undefined;
}

function nameOf(value: unknown): string | undefined {
  if (!isRecord(value)) return undefined;
  return [value.uri, value.uriTemplate, value.name].find((name) => typeof name === 'string') as
    | string
    | undefined;
}

/** The beginning of a value, for one line of a report. */
export function excerpt(value: unknown, length = 160): string {
  if (value === undefined) return 'nothing';
  const text = show(value);
  return text.length > length ? `${text.slice(0, length)}…` : text;
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
