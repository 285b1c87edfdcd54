import { execFileSync, execSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readTemplate } from '../../src/disk.js';
import { generateService } from '../../src/generate/generate-service.js';
import type { Inspection, Seam } from '../../src/model.js';
import {
  call,
  connect,
  defaultOptions,
  defaultSeam,
  inspection,
  post,
  projectOf,
  repository,
  run,
} from '../runtime/service.js';

/** A project of one kind: what is in it, how it is compiled, what is then run. */
interface Kind {
  readonly inspection: Partial<Inspection>;
  readonly manifest: object;
  readonly tsconfig?: object;
  /** Which of the supported compilers; the templates themselves are checked with all of them (`npm run types`). */
  readonly compiler?: 'typescript' | 'typescript6' | 'typescript7';
  readonly server: { readonly path: string; readonly text: string };
  readonly seam?: Partial<Seam>;
  readonly main: string;
}

const typescript = `
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
export function createServer(): McpServer {
  const server = new McpServer({ name: 'kind', version: '1.0.0' });
  server.registerTool('hello', {}, () => ({ content: [{ type: 'text', text: 'hello' }] }));
  return server;
}
`;
const commonJs = `
const { McpServer } = require('@modelcontextprotocol/sdk/server/mcp.js');
exports.createServer = () => {
  const server = new McpServer({ name: 'kind', version: '1.0.0' });
  server.registerTool('hello', {}, () => ({ content: [{ type: 'text', text: 'hello' }] }));
  return server;
};
`;

const secondSdk = typescript.replace(
  '@modelcontextprotocol/sdk/server/mcp.js',
  '@modelcontextprotocol/server',
);

const inWorkers = { workers: true, sessions: 'stateful', modernEra: false } as const;

const strict = {
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  noPropertyAccessFromIndexSignature: true,
  noImplicitOverride: true,
  isolatedModules: true,
  skipLibCheck: true,
  target: 'ES2022',
  types: ['node'],
  rootDir: 'src',
  outDir: 'dist',
};
const strictest = { ...strict, verbatimModuleSyntax: true, erasableSyntaxOnly: true };
const tsc = (importExtension: Inspection['build']['importExtension']) =>
  ({ kind: 'tsc', tool: 'tsc', runner: 'node', rootDir: 'src', outDir: 'dist', importExtension }) as const;
const source = { path: 'src/create-server.ts', text: typescript };

const kinds: Record<string, Kind> = {
  'TypeScript, ES modules, nodenext': {
    inspection: { build: tsc('.js') },
    manifest: { type: 'module' },
    compiler: 'typescript7',
    tsconfig: { compilerOptions: { ...strictest, module: 'nodenext' }, include: ['src'] },
    server: source,
    main: 'dist/http/main.js',
  },
  'TypeScript, ES modules, node16, declarations': {
    inspection: { build: tsc('.js') },
    manifest: { type: 'module' },
    compiler: 'typescript6',
    tsconfig: { compilerOptions: { ...strictest, module: 'node16', declaration: true }, include: ['src'] },
    server: source,
    main: 'dist/http/main.js',
  },
  'TypeScript, CommonJS by node16, imports without extensions': {
    inspection: { build: tsc(''), moduleFormat: 'cjs' },
    manifest: {},
    compiler: 'typescript',
    tsconfig: { compilerOptions: { ...strict, module: 'node16' }, include: ['src'] },
    server: source,
    main: 'dist/http/main.js',
  },
  'TypeScript, CommonJS without interoperability, not strict, an old library': {
    inspection: { build: tsc(''), moduleFormat: 'cjs' },
    manifest: {},
    compiler: 'typescript',
    tsconfig: {
      compilerOptions: {
        target: 'ES2020',
        module: 'commonjs',
        moduleResolution: 'node',
        skipLibCheck: true,
        rootDir: 'src',
        outDir: 'dist',
      },
      include: ['src'],
    },
    server: source,
    main: 'dist/http/main.js',
  },
  'TypeScript, bundler resolution without extensions': {
    inspection: { build: tsc('') },
    manifest: { type: 'module' },
    compiler: 'typescript7',
    tsconfig: {
      compilerOptions: { ...strictest, module: 'esnext', moduleResolution: 'bundler' },
      include: ['src'],
    },
    server: source,
    main: '',
  },
  'JavaScript, ES modules': {
    inspection: {
      language: 'js',
      build: { kind: 'none', tool: 'none', runner: 'node', importExtension: '.js' },
      entry: { file: 'src/index.js', output: 'src/index.js', because: 'bin' },
    },
    manifest: { type: 'module' },
    server: { path: 'src/create-server.js', text: typescript.replace(': McpServer', '') },
    seam: { module: 'src/create-server.js' },
    main: 'src/http/main.js',
  },
  'JavaScript, CommonJS': {
    inspection: {
      language: 'js',
      moduleFormat: 'cjs',
      build: { kind: 'none', tool: 'none', runner: 'node', importExtension: '.js' },
      entry: { file: 'src/index.js', output: 'src/index.js', because: 'bin' },
    },
    manifest: {},
    server: { path: 'src/create-server.js', text: commonJs },
    seam: { module: 'src/create-server.js' },
    main: 'src/http/main.js',
  },
  'JavaScript, .mjs files': {
    inspection: {
      language: 'js',
      build: { kind: 'none', tool: 'none', runner: 'node', importExtension: '.mjs' },
      entry: { file: 'server.mjs', output: 'server.mjs', because: 'bin' },
    },
    manifest: {},
    server: { path: 'create-server.mjs', text: typescript.replace(': McpServer', '') },
    seam: { module: 'create-server.mjs', kind: 'server-factory', exportName: 'createServerFactory' },
    main: 'src/http/main.mjs',
  },
  'TypeScript, SDK v2': {
    inspection: { build: tsc('.js') },
    manifest: { type: 'module' },
    compiler: 'typescript6',
    tsconfig: { compilerOptions: { ...strictest, module: 'nodenext' }, include: ['src'] },
    server: { path: 'src/create-server.ts', text: secondSdk },
    seam: { sdk: 'v2' },
    main: 'dist/http/main.js',
  },
  'a bundler': {
    inspection: {
      build: { kind: 'bundler', tool: 'tsup', runner: 'node', script: 'build', importExtension: '' },
    },
    manifest: { type: 'module', scripts: { build: 'true' } },
    server: source,
    main: 'dist/http.js',
  },
  'a bundler, with a worker for each session': {
    inspection: {
      build: { kind: 'bundler', tool: 'tsup', runner: 'node', script: 'build', importExtension: '' },
    },
    manifest: { type: 'module', scripts: { build: 'true' } },
    server: source,
    seam: inWorkers,
    main: 'dist/http.js',
  },
  'TypeScript, SDK v2, with a worker for each session': {
    inspection: { build: tsc('.js') },
    manifest: { type: 'module' },
    compiler: 'typescript6',
    tsconfig: { compilerOptions: { ...strictest, module: 'nodenext' }, include: ['src'] },
    server: { path: 'src/create-server.ts', text: secondSdk },
    seam: { sdk: 'v2', ...inWorkers },
    main: 'dist/http/main.js',
  },
  'TypeScript to CommonJS, with a worker for each session': {
    inspection: { build: tsc('.js'), moduleFormat: 'cjs' },
    manifest: {},
    compiler: 'typescript',
    tsconfig: { compilerOptions: { ...strict, module: 'node16' }, include: ['src'] },
    server: source,
    seam: inWorkers,
    main: 'dist/http/main.js',
  },
  'CommonJS JavaScript, with a worker for each session': {
    inspection: {
      language: 'js',
      moduleFormat: 'cjs',
      build: { kind: 'none', tool: 'none', runner: 'node', importExtension: '.js' },
      entry: { file: 'server.js', output: 'server.js', because: 'bin' },
    },
    manifest: {},
    server: { path: 'create-server.js', text: commonJs },
    seam: { module: 'create-server.js', ...inWorkers },
    main: 'src/http/main.js',
  },
};

function write(kind: Kind): { folder: string; scripts: Readonly<Record<string, string>> } {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mcp-kind-'));
  const manifest = JSON.stringify({ name: 'kind', version: '1.0.0', ...kind.manifest });
  const service = generateService({
    project: projectOf({
      'package.json': manifest,
      ...(kind.tsconfig && { 'tsconfig.json': JSON.stringify(kind.tsconfig) }),
    }),
    inspection: inspection(kind.inspection),
    options: { ...defaultOptions, isolation: kind.seam?.workers ? 'worker' : 'auto' },
    seam: { ...defaultSeam, ...kind.seam },
    readTemplate,
  });
  const text =
    kind.seam?.kind === 'server-factory'
      ? `${kind.server.text}export const createServerFactory = async () => createServer;`
      : kind.server.text;
  const files = [
    ...service.files,
    { path: kind.server.path, text },
    { path: 'package.json', text: manifest },
  ];
  if (kind.tsconfig) files.push({ path: 'tsconfig.json', text: JSON.stringify(kind.tsconfig) });
  for (const file of files) {
    fs.mkdirSync(path.dirname(path.join(folder, file.path)), { recursive: true });
    fs.writeFileSync(path.join(folder, file.path), file.text);
  }
  fs.symlinkSync(path.join(repository, 'node_modules'), path.join(folder, 'node_modules'));
  return { folder, scripts: service.scripts };
}

function compile(folder: string, compiler: string): void {
  const bin = path.join(repository, 'node_modules', compiler, 'bin/tsc');
  try {
    execFileSync(process.execPath, [bin, '-p', folder], { encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    throw new Error(`${compiler}: ${(error as { stdout: string }).stdout}`);
  }
}

describe.each(Object.entries(kinds))('%s', (_name, kind) => {
  it('compiles and answers', { timeout: 300_000 }, async () => {
    const { folder, scripts } = write(kind);
    if (kind.compiler) compile(folder, kind.compiler);
    if (scripts['build:http']) {
      expect(scripts.build).toBe('true && npm run build:http');
      const PATH = `${path.join(folder, 'node_modules/.bin')}${path.delimiter}${process.env.PATH}`;
      execSync(scripts['build:http'], { cwd: folder, stdio: 'pipe', env: { ...process.env, PATH } });
    }
    if (kind.main === '') {
      fs.rmSync(folder, { recursive: true });
      return;
    }
    expect(scripts['start:http']).toBe(`node ${kind.main}`);
    const service = await run(folder, {}, kind.main);
    const answer = kind.seam?.workers
      ? await (await connect(service)).client.callTool({ name: 'hello' })
      : await (await post(service, call('hello'))).json();
    expect(JSON.stringify(answer)).toContain('hello');
    expect(await (await fetch(`${service.url}/health`)).json()).toMatchObject({ version: '1.0.0' });
    await service.stop();
  });
});
