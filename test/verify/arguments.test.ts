import { expect, it } from 'vitest';
import { z } from 'zod';
import { synthesize } from '../../src/verify/arguments.js';

const SCHEMAS = {
  strings: z.object({ q: z.string().min(12), short: z.string().max(3) }),
  formats: z.object({
    url: z.url(),
    email: z.email(),
    at: z.iso.datetime(),
    day: z.iso.date(),
    id: z.uuid(),
  }),
  numbers: z.object({
    page: z.int().min(3),
    share: z.number().gt(0).max(0.5),
    step: z.number().multipleOf(5).min(7),
    below: z.number().max(-4),
  }),
  choices: z.object({
    level: z.enum(['low', 'high']),
    fixed: z.literal('x'),
    either: z.union([z.number(), z.string()]),
  }),
  nested: z.object({ list: z.array(z.object({ name: z.string() })).min(2), maybe: z.string().optional() }),
  nothing: z.object({ flag: z.boolean(), none: z.null() }),
};

for (const [name, schema] of Object.entries(SCHEMAS)) {
  for (const all of [false, true]) {
    it(`makes arguments that the schema accepts: ${name}, ${all ? 'everything' : 'required only'}`, () => {
      const made = synthesize(z.toJSONSchema(schema), 'alphaqx', all);
      expect(schema.safeParse(made).error?.issues).toBeUndefined();
    });
  }
}

it('carries the word in free strings, and leaves optional properties to a later call', () => {
  const schema = z.toJSONSchema(SCHEMAS.nested);
  expect(synthesize(schema, 'alphaqx', false)).toEqual({ list: [{ name: 'alphaqx' }, { name: 'alphaqx' }] });
  expect(synthesize(schema, 'alphaqx', true)).toMatchObject({ maybe: 'alphaqx' });
});

it('ends on recursive schemas', () => {
  const node: Record<string, unknown> = { type: 'object', required: ['next'], properties: {} };
  node.properties = { next: node };
  expect(() => JSON.stringify(synthesize(node, 'alphaqx', true))).not.toThrow();
});
