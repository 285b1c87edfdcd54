import { expect, it } from 'vitest';
import { inspectProject } from '../../src/inspect/inspect-project.js';
import { defaultOptions, projectOf } from '../runtime/service.js';

const HEAD = `
const { McpServer } = require('@modelcontextprotocol/sdk/server/mcp.js');
const { StdioServerTransport } = require('@modelcontextprotocol/sdk/server/stdio.js');
`;

/** The codes a program, of CommonJS unless it is TypeScript, is refused with when it is only looked at. */
function codesOf(text: string, file = 'index.js'): string[] {
  const project = projectOf({
    'package.json': JSON.stringify({
      name: 'connected',
      bin: file,
      dependencies: { '@modelcontextprotocol/sdk': '^1.29.0', sqlite3: '^5.1.0' },
    }),
    [file]: file === 'index.js' ? HEAD + text : text,
  });
  return inspectProject(project, defaultOptions).diagnostics.map(({ code }) => code);
}

it.each([
  ["const { Database } = require('sqlite3');", 'new Database(file)'],
  ["const sqlite3 = require('sqlite3').verbose();", 'new sqlite3.Database(file)'],
])('a method of a package is no way to the connect, though it has the name: %s', (imports, made) => {
  const text = `
${imports}
class Tasks {
  constructor(file) { this.db = ${made}; this.db.run('CREATE TABLE tasks (name TEXT)'); }
}
class App {
  constructor() {
    this.tasks = new Tasks('tasks.db');
    this.server = new McpServer({ name: 'app', version: '1.0.0' });
  }
  async run() { await this.server.connect(new StdioServerTransport()); }
}
const app = new App();
app.run();
`;
  expect(codesOf(text)).toEqual([]);
});

it.each([
  `const create = (db: sqlite3.Database | null) => db?.run('CREATE TABLE tasks (name TEXT)');`,
  `const open = (): Promise<sqlite3.Database> => Promise.resolve(new sqlite3.Database('tasks.db'));
const create = async () => { const db = await open(); db.run('CREATE TABLE tasks (name TEXT)'); };`,
])('nor is a method of what is annotated with a type of a package: %s', (create) => {
  const text = `
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import * as sqlite3 from 'sqlite3';
${create}
class App {
  private readonly server = new McpServer({ name: 'app', version: '1.0.0' });
  async run() { create(null); await this.server.connect(new StdioServerTransport()); }
}
new App().run();
`;
  expect(codesOf(text, 'index.ts')).toEqual([]);
});

it('nor is a method of another class, of which a field holds an instance or nothing', () => {
  const text = `
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
class Clock {
  async start() {}
}
class Transports {
  static clock: Clock | null = null;
  static async create(kind: string) {
    if (kind === 'stdio') return new StdioServerTransport();
    this.clock = new Clock();
    await this.clock.start();
    throw new Error('no other transport');
  }
}
class App {
  private readonly server = new McpServer({ name: 'app', version: '1.0.0' });
  async start() {
    const transport = await Transports.create('stdio');
    await this.server.connect(transport);
  }
}
new App().start();
`;
  expect(codesOf(text, 'index.ts')).toEqual([]);
});

it('a function that nothing calls is no other way to the connect', () => {
  const text = `
class App {
  constructor() { this.server = new McpServer({ name: 'app', version: '1.0.0' }); }
  async start() { await this.server.connect(new StdioServerTransport()); }
}
async function runAsBefore() {
  const app = new App();
  await app.start();
}
async function run() {
  const app = new App();
  await app.start();
}
run();
module.exports = { App, run, runAsBefore };
`;
  expect(codesOf(text)).toEqual([]);
});

it('a transport that a function gives back is not followed: it may be another, or changed', () => {
  const text = `
function inCapitals(transport) {
  const send = transport.send.bind(transport);
  transport.send = (message) => send(JSON.parse(JSON.stringify(message).toUpperCase()));
  return transport;
}
const server = new McpServer({ name: 'app', version: '1.0.0' });
server.connect(inCapitals(new StdioServerTransport()));
`;
  expect(codesOf(text)).toEqual(['connect-not-found']);
});

it.each([
  ['what a client sends', 'request.params.arguments.text', []],
  ['what the function was called with', 'arguments.length', ['entry-not-followed']],
])('a function is let come to anew unless it reads its own arguments: %s', (_, read, codes) => {
  const text = `
const { CallToolRequestSchema } = require('@modelcontextprotocol/sdk/types.js');
function onReady(start) { setTimeout(() => start('> '), 10); }
async function serve(prefix) {
  const { server } = new McpServer({ name: 'app', version: '1.0.0' }, { capabilities: { tools: {} } });
  server.setRequestHandler(CallToolRequestSchema, async (request) => {
    return { content: [{ type: 'text', text: prefix + ${read} }] };
  });
  await server.connect(new StdioServerTransport());
}
onReady(serve);
`;
  expect(codesOf(text)).toEqual(codes);
});
