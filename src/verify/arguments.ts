import { isRecord } from './canonical.js';

/** Deeper than this a schema gets an empty value: recursive schemas end. */
const DEEPEST = 6;

/** Values that satisfy a string's `format`; anything else gets the word itself. */
const FORMATS: Readonly<Record<string, (word: string) => string>> = {
  uri: (word) => `http://127.0.0.1:9/${word}`,
  url: (word) => `http://127.0.0.1:9/${word}`,
  email: (word) => `${word}@example.com`,
  'date-time': () => '2026-01-02T03:04:05Z',
  date: () => '2026-01-02',
  time: () => '03:04:05Z',
  uuid: () => '00000000-0000-4000-8000-000000000000',
  ipv4: () => '127.0.0.1',
};

/**
 * Arguments that a tool's JSON schema accepts, the same every time. Every free string carries `word`, so that
 * an answer shows whose call it belongs to. `all` fills optional properties as well.
 */
export function synthesize(schema: unknown, word: string, all: boolean, depth = 0): unknown {
  if (!isRecord(schema) || depth > DEEPEST) return {};
  if ('const' in schema) return schema.const;
  if ('default' in schema && depth > 0) return schema.default;
  if (Array.isArray(schema.enum)) return schema.enum[0];
  const alternative = ['anyOf', 'oneOf', 'allOf'].map((key) => schema[key]).find(Array.isArray)?.[0];
  if (alternative && !schema.type) return synthesize(alternative, word, all, depth + 1);
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  return (BY_TYPE[String(type)] ?? object)(schema, word, all, depth);
}

type Maker = (schema: Record<string, unknown>, word: string, all: boolean, depth: number) => unknown;

const BY_TYPE: Readonly<Record<string, Maker>> = {
  string: (schema, word) => {
    const format = FORMATS[String(schema.format)];
    if (format) return format(word);
    return word.padEnd(number(schema.minLength, 0), 'x').slice(0, number(schema.maxLength, 200));
  },
  integer: atLeast,
  number: atLeast,
  boolean: () => false,
  null: () => null,
  array: (schema, word, all, depth) =>
    Array.from({ length: Math.min(10, Math.max(1, number(schema.minItems, 1))) }, () =>
      synthesize(schema.items ?? {}, word, all, depth + 1),
    ),
  object,
};

function object(schema: Record<string, unknown>, word: string, all: boolean, depth: number): unknown {
  const properties = isRecord(schema.properties) ? schema.properties : {};
  const required = Array.isArray(schema.required) ? schema.required.map(String) : [];
  const chosen = all && depth < 3 ? Object.keys(properties) : required;
  return Object.fromEntries(chosen.map((name) => [name, synthesize(properties[name], word, all, depth + 1)]));
}

function atLeast(schema: Record<string, unknown>): number {
  const step = number(schema.multipleOf, 1);
  const least = Math.max(number(schema.minimum, step), number(schema.exclusiveMinimum, 0) + step);
  return Math.min(Math.ceil(least / step) * step, number(schema.maximum, Number.MAX_SAFE_INTEGER));
}

const number = (value: unknown, otherwise: number): number => (typeof value === 'number' ? value : otherwise);
