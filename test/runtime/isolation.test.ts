import { afterAll, beforeAll, expect, it } from 'vitest';
import { call, post, type Service, startService, textOf, until } from './service.js';

/** Keeps a history the way a stdio server does, in a module-level variable, session-scoped by the conversion. */
const server = `
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { z } from 'zod';
import { sessionScoped } from './http/session-scope.js';
let made = 0, collected = 0, disposed = 0;
const registry = new FinalizationRegistry(() => { collected++; });
const history = sessionScoped(() => {
  const state = { said: [], ballast: Buffer.alloc(1024).toString('hex').split('') };
  made++;
  registry.register(state);
  return state;
}, () => { disposed++; });
const text = (value) => ({ content: [{ type: 'text', text: JSON.stringify(value) }] });
export function createServer() {
  const server = new McpServer({ name: 'history', version: '1.0.0' });
  server.registerTool('say', { inputSchema: { word: z.string() } }, async ({ word }) => {
    const state = history.value;
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
    history.value.said.push(word);
    await Promise.resolve();
    return text(history.value === state ? state.said : 'another state');
  });
  server.registerTool('memory', {}, async () => {
    for (let n = 0; n < 5; n++) { globalThis.gc(); await new Promise((resolve) => setTimeout(resolve, 20)); }
    return text({ heap: process.memoryUsage().heapUsed, made, collected, disposed });
  });
  return server;
}
`;

interface Memory {
  readonly heap: number;
  readonly made: number;
  readonly collected: number;
  readonly disposed: number;
}

let service: Service;
beforeAll(async () => {
  service = await startService({
    server,
    seam: { sessions: 'stateful' },
    nodeFlags: ['--expose-gc'],
    env: { MAX_SESSIONS: '2000' },
  });
});
afterAll(() => service.stop());

const initialize = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'many', version: '1' } },
};

async function open(): Promise<string> {
  const response = await post(service, initialize);
  await response.text();
  return response.headers.get('mcp-session-id') ?? '';
}

async function ask<T>(session: string, name: string, args = {}): Promise<T> {
  const response = await post(service, call(name, args), { 'mcp-session-id': session });
  return JSON.parse(textOf(((await response.json()) as { result: unknown }).result)) as T;
}

async function close(session: string): Promise<void> {
  await fetch(`${service.url}/mcp`, { method: 'DELETE', headers: { 'mcp-session-id': session } });
}

/** Runs work for all of `items`, at most 50 at a time. */
async function each<T>(items: readonly T[], work: (item: T, index: number) => Promise<void>): Promise<void> {
  const queue = items.entries();
  await Promise.all(
    Array.from({ length: 50 }, async () => {
      for (const [index, item] of queue) await work(item, index);
    }),
  );
}

it('keeps 500 interleaving sessions apart, and nothing of them after they end', {
  timeout: 120_000,
}, async () => {
  const observer = await open();
  const round = async (count: number): Promise<void> => {
    const sessions: string[] = [];
    await each(Array.from({ length: count }), async () => void sessions.push(await open()));
    const expected = new Map(sessions.map((session) => [session, [] as string[]]));
    for (let turn = 0; turn < 2; turn++) {
      await each(sessions, async (session, index) => {
        const mine = expected.get(session) ?? [];
        mine.push(`${index}-${turn}`);
        expect(await ask(session, 'say', { word: `${index}-${turn}` })).toEqual(mine);
      });
    }
    await each(sessions, close);
  };
  await round(50);
  const before = await ask<Memory>(observer, 'memory');
  await round(500);
  let after = await ask<Memory>(observer, 'memory');
  expect(after.made).toBe(550);
  expect(after.disposed).toBe(550);
  await until(async () => {
    after = await ask<Memory>(observer, 'memory');
    return after.collected === after.made;
  });
  // 500 states hold 16 MB; what is left is what the runtime itself has learned.
  expect(after.heap - before.heap).toBeLessThan(4_000_000);
});

it('drops the state of a session whose client just went away', { timeout: 60_000 }, async () => {
  const short = await startService({
    server,
    seam: { sessions: 'stateful' },
    nodeFlags: ['--expose-gc'],
    env: { SESSION_TTL_MS: '1000' },
  });
  const first = service;
  service = short;
  const gone = await open();
  await ask(gone, 'say', { word: 'hello' });
  await new Promise((resolve) => setTimeout(resolve, 2200));
  const observer = await open();
  expect(await ask<Memory>(observer, 'memory')).toMatchObject({ made: 1, collected: 1, disposed: 1 });
  await short.stop();
  service = first;
});
