import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { readProject, readTemplate } from '../../src/disk.js';
import { generateService } from '../../src/generate/generate-service.js';
import type { Inspection, Options, Seam } from '../../src/model.js';
import { resolveOptions } from '../../src/options.js';
import type { Site } from '../../src/verify/site.js';

const SOURCE = fileURLToPath(new URL('../../fixtures/verify/notebook', import.meta.url));
const MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url));

const inspection: Inspection = {
  entry: { file: 'src/index.ts', output: 'dist/index.js', because: 'main' },
  candidates: [],
  moduleFormat: 'esm',
  language: 'ts',
  packageManager: 'npm',
  build: {
    kind: 'tsc',
    tool: 'tsc',
    runner: 'node',
    rootDir: 'src',
    outDir: 'dist',
    tsconfig: 'tsconfig.json',
    script: 'build',
    importExtension: '.js',
  },
  sdk: { line: 'v1', range: '^1.29.0', api: 'McpServer' },
  surface: [],
  state: [],
  env: [],
  sessionFeatures: [],
  processGlue: [],
  diagnostics: [],
};

const seam: Seam = {
  kind: 'server',
  module: 'src/create-server.ts',
  exportName: 'createServer',
  sdk: 'v1',
  sessions: 'stateful',
  because: 'notes must survive from one call to the next',
  reusable: false,
  sessionScope: 'src/http/session-scope.ts',
  variables: [],
};

/** A server that keeps nothing, and so needs no session. */
export const STATELESS = {
  seam: { sessions: 'stateless', because: 'it keeps nothing', reusable: true },
  sources: {
    'src/create-server.ts': `
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { z } from 'zod';
const inputSchema = { line: z.string() };
export function createServer(): McpServer {
  const server = new McpServer({ name: 'echo', version: '1.0.0' });
  server.registerTool('echo', { inputSchema, annotations: { readOnlyHint: true } }, async ({ line }) => ({
    content: [{ type: 'text', text: line }],
  }));
  server.registerTool('size', { inputSchema, annotations: { readOnlyHint: true } }, async ({ line }) => ({
    content: [{ type: 'text', text: String(line.length) }],
  }));
  return server;
}
`,
  },
} as const;

/** A project outside the repository: the notebook with the service generated around its factory. */
export function convertNotebook(given: {
  readonly options?: Partial<Options>;
  readonly seam?: Partial<Seam>;
  /** Sources to put in the place of the notebook's own. */
  readonly sources?: Readonly<Record<string, string>>;
}): { site: Site; build: () => void; remove: () => void } {
  const root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'notebook-')));
  fs.cpSync(SOURCE, root, { recursive: true });
  fs.symlinkSync(MODULES, path.join(root, 'node_modules'));
  const write = (file: string, text: string) => {
    fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    fs.writeFileSync(path.join(root, file), text);
  };
  const options = resolveOptions(given.options ?? {}, undefined, inspection);
  const chosen = { ...seam, ...given.seam };
  const service = generateService({
    project: readProject(root),
    inspection,
    options,
    seam: chosen,
    readTemplate,
  });
  for (const { path: file, text } of service.files) write(file, text);
  for (const [file, text] of Object.entries(given.sources ?? {})) write(file, text);
  const manifest = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
  write(
    'package.json',
    JSON.stringify({ ...manifest, scripts: { ...manifest.scripts, ...service.scripts } }, null, 2),
  );
  const base = Object.fromEntries(service.files.map(({ path: file, text }) => [file, text]));
  return {
    site: {
      project: readProject(root),
      options,
      inspection,
      manifest: { version: '0.1.0', options, seam: chosen, base },
      env: process.env,
    },
    // What the project's own build does, without its type check.
    build: () => {
      const entryPoints = [`${root}/src/**/*.ts`];
      buildSync({ entryPoints, outdir: `${root}/dist`, format: 'esm', target: 'node20' });
    },
    remove: () => fs.rmSync(root, { recursive: true, force: true }),
  };
}
