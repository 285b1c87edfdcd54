import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { ClientCapabilities } from '@modelcontextprotocol/sdk/types.js';
import { transform } from 'esbuild';
import { readTemplate } from '../../src/disk.js';
import { generateService } from '../../src/generate/generate-service.js';
import type { Inspection, Options, Project, Seam } from '../../src/model.js';

/** A generated service around a server that a test gives as source text, run as a process of its own. */
export interface Service {
  readonly url: string;
  readonly child: ChildProcess;
  /** The service's log lines so far. */
  log(): Record<string, unknown>[];
  /** What it wrote to stdout that is not JSON. */
  noise(): string[];
  stderr(): string;
  /** The code it ended with. */
  exited(): Promise<number | null>;
  stop(): Promise<void>;
}

export interface ServiceOptions {
  /** TypeScript of the module that exports `createServer` (or what the seam names). */
  readonly server: string;
  readonly seam?: Partial<Seam>;
  readonly options?: Partial<Options>;
  readonly env?: Record<string, string>;
  /** Do not wait until it listens. */
  readonly unready?: boolean;
  readonly nodeFlags?: readonly string[];
}

export const repository = path.resolve(import.meta.dirname, '../..');

export const defaultOptions: Options = {
  out: 'src/http',
  sessions: 'auto',
  state: 'isolate',
  share: [],
  isolation: 'auto',
  credentials: 'env',
  credentialHeader: [],
  args: [],
  auth: 'none',
  rateLimit: 'memory',
  database: 'none',
  secrets: 'env',
  cache: false,
  metrics: false,
  tracing: false,
  docker: false,
  compose: false,
  kubernetes: false,
  ci: 'none',
};

export const defaultSeam: Seam = {
  kind: 'server',
  module: 'src/create-server.ts',
  exportName: 'createServer',
  sdk: 'v1',
  sessions: 'stateless',
  because: 'nothing needs a session',
  reusable: false,
  variables: [],
};

const entry = { file: 'src/index.ts', output: 'dist/index.js', because: 'bin' };

export const inspection = (given: Partial<Inspection> = {}): Inspection => ({
  entry,
  candidates: [entry],
  moduleFormat: 'esm',
  language: 'ts',
  packageManager: 'npm',
  build: { kind: 'tsc', tool: 'tsc', runner: 'node', rootDir: 'src', outDir: 'dist', importExtension: '.js' },
  surface: [],
  state: [],
  env: [],
  sessionFeatures: [],
  processGlue: [],
  diagnostics: [],
  ...given,
});

export const projectOf = (files: Record<string, string>): Project => ({
  root: '/project',
  files: new Map(Object.entries(files)),
});

/** Generates, compiles and starts a service; it listens on a free port when this resolves. */
export async function startService(given: ServiceOptions): Promise<Service> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mcp-service-'));
  const manifest = '{ "name": "tested", "version": "4.5.6", "type": "module" }';
  const { files } = generateService({
    project: projectOf({ 'package.json': manifest, 'src/create-server.ts': given.server }),
    inspection: inspection(),
    options: { ...defaultOptions, ...given.options },
    seam: { ...defaultSeam, ...given.seam },
    readTemplate,
  });
  fs.symlinkSync(path.join(repository, 'node_modules'), path.join(folder, 'node_modules'));
  fs.writeFileSync(path.join(folder, 'package.json'), manifest);
  const sources = [...files, { path: 'src/create-server.ts', text: given.server }];
  for (const { path: name, text } of sources.filter((file) => file.path.endsWith('.ts'))) {
    const target = path.join(folder, name.replace(/^src/, 'dist').replace(/\.ts$/, '.js'));
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.writeFileSync(target, (await transform(text, { loader: 'ts', target: 'node20' })).code);
  }
  return run(folder, given);
}

/** Starts what stands in `folder`, which is removed when it has ended. */
export async function run(
  folder: string,
  given: Pick<ServiceOptions, 'env' | 'nodeFlags' | 'unready'>,
  main = 'dist/http/main.js',
): Promise<Service> {
  const child = spawn(process.execPath, [...(given.nodeFlags ?? []), main], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      NODE_ENV: 'production',
      PORT: '0',
      RATE_LIMIT_PER_MINUTE: '1000000',
      RATE_LIMIT_PER_HOUR: '1000000',
      ...given.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let errors = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const abandon = () => child.kill('SIGKILL');
  process.once('exit', abandon);
  const ended = new Promise<number | null>((resolve) => {
    // 'close' comes after the last line was read, 'exit' may come before.
    child.once('close', (code) => {
      process.off('exit', abandon);
      fs.rmSync(folder, { recursive: true, force: true });
      resolve(code);
    });
  });
  const lines = () =>
    out
      .slice(0, out.lastIndexOf('\n') + 1)
      .split('\n')
      .filter((line) => line !== '');
  const log = () =>
    lines()
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const address = () =>
    log()
      .map((line) => /served at (http:\S+)\/mcp/.exec(String(line.msg))?.[1])
      .find(Boolean);
  const service: Service = {
    get url() {
      return address() ?? '';
    },
    child,
    log,
    noise: () => lines().filter((line) => !line.startsWith('{')),
    stderr: () => errors,
    exited: () => ended,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await ended;
    },
  };
  if (given.unready) return service;
  await until(() => address() !== undefined || child.exitCode !== null, 40_000).catch(
    async (error: unknown) => {
      await service.stop();
      throw error;
    },
  );
  if (address() === undefined) throw new Error(`the service did not start: ${out}${errors}`);
  return service;
}

/** Waits until something holds, at most ten seconds. */
export async function until(holds: () => boolean | Promise<boolean>, milliseconds = 10_000): Promise<void> {
  const end = Date.now() + milliseconds;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`still not so after ${milliseconds} ms: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export interface Connected {
  readonly client: Client;
  readonly transport: StreamableHTTPClientTransport;
}

/** An official SDK client, connected. */
export async function connect(
  service: Service,
  capabilities: ClientCapabilities = {},
  prepare?: (client: Client) => void,
): Promise<Connected> {
  const client = new Client({ name: 'tester', version: '1.0.0' }, { capabilities });
  prepare?.(client);
  const transport = new StreamableHTTPClientTransport(new URL(`${service.url}/mcp`));
  await client.connect(transport);
  return { client, transport };
}

export const jsonHeaders = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
};

/** POSTs a body to `/mcp` as it is. */
export const post = (
  service: Service,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Response> =>
  fetch(`${service.url}/mcp`, {
    method: 'POST',
    headers: { ...jsonHeaders, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

export const call = (name: string, args: Record<string, unknown> = {}, id: string | number = 1) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: args },
});

/** The text of a tool's result. */
export const textOf = (result: unknown): string =>
  (result as { content: { text: string }[] }).content[0]?.text ?? '';
