import { describe, expect, it } from 'vitest';
import { hoistSchemas } from '../../src/rewrite/hoist-schemas.js';

const HEAD = `import { z } from 'zod';
import { kinds, now } from './kinds.js';

const LIMIT = 5;
const UNITS = ['m', 'km'] as const;
const unit = z.enum(UNITS);
const choices: string[] = [];
choices.push('one');
let page = 1;
enum Colour { Red = 'red' }
`;

/** The module after hoisting, of a factory that registers one tool with this schema. */
function hoisted(schema: string, locals = ''): string {
  const text = `${HEAD}
/** Builds one server; every client has its own. */
export function createServer() {
  const server = new McpServer({ name: 'x', version: '1' });
  ${locals}
  server.registerTool('look-up', { inputSchema: ${schema} }, handler);
  return server;
}

const late = z.string();
`;
  const result = hoistSchemas('create-server.ts', text, 'createServer', (name) => name === 'kinds');
  if (result !== text) expect(result).toContain('inputSchema: lookUpInput }');
  return result === text ? 'left where it is' : (/const lookUpInput = (.*);\n/.exec(result)?.[1] ?? result);
}

describe('a schema', () => {
  it.each([
    '{ a: z.string() }',
    'z.object({ a: z.number().max(LIMIT) })',
    '{ a: unit.optional(), b: z.enum(UNITS) }',
    '{ a: z.enum(kinds) }',
    '{ a: z.nativeEnum(Colour) }',
    '{ a: z.string().regex(/^a/).refine((value) => value.length < page) }',
    '{ a: z.enum(UNITS.map((one) => one.toUpperCase())) }',
    '{ a: z.number().default(() => Date.now()) }',
  ])('that is always the same is lifted: %s', (schema) => {
    expect(hoisted(schema)).toBe(schema);
  });

  it.each([
    ['{ a: z.string().default(String(Date.now())) }', ''],
    ['{ a: z.enum(names) }', "const names = ['a'] as const;"],
    ['{ a: z.string().refine((value) => names.includes(value)) }', "const names = ['a'];"],
    ['{ a: z.enum(choices) }', ''],
    ['{ a: z.number().max(page) }', ''],
    ['{ a: z.string().default(process.env.A) }', ''],
    ['{ a: z.string().default(now()) }', ''],
    ['{ a: z.number().default(Math.random()) }', ''],
    ['{ a: late }', ''],
    ['{ a: late.optional() }', ''],
    ["{ type: 'object' }", ''],
    ['{ a: z.string().default(await load()) }', ''],
    ['{ a: z.string(), ...shared }', ''],
  ])('that may be another each time, or costs nothing, is not: %s', (schema, locals) => {
    expect(hoisted(schema, locals)).toBe('left where it is');
  });

  it('is named after its tool, unless something has that name', () => {
    expect(hoisted('{ a: z.string() }', '')).toBe('{ a: z.string() }');
    const text = `import { z } from 'zod';
const taggedInput = 1;
function createServer() {
  server.tool('tagged', 'about', { a: z.string() }, handler);
  server.prompt('2 words', { b: z.string() }, handler);
  server.registerTool('both', { inputSchema: { c: z.string() }, outputSchema: { d: z.string() } }, handler);
}
`;
    expect(hoistSchemas('x.ts', text, 'createServer', () => false)).toBe(`import { z } from 'zod';
const taggedInput = 1;
const taggedInputSchema = { a: z.string() };
const tool2WordsArguments = { b: z.string() };
const bothInput = { c: z.string() };
const bothOutput = { d: z.string() };

function createServer() {
  server.tool('tagged', 'about', taggedInputSchema, handler);
  server.prompt('2 words', tool2WordsArguments, handler);
  server.registerTool('both', { inputSchema: bothInput, outputSchema: bothOutput }, handler);
}
`);
  });

  it('is looked for in registrations only, not in methods that every object has', () => {
    expect(hoisted('{ a: z.string() }', "LIMIT.toLocaleString('en', { style: 'percent' });")).toBe(
      '{ a: z.string() }',
    );
  });
});
