import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { Inspection, Seam } from '../../src/model.js';
import { call, post, repository, run } from '../runtime/service.js';
import { generate, typescriptBuild, writeFiles } from './generated.js';
import { pairwise, type Row } from './pairs.js';

const axes = {
  kind: ['TypeScript, ES modules', 'TypeScript, CommonJS', 'JavaScript, ES modules', 'JavaScript, CommonJS'],
  sdk: ['v1', 'v2'],
  seam: ['server', 'server-factory', 'connect'],
  sessions: ['stateless', 'stateful'],
  workers: [false, true],
  auth: ['none', 'api-key', 'oauth'],
  rateLimit: ['memory', 'redis', 'none'],
  database: ['none', 'postgres'],
  ownPool: [false, true],
  secrets: ['env', 'file', 'aws', 'vault'],
  credentials: ['env', 'header'],
  cache: [false, true],
  metrics: [false, true],
  tracing: [false, true],
  reusable: [false, true],
  docker: [false, true],
  compose: [false, true],
  kubernetes: [false, true],
  ci: ['none', 'github'],
} as const;

type Combination = ReturnType<typeof pairwise<typeof axes>>[number] & { readonly index: number };

/** A worker belongs to a session. SDK v2 has no function that connects a server: its projects are converted to factories. */
const isOffered = (row: Partial<Row<typeof axes>>): boolean =>
  !(row.workers && row.sessions === 'stateless') && !(row.sdk === 'v2' && row.seam === 'connect');

const combinations = pairwise(axes, isOffered).map((row, index) => ({ ...row, index }));

const nameOf = ({ index, ...row }: Combination): string => `${index}: ${Object.values(row).join(' · ')}`;

const isTypeScript = ({ kind }: Combination): boolean => kind.startsWith('TypeScript');
const isCommonJs = ({ kind }: Combination): boolean => kind.endsWith('CommonJS');

/** The project's own module: what the seam names, and what it is made from. */
function serverOf(row: Combination): string {
  const types = isTypeScript(row);
  const typed = (type: string) => (types ? `: ${type}` : '');
  const sdk = { v1: '@modelcontextprotocol/sdk/server/mcp.js', v2: '@modelcontextprotocol/server' }[row.sdk];
  const { exportName, text } = exportsOf(typed)[row.seam];
  const esm = `
import { McpServer } from '${sdk}';
${row.seam === 'connect' && types ? "import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';" : ''}
${row.ownPool ? "import pg from 'pg';\nexport const pool = new pg.Pool();" : ''}
function createServer()${typed('McpServer')} {
  const server = new McpServer({ name: 'combination', version: '1.0.0' });
  server.registerTool('hello', {}, () => ({ content: [{ type: 'text', text: 'hello' }] }));
  return server;
}
${text}
export { ${exportName} };
`;
  if (types || !isCommonJs(row)) return esm;
  return esm
    .replace(/^import (.*) from (.*);/gm, 'const $1 = require($2);')
    .replace(/^export const pool/m, 'exports.pool')
    .replace(/^export (\{.*\});/m, 'Object.assign(exports, $1);');
}

/** What a project exports for each kind of seam. */
const exportsOf = (typed: (type: string) => string) => ({
  server: { exportName: 'createServer', text: '' },
  'server-factory': {
    exportName: 'makeFactory',
    text: `async function makeFactory()${typed('Promise<() => McpServer>')} { return createServer; }`,
  },
  connect: {
    exportName: 'connect',
    text: `async function connect(transport${typed('Transport')}) { await createServer().connect(transport); }`,
  },
});

const plain: Inspection['build'] = { kind: 'none', tool: 'none', runner: 'node', importExtension: '.js' };

/** The files of one combination, by path, with the project's own. */
function filesOf(row: Combination): Map<string, string> {
  const module = isTypeScript(row) ? 'src/create-server.ts' : 'src/create-server.js';
  const { index: _index, kind: _kind, ownPool: _own, ...chosen } = row;
  const { sdk, seam: kind, sessions, workers, reusable, ...options } = chosen;
  const { exportName } = exportsOf(() => '')[kind];
  const seam: Partial<Seam> = {
    ...{ kind, sdk, sessions, module, exportName },
    // As a conversion has it: the revision without sessions has nobody to give a worker to.
    ...(workers ? { workers, modernEra: false } : {}),
    reusable: reusable && sessions === 'stateless' && row.credentials === 'env',
    ...(row.credentials === 'header' ? { credentials: [{ variable: 'HELLO_KEY', header: 'x-hello' }] } : {}),
  };
  const own = serverOf(row);
  const entry = { file: 'src/index.js', output: 'src/index.js', because: 'bin' };
  const moduleFormat = isCommonJs(row) ? 'cjs' : 'esm';
  const files = generate({
    manifest: { type: isCommonJs(row) ? 'commonjs' : 'module' },
    files: { [module]: own, 'tsconfig.json': JSON.stringify({ compilerOptions: strictest }) },
    inspection: isTypeScript(row)
      ? { moduleFormat, build: typescriptBuild }
      : { language: 'js', moduleFormat, build: plain, entry },
    options,
    seam,
  });
  return new Map([...files, [module, own]]);
}

const manifest = (row: Combination) =>
  JSON.stringify({
    name: 'combination',
    version: '1.0.0',
    type: isCommonJs(row) ? 'commonjs' : 'module',
  });

const strictest = {
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  noPropertyAccessFromIndexSignature: true,
  noImplicitOverride: true,
  isolatedModules: true,
  erasableSyntaxOnly: true,
  skipLibCheck: true,
  module: 'nodenext',
  target: 'ES2022',
  types: ['node'],
};

let workshop: string;
beforeAll(async () => {
  workshop = fs.mkdtempSync(path.join(os.tmpdir(), 'mcp-combinations-'));
  fs.symlinkSync(path.join(repository, 'node_modules'), path.join(workshop, 'node_modules'));
  for (const row of combinations) {
    writeFiles(path.join(workshop, String(row.index)), [...filesOf(row), ['package.json', manifest(row)]]);
  }
  const rows = combinations.filter(isTypeScript);
  await Promise.all([
    // Only what is written as ES modules stays as it is written.
    compile(
      'esm',
      { ...strictest, verbatimModuleSyntax: true },
      rows.filter((row) => !isCommonJs(row)),
    ),
    compile('cjs', strictest, rows.filter(isCommonJs)),
  ]);
});

/** Compiles them all at once: most of a compiler's time goes into the declarations that they have in common. */
async function compile(name: string, options: object, rows: readonly Combination[]): Promise<void> {
  const include = rows.map(({ index }) => `${index}/src`);
  const compilerOptions = { ...options, rootDir: '.', outDir: 'built' };
  writeFiles(workshop, [[`tsconfig.${name}.json`, JSON.stringify({ compilerOptions, include })]]);
  const tsc = path.join(repository, 'node_modules/typescript/bin/tsc');
  await promisify(execFile)(process.execPath, [tsc, '-p', `tsconfig.${name}.json`], { cwd: workshop }).catch(
    ({ stdout }: { stdout: string }) => {
      throw new Error(stdout);
    },
  );
}

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
          ).toBe(isOffered({ [a]: x, [b]: y }));
        }
      }
    }
  }
  expect(combinations.length).toBeLessThan(24);
});

it('every file for operators is whole, whatever else was chosen', () => {
  const chosen: Record<string, (row: Combination) => boolean> = {
    // Both of the others run the image.
    Dockerfile: ({ docker, compose, kubernetes }) => docker || compose || kubernetes,
    'compose.yaml': ({ compose }) => compose,
    'deploy/kubernetes/deployment.yaml': ({ kubernetes }) => kubernetes,
    'deploy/prometheus/alerts.yaml': ({ metrics }) => metrics,
    '.github/workflows/mcp-service.yml': ({ ci }) => ci === 'github',
  };
  for (const row of combinations) {
    const files = filesOf(row);
    for (const [name, isChosen] of Object.entries(chosen)) expect(files.has(name), name).toBe(isChosen(row));
    for (const [name, text] of files) {
      if (/\.[jt]s$/.test(name)) continue;
      expect(text, `${row.index}/${name}`).not.toMatch(/\bundefined\b|\[object|\{\{[#/]/);
      if (/\.ya?ml$/.test(name)) {
        expect(
          parseAllDocuments(text).flatMap(({ errors }) => errors),
          name,
        ).toEqual([]);
      }
    }
  }
});

describe.each(combinations.map((row) => [nameOf(row), row] as const))('combination %s', (_name, row) => {
  it('type-checks, starts, answers and stops', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mcp-combination-'));
    const built = isTypeScript(row) ? `built/${row.index}/src` : `${row.index}/src`;
    fs.cpSync(path.join(workshop, built), path.join(folder, 'src'), { recursive: true });
    fs.writeFileSync(path.join(folder, 'package.json'), manifest(row));
    fs.symlinkSync(path.join(repository, 'node_modules'), path.join(folder, 'node_modules'));
    const service = await run(folder, { env: settings }, 'src/http/main.js');
    expect((await fetch(`${service.url}/livez`)).status).toBe(200);
    const key: Record<string, string> = {
      ...(row.auth === 'api-key' ? { 'x-api-key': '0123456789abcdef' } : {}),
      ...(row.credentials === 'header' ? { 'x-hello': 'of-this-caller' } : {}),
    };
    const first = await post(service, row.sessions === 'stateful' ? initialize : call('hello'), key);
    expect(first.status).toBe(row.auth === 'oauth' ? 401 : 200);
    const text = await first.text();
    if (row.auth !== 'oauth' && row.sessions === 'stateless') expect(text).toContain('hello');
    if (row.auth !== 'oauth' && row.sessions === 'stateful') {
      const session = { 'mcp-session-id': first.headers.get('mcp-session-id') ?? '' };
      expect(await (await post(service, call('hello'), { ...key, ...session })).text()).toContain('hello');
    }
    if (row.auth !== 'none' || row.credentials === 'header')
      expect((await post(service, call('hello'))).status).toBe(401);
    service.child.kill('SIGTERM');
    expect(await service.exited()).toBe(0);
    expect(service.noise()).toEqual([]);
  });
});
