import { expect, it } from 'vitest';
import { inspectProject } from '../../src/inspect/inspect-project.js';
import { rewriteProject } from '../../src/rewrite/rewrite-project.js';
import { defaultOptions, projectOf } from '../runtime/service.js';

const PROVIDER = 'async connect(server) { await server.connect(new StdioServerTransport()); }';

const program = (choice: string, provider = PROVIDER) => `
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
class StdioProvider {
  ${provider}
}
class HttpProvider {
  constructor() { this.sessions = {}; }
  async connect(server) { this.sessions[Date.now()] = server; }
}
function providerFor(kind) { ${choice} }
async function serve(provider) {
  const server = new McpServer({ name: 'branches', version: '1.0.0' });
  await provider.connect(server);
}
async function main() { await serve(providerFor(process.env.KIND)); }
main();
`;

/** The codes that a program is refused with, which chooses between two objects that connect the server. */
const refusals = (choice: string, provider?: string): string[] => refusalsOf(program(choice, provider));

function refusalsOf(text: string): string[] {
  const project = projectOf({
    'package.json': JSON.stringify({
      name: 'branches',
      type: 'module',
      bin: 'index.js',
      dependencies: { '@modelcontextprotocol/sdk': '^1.29.0' },
    }),
    'index.js': text,
  });
  const inspection = inspectProject(project, defaultOptions);
  if (inspection.diagnostics.length > 0) return inspection.diagnostics.map(({ code }) => code);
  const { diagnostics } = rewriteProject(project, inspection, defaultOptions);
  return [...new Set(diagnostics.map(({ code }) => code))];
}

it.each([
  'switch (kind) { case "http": return new HttpProvider(); default: return new StdioProvider(); }',
  'if (kind === "http") { return new HttpProvider(); } return new StdioProvider();',
  'if (kind === "http") return new HttpProvider(); else return new StdioProvider();',
  'return kind === "http" ? new HttpProvider() : new StdioProvider();',
])('what a branch makes that stdio does not come to is left aside: %s', (choice) => {
  expect(refusals(choice)).toEqual([]);
});

it.each([
  'const http = new HttpProvider(); return kind === "http" ? http : new StdioProvider();',
  'let made; switch (kind) { case "http": made = new HttpProvider(); default: made = new StdioProvider(); } return made;',
  'let made; for (const one of [kind, "stdio"]) if (one === "http") made ??= new HttpProvider(); else made ??= new StdioProvider(); return made;',
  'let made; [kind, "stdio"].forEach((one) => { if (one === "http") made ??= new HttpProvider(); else made ??= new StdioProvider(); }); return made;',
])('what is made on the way to stdio, or may be, is not: %s', (choice) => {
  expect(refusals(choice)).toEqual(['state-not-isolated']);
});

const keeping = (more: string) => `
  async connect(server) {
    this.transport = new StdioServerTransport();
    await server.connect(this.transport);
  }
  async close() {
    if (this.transport) this.transport.close();
    this.transport = null;
  }
  ${more}`;

it('an object that keeps the transport to close it keeps nothing of a client', () => {
  expect(refusals('return new StdioProvider();', keeping(''))).toEqual([]);
});

it('an object that uses the transport it keeps would use the last client\u2019s', () => {
  const sending = keeping('warn(text) { return this.transport.send({ text }); }');
  expect(refusals('return new StdioProvider();', sending)).toEqual(['state-not-isolated']);
});

it.each([
  ['is left aside', 'else {', []],
  ['is not, where it may run as well', 'if (process.env.WEB) {', ['state-not-isolated']],
])('what a branch beside the connect keeps %s', (_, otherwise, codes) => {
  const text = `
import { createServer } from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
const server = new McpServer({ name: 'branches', version: '1.0.0' });
if (process.env.KIND !== 'web') {
  await server.connect(new StdioServerTransport());
} ${otherwise}
  const visits = {};
  createServer((request, response) => {
    visits[request.url] = Date.now();
    response.end();
  }).listen(0);
}
`;
  expect(refusalsOf(text)).toEqual(codes);
});
