import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Inspection, Options, Seam } from '../../src/model.js';
import { call, post, repository, run } from '../runtime/service.js';
import { generate, typescriptBuild, writeFiles } from './generated.js';
import { pairwise } from './pairs.js';

const axes = {
  kind: ['TypeScript', 'JavaScript, ES modules', 'JavaScript, CommonJS'],
  sessions: ['stateless', 'stateful'],
  auth: ['none', 'api-key', 'oauth'],
  rateLimit: ['memory', 'redis', 'none'],
  database: ['none', 'postgres'],
  ownPool: [false, true],
  secrets: ['env', 'file', 'aws', 'vault'],
  cache: [false, true],
  metrics: [false, true],
  tracing: [false, true],
  reusable: [false, true],
} as const;

type Combination = ReturnType<typeof pairwise<typeof axes>>[number];

const combinations = pairwise(axes).map((row, index) => ({ ...row, index }));

const nameOf = ({ index, ...row }: Combination & { index: number }): string =>
  `${index}: ${Object.values(row).join(' · ')}`;

const server = (types: boolean) => `
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
export function createServer()${types ? ': McpServer' : ''} {
  const server = new McpServer({ name: 'combination', version: '1.0.0' });
  server.registerTool('hello', {}, () => ({ content: [{ type: 'text', text: 'hello' }] }));
  return server;
}
`;
const commonJs = server(false)
  .replace(/import \{ McpServer \} from (.*);/, 'const { McpServer } = require($1);')
  .replace('export function createServer', 'exports.createServer = function');

const plain: Inspection['build'] = { kind: 'none', tool: 'none', runner: 'node', importExtension: '.js' };

/** The files of one combination, by path, with the project's own. */
function filesOf(row: Combination): Map<string, string> {
  const typescript = row.kind === 'TypeScript';
  const cjs = row.kind === 'JavaScript, CommonJS';
  const module = typescript ? 'src/create-server.ts' : 'src/create-server.js';
  const { kind: _kind, sessions, ownPool, reusable, ...chosen } = row;
  const options: Partial<Options> = {
    ...chosen,
    docker: true,
    compose: true,
    kubernetes: true,
    ci: 'github',
  };
  const seam: Partial<Seam> = { sessions, module, reusable: reusable && sessions === 'stateless' };
  const own = typescript ? server(true) : cjs ? commonJs : server(false);
  const pool = cjs ? "require('pg');" : "import pg from 'pg';";
  const entry = { file: 'src/index.js', output: 'src/index.js', because: 'bin' };
  const files = generate({
    manifest: { type: cjs ? 'commonjs' : 'module' },
    files: ownPool ? { [module]: pool } : {},
    inspection: typescript
      ? { build: typescriptBuild }
      : { language: 'js', moduleFormat: cjs ? 'cjs' : 'esm', build: plain, entry },
    options,
    seam,
  });
  return new Map([...files, [module, own]]);
}

const manifest = (row: Combination) =>
  JSON.stringify({
    name: 'combination',
    version: '1.0.0',
    type: row.kind.endsWith('CommonJS') ? 'commonjs' : 'module',
  });

const strictest = {
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  noPropertyAccessFromIndexSignature: true,
  noImplicitOverride: true,
  verbatimModuleSyntax: true,
  isolatedModules: true,
  erasableSyntaxOnly: true,
  skipLibCheck: true,
  module: 'nodenext',
  target: 'ES2022',
  types: ['node'],
};

let workshop: string;
beforeAll(() => {
  workshop = fs.mkdtempSync(path.join(os.tmpdir(), 'mcp-combinations-'));
  fs.symlinkSync(path.join(repository, 'node_modules'), path.join(workshop, 'node_modules'));
  const compilerOptions = { ...strictest, rootDir: '.', outDir: 'built' };
  const include = combinations.filter(({ kind }) => kind === 'TypeScript').map(({ index }) => `${index}/src`);
  writeFiles(workshop, [
    ['package.json', '{ "type": "module" }'],
    ['tsconfig.json', JSON.stringify({ compilerOptions, include })],
  ]);
  for (const row of combinations) {
    writeFiles(path.join(workshop, String(row.index)), [...filesOf(row), ['package.json', manifest(row)]]);
  }
  // All at once: most of a compiler's time goes into the declarations that they have in common.
  const tsc = path.join(repository, 'node_modules/typescript/bin/tsc');
  try {
    execFileSync(process.execPath, [tsc, '-p', workshop], { encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    throw new Error((error as { stdout: string }).stdout);
  }
});
afterAll(() => fs.rmSync(workshop, { recursive: true, force: true }));

const settings = {
  AUTH_API_KEYS: 'alice:0123456789abcdef',
  AUTH_ISSUER: 'https://id.example.com',
  AUTH_AUDIENCE: 'https://mcp.example.com/mcp',
  // Nobody is there: a service starts all the same.
  REDIS_URL: 'redis://127.0.0.1:1',
  DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
  OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
  METRICS_PORT: '0',
};

const initialize = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'c', version: '1' } },
};

it('every two values of any two options meet in some combination', () => {
  const names = Object.keys(axes) as (keyof typeof axes)[];
  for (const [position, a] of names.entries()) {
    for (const b of names.slice(position + 1)) {
      for (const x of axes[a]) {
        for (const y of axes[b]) {
          expect(
            combinations.some((row) => row[a] === x && row[b] === y),
            `${a}=${x} ${b}=${y}`,
          ).toBe(true);
        }
      }
    }
  }
  expect(combinations.length).toBeLessThan(24);
});

describe.each(combinations.map((row) => [nameOf(row), row] as const))('combination %s', (_name, row) => {
  it('type-checks, starts, answers and stops', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mcp-combination-'));
    const built = row.kind === 'TypeScript' ? `built/${row.index}/src` : `${row.index}/src`;
    fs.cpSync(path.join(workshop, built), path.join(folder, 'src'), { recursive: true });
    fs.writeFileSync(path.join(folder, 'package.json'), manifest(row));
    fs.symlinkSync(path.join(repository, 'node_modules'), path.join(folder, 'node_modules'));
    const service = await run(folder, { env: settings }, 'src/http/main.js');
    expect((await fetch(`${service.url}/livez`)).status).toBe(200);
    const key: Record<string, string> = row.auth === 'api-key' ? { 'x-api-key': '0123456789abcdef' } : {};
    const first = await post(service, row.sessions === 'stateful' ? initialize : call('hello'), key);
    expect(first.status).toBe(row.auth === 'oauth' ? 401 : 200);
    const text = await first.text();
    if (row.auth !== 'oauth' && row.sessions === 'stateless') expect(text).toContain('hello');
    if (row.auth !== 'oauth' && row.sessions === 'stateful') {
      const session = { 'mcp-session-id': first.headers.get('mcp-session-id') ?? '' };
      expect(await (await post(service, call('hello'), { ...key, ...session })).text()).toContain('hello');
    }
    if (row.auth !== 'none') expect((await post(service, call('hello'))).status).toBe(401);
    service.child.kill('SIGTERM');
    expect(await service.exited()).toBe(0);
    expect(service.noise()).toEqual([]);
  });
});
