import { expect, it } from 'vitest';
import { inspectProject } from '../../src/inspect/inspect-project.js';
import type { Options } from '../../src/model.js';
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

/** Where the server is refused because of what a package beside it keeps, and the codes. */
function refusedFor(core: string, more: Partial<Options> = {}, exports = './dist/index.js'): string[] {
  const project = {
    ...projectOf({
      'package.json': JSON.stringify({
        name: '@letters/server',
        type: 'module',
        bin: 'dist/index.js',
        scripts: { build: 'tsc' },
        dependencies: { '@letters/core': 'workspace:*', '@modelcontextprotocol/sdk': '^1.29.0' },
      }),
      'tsconfig.json': JSON.stringify({ compilerOptions: { outDir: 'dist', rootDir: 'src' } }),
      'src/index.ts': SERVER,
    }),
    workspaceRoot: '../..',
    workspaceFiles: new Map([
      ['../../package.json', JSON.stringify({ workspaces: ['packages/*'] })],
      [
        '../core/package.json',
        JSON.stringify({
          name: '@letters/core',
          exports: { '.': { types: './dist/index.d.ts', default: exports } },
        }),
      ],
      ['../core/tsconfig.json', JSON.stringify({ compilerOptions: { paths: { '@/*': ['./src/*'] } } })],
      ['../core/src/index.ts', "export { remember } from '@/memory';"],
      ['../core/src/memory.ts', core],
    ]),
  };
  const options = { ...defaultOptions, ...more };
  const { diagnostics } = rewriteProject(project, inspectProject(project, options), options);
  return diagnostics.map(({ code, at }) => `${code} ${at?.file}:${at?.line}`);
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
