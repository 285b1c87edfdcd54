import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Options, Seam } from '../../src/model.js';
import { call, jsonHeaders, type Service, startService, until } from '../runtime/service.js';
import { generate, textOf } from './generated.js';
import { freePort, haproxyServer, nginxServer, type Program, redisServer } from './programs.js';

let redis: Program;
beforeAll(async () => {
  redis = await redisServer();
  await redis.start();
});
afterAll(() => redis.stop('SIGKILL'));

const server = `
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
export function createServer() {
  let calls = 0;
  const server = new McpServer({ name: 'work', version: '1.0.0' });
  server.registerTool('work', {}, async () => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    return { content: [{ type: 'text', text: JSON.stringify({ pid: process.pid, calls: ++calls }) }] };
  });
  return server;
}
`;

interface Fleet {
  readonly url: string;
  readonly replicas: readonly Service[];
}

const deployed = { compose: true, docker: true } as const;

/** Three replicas behind the generated configuration, which differs only in the addresses it names. */
async function fleet(
  balancer: 'nginx' | 'haproxy',
  options: Partial<Options>,
  seam: Partial<Seam>,
): Promise<Fleet> {
  const names = [1, 2, 3].map((index) => `weather-server-${index}`);
  const env = (name: string) => ({
    INSTANCE_ID: name,
    REDIS_URL: `redis://127.0.0.1:${redis.port}`,
    ALLOWED_HOSTS: '127.0.0.1',
    TRUST_PROXY: '1',
    SHUTDOWN_DELAY_MS: '3000',
  });
  const replicas: Service[] = [];
  for (const name of names) replicas.push(await startService({ server, options, seam, env: env(name) }));
  const file = balancer === 'nginx' ? 'deploy/nginx/nginx.conf' : 'deploy/haproxy/haproxy.cfg';
  const port = await freePort();
  const folder = fs.mkdtempSync(path.join(fs.realpathSync('/tmp'), 'mcp-fleet-'));
  let text = textOf(generate({ options: { ...options, ...deployed }, seam }), file)
    .replace('listen 8080', `listen 127.0.0.1:${port}`)
    .replace('bind :8080', `bind 127.0.0.1:${port}`)
    .replace('pid /tmp/nginx.pid', `pid ${folder}/nginx.pid`)
    .replace('error_log stderr', `error_log ${folder}/error.log`)
    .replace('/dev/stdout', `${folder}/access.log`);
  names.forEach((name, index) => {
    text = text.replaceAll(`${name}:3000`, new URL(replicas[index]?.url ?? '').host);
  });
  fs.writeFileSync(path.join(folder, 'balancer.conf'), text);
  const run = balancer === 'nginx' ? nginxServer : haproxyServer;
  const program = run(port, path.join(folder, 'balancer.conf'));
  onTestFinished(async () => {
    await program.stop('SIGKILL');
    await Promise.all(replicas.map((replica) => replica.stop()));
    fs.rmSync(folder, { recursive: true, force: true });
  });
  await program.start();
  const url = `http://127.0.0.1:${port}`;
  await until(async () => (await fetch(`${url}/readyz`)).status === 200);
  return { url, replicas };
}

/** One answer of `work`, or why there was none. */
interface Outcome {
  readonly at: number;
  readonly pid?: number;
  readonly calls?: number;
  readonly failure?: string;
}

async function work(url: string, headers: Record<string, string> = {}): Promise<Outcome> {
  const at = performance.now();
  try {
    const body = JSON.stringify(call('work'));
    const answer = await fetch(`${url}/mcp`, {
      method: 'POST',
      headers: { ...jsonHeaders, ...headers },
      body,
    });
    const text = await answer.text();
    if (answer.status !== 200) return { at, failure: `${answer.status} ${text}` };
    const inner = /\{\\"pid\\":(\d+),\\"calls\\":(\d+)\}/.exec(text);
    return inner ? { at, pid: Number(inner[1]), calls: Number(inner[2]) } : { at, failure: text };
  } catch (error) {
    return { at, failure: String((error as Error).cause ?? error) };
  }
}

/** Keeps `workers` clients busy until `over`, each with its own headers; all outcomes. */
async function load(
  url: string,
  clients: readonly Record<string, string>[],
  over: Promise<unknown>,
): Promise<Outcome[]> {
  let busy = true;
  void over.then(() => {
    busy = false;
  });
  const outcomes: Outcome[] = [];
  await Promise.all(
    clients.map(async (headers) => {
      while (busy) outcomes.push(await work(url, headers));
    }),
  );
  return outcomes;
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function openSession(url: string): Promise<Record<string, string>> {
  const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'l', version: '1' } };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
  const answer = await fetch(`${url}/mcp`, { method: 'POST', headers: jsonHeaders, body });
  await answer.text();
  const id = answer.headers.get('mcp-session-id');
  if (!id) throw new Error(`no session: ${answer.status}`);
  return { 'mcp-session-id': id };
}

/** A request has one id, the caller's or the balancer's, in everybody's log. */
async function expectRequestIds(url: string, replicas: readonly Service[]): Promise<void> {
  const logged = () => replicas.flatMap((replica) => replica.log()).map(({ request_id }) => request_id);
  expect((await work(url, { 'x-request-id': 'of-the-caller' })).failure).toBeUndefined();
  await until(() => logged().includes('of-the-caller'));
}

const WORKERS = 12;
const failures = (outcomes: readonly Outcome[]) => outcomes.flatMap(({ failure }) => failure ?? []);

describe.each(['haproxy', 'nginx'] as const)('three replicas behind %s', (balancer) => {
  it('lose nothing when one is told to stop, and only what was in flight when one is killed', async () => {
    const { url, replicas } = await fleet(balancer, {}, {});
    const anonymous = Array.from({ length: WORKERS }, () => ({}));
    const [first, second] = replicas;
    const drained = await load(
      url,
      anonymous,
      (async () => {
        await pause(500);
        first?.child.kill('SIGTERM');
        expect(await first?.exited()).toBe(0);
        await pause(500);
      })(),
    );
    expect(failures(drained)).toEqual([]);
    expect(new Set(drained.map(({ pid }) => pid)).size).toBe(3);
    await expectRequestIds(url, replicas);
    let killed = 0;
    const crashed = await load(
      url,
      anonymous,
      (async () => {
        await pause(500);
        second?.child.kill('SIGKILL');
        await second?.exited();
        killed = performance.now();
        await pause(2500);
      })(),
    );
    const lost = crashed.filter(({ failure }) => failure);
    // In flight were at most all workers' calls, begun before the process was gone.
    expect(lost.length).toBeLessThanOrEqual(WORKERS);
    for (const { at, failure } of lost) expect(at, failure).toBeLessThan(killed + 100);
    console.log(
      `${balancer}, stateless: SIGTERM ${drained.length} calls, 0 lost; SIGKILL ${crashed.length}, ${lost.length} lost`,
    );
  });

  it('keep a session with its owner, and hand it off when the owner ends', async () => {
    const { url, replicas } = await fleet(balancer, { rateLimit: 'redis' }, { sessions: 'stateful' });
    const clients = await Promise.all(Array.from({ length: WORKERS }, () => openSession(url)));
    const owners = new Map<string, Set<number | undefined>>();
    for (let round = 0; round < 4; round++) {
      for (const client of clients) {
        const { pid, calls, failure } = await work(url, client);
        expect(failure).toBeUndefined();
        expect(calls).toBe(round + 1);
        const id = client['mcp-session-id'] ?? '';
        owners.set(id, (owners.get(id) ?? new Set()).add(pid));
      }
    }
    for (const seen of owners.values()) expect(seen.size).toBe(1);
    expect(new Set([...owners.values()].flatMap((seen) => [...seen])).size).toBeGreaterThan(1);
    const [first, second] = replicas;
    const drained = await load(
      url,
      clients,
      (async () => {
        await pause(300);
        first?.child.kill('SIGTERM');
        await first?.exited();
        await pause(500);
      })(),
    );
    expect(failures(drained)).toEqual([]);
    let killed = 0;
    const crashed = await load(
      url,
      clients,
      (async () => {
        await pause(300);
        second?.child.kill('SIGKILL');
        await second?.exited();
        killed = performance.now();
        await pause(2500);
      })(),
    );
    const lost = crashed.filter(({ failure }) => failure);
    expect(lost.length).toBeLessThanOrEqual(WORKERS);
    for (const { at, failure } of lost) expect(at, failure).toBeLessThan(killed + 100);
    for (const client of clients) expect((await work(url, client)).failure).toBeUndefined();
    console.log(
      `${balancer}, sessions: SIGTERM ${drained.length} calls, 0 lost; SIGKILL ${crashed.length}, ${lost.length} lost`,
    );
  });
});
