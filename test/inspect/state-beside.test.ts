import { expect, it } from 'vitest';
import { inspectProject } from '../../src/inspect/inspect-project.js';
import type { Options, Project } from '../../src/model.js';
import { rewriteProject } from '../../src/rewrite/rewrite-project.js';
import { defaultOptions, projectOf } from '../runtime/service.js';

const SERVER = `
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { remember } from '@letters/core';
const server = new McpServer({ name: 'letters', version: '1.0.0' });
server.registerTool('write', {}, async (args) => ({ content: [{ type: 'text', text: remember(args) }] }));
await server.connect(new StdioServerTransport());
`;

/** Where a project is refused, and the codes. */
function refusalsOf(project: Project, more: Partial<Options> = {}): string[] {
  const options = { ...defaultOptions, ...more };
  const { diagnostics } = rewriteProject(project, inspectProject(project, options), options);
  return diagnostics.map(({ code, at }) => `${code} ${at?.file}:${at?.line}`);
}

const OWN = {
  'package.json': JSON.stringify({
    name: '@letters/server',
    type: 'module',
    bin: 'dist/index.js',
    scripts: { build: 'tsc' },
    dependencies: { '@letters/core': 'workspace:*', '@modelcontextprotocol/sdk': '^1.29.0' },
  }),
  'tsconfig.json': JSON.stringify({ compilerOptions: { outDir: 'dist', rootDir: 'src' } }),
  'src/index.ts': SERVER,
};

/** The package that keeps something, beside the server's. */
const coreOf = (memory: string, exported = './dist/index.js'): Record<string, string> => ({
  'package.json': JSON.stringify({
    name: '@letters/core',
    exports: { '.': { types: './dist/index.d.ts', default: exported }, './*': './dist/*.js' },
  }),
  'tsconfig.json': JSON.stringify({ compilerOptions: { paths: { '@/*': ['./src/*'] } } }),
  'src/index.ts': "export * from '@/memory';",
  'src/memory.ts': memory,
});

const below = (folder: string, files: Record<string, string>): [string, string][] =>
  Object.entries(files).map(([name, text]) => [`${folder}/${name}`, text]);

function refusedFor(
  memory: string,
  more: Partial<Options> = {},
  exported?: string,
  server = SERVER,
): string[] {
  const project = {
    ...projectOf({ ...OWN, 'src/index.ts': server }),
    workspaceRoot: '../..',
    workspaceFiles: new Map([
      ['../../package.json', JSON.stringify({ workspaces: ['packages/*'] })],
      ...below('../core', coreOf(memory, exported)),
    ]),
  };
  return refusalsOf(project, more);
}

const LAST =
  "let last = '';\nexport const remember = (one: string) => { const before = last; last = one; return before; };";

it('a variable of another package of the workspace is seen, though it is imported by the name of the package', () => {
  expect(refusedFor(LAST)).toEqual(['state-not-isolated ../core/src/memory.ts:1']);
  expect(refusedFor(LAST, {}, './build/index.mjs')).toEqual(['state-not-isolated ../core/src/memory.ts:1']);
});

it('it may be shared, and a worker has its own', () => {
  expect(refusedFor(LAST, { share: ['last'] })).toEqual([]);
  expect(refusedFor(LAST, { isolation: 'worker' })).toEqual([]);
});

it('what such a package makes for one call, or never changes, is no state', () => {
  expect(
    refusedFor(
      "const greetings = ['Dear'];\nexport const remember = (one: string) => { const words = [...greetings]; words.push(one); return words.join(' '); };",
    ),
  ).toEqual([]);
});

it('what a package exports by a pattern is found', () => {
  const server = SERVER.replace('@letters/core', '@letters/core/memory');
  expect(refusedFor(LAST, {}, undefined, server)).toEqual(['state-not-isolated ../core/src/memory.ts:1']);
});

it('it is seen from the root of the workspace, with the server in a member', () => {
  const project = projectOf({
    'package.json': JSON.stringify({
      workspaces: ['packages/*'],
      dependencies: { '@modelcontextprotocol/sdk': '^1.29.0' },
    }),
    ...Object.fromEntries([...below('packages/server', OWN), ...below('packages/core', coreOf(LAST))]),
  });
  expect(refusalsOf(project, { entry: 'packages/server/src/index.ts' })).toEqual([
    'state-not-isolated packages/core/src/memory.ts:1',
  ]);
});

it('it is seen in a module that a relative path out of the package leads to', () => {
  const server = SERVER.replace('@letters/core', '../../shared/memory.js');
  const project = {
    ...projectOf({ ...OWN, 'src/index.ts': server }),
    workspaceFiles: new Map([['../shared/memory.ts', LAST]]),
  };
  expect(refusalsOf(project)).toEqual(['state-not-isolated ../shared/memory.ts:1']);
});

it('another connect beside it is not the program\u2019s', () => {
  const connects = `import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
export const serve = (server) => server.connect(new StdioServerTransport());
export const remember = (one: string) => one;`;
  expect(refusedFor(connects)).toEqual([]);
});

it('what that package is told on the way to the connect is not repeated, and refused', () => {
  const server = `
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { prepare, remember } from '@letters/core';
export async function main() {
  const server = new McpServer({ name: 'letters', version: '1.0.0' });
  server.registerTool('write', {}, async (args) => ({ content: [{ type: 'text', text: remember(args) }] }));
  await server.connect(new StdioServerTransport());
}
(async () => {
  const prepared = prepare('Dear');
  if (prepared) await main();
})();
`;
  const memory = `const greetings = [];
export const prepare = (one: string) => { greetings.push(one); return true; };
export const remember = (one: string) => greetings[0] + one;`;
  expect(refusedFor(memory, {}, undefined, server)).toEqual(['start-not-repeatable src/index.ts:12']);
});

const SESSIONS = `
const words = new WeakMap();
export class Session {}
export const remember = (session: Session, one: string) => {
  const before = words.get(session) ?? [];
  words.set(session, [...before, one]);
  return before.join(' ');
};
let first: Session | undefined;
export const firstSession = () => (first ??= new Session());
`;

/** A server that hands what `made` makes to the package beside it. */
const handing = (made: string) =>
  SERVER.replace('{ remember }', '{ firstSession, remember, Session }')
    .replace('const server', `const make = () => {\nconst session = ${made};\nconst server`)
    .replace('remember(args)', 'remember(session, args)')
    .replace('await server', 'return server;\n};\nawait make()');

it('what is kept under an object that each client has for itself is no other client\u2019s, and needs sessions', () => {
  const server = handing('new Session()');
  expect(refusedFor(SESSIONS, {}, undefined, server)).toEqual([]);
  expect(refusedFor(SESSIONS, { sessions: 'stateless' }, undefined, server)).toEqual([
    'sessions-needed undefined:undefined',
  ]);
});

it('an object that the first client has made for all is nobody\u2019s own', () => {
  expect(refusedFor(SESSIONS, {}, undefined, handing('firstSession()'))).toEqual([
    'state-not-isolated ../core/src/memory.ts:2',
  ]);
});
