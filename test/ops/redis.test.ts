import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import {
  call,
  connect,
  post,
  type Service,
  type ServiceOptions,
  startService,
  textOf,
  until,
} from '../runtime/service.js';
import { type Program, redisServer } from './programs.js';

let redis: Program;
beforeAll(async () => {
  redis = await redisServer();
});
// Each test begins with a Redis that is there and empty.
beforeEach(async () => {
  await redis.stop('SIGKILL');
  await redis.start();
});
afterAll(async () => {
  await redis.stop('SIGKILL');
});

/** A service that ends with its test. */
async function service(given: ServiceOptions): Promise<Service> {
  const started = await startService(given);
  onTestFinished(() => started.stop());
  return started;
}

const echo = `
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { z } from 'zod';
let calls = 0;
export function createServer() {
  const server = new McpServer({ name: 'echo', version: '1.0.0' }, { capabilities: { logging: {} } });
  server.registerTool('echo', { inputSchema: { text: z.string() } }, ({ text }) => ({ content: [{ type: 'text', text }] }));
  server.registerTool('count', { inputSchema: { of: z.any(), by: z.any() } }, () => ({ content: [{ type: 'text', text: String(++calls) }] }));
  server.registerTool('fail', {}, () => ({ isError: true, content: [{ type: 'text', text: String(++calls) }] }));
  server.registerTool('who', {}, () => ({ content: [{ type: 'text', text: server.server.getClientVersion()?.name ?? '?' }] }));
  server.registerTool('slow', {}, async (extra) => {
    await extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data: 'begun' } });
    await new Promise((resolve) => setTimeout(resolve, 1500));
    return { content: [{ type: 'text', text: 'done' }] };
  });
  return server;
}
`;
const options = { rateLimit: 'redis' } as const;
const env = (more: Record<string, string> = {}) => ({
  REDIS_URL: `redis://127.0.0.1:${redis.port}`,
  ...more,
});

const statuses = async (at: Service, times: number): Promise<number[]> => {
  const answers: number[] = [];
  for (let index = 0; index < times; index++)
    answers.push((await post(at, call('echo', { text: 'x' }))).status);
  return answers;
};

describe('rate limits over Redis', () => {
  it('are shared by two processes', async () => {
    const limited = env({ RATE_LIMIT_PER_MINUTE: '10' });
    const first = await service({ server: echo, options, env: limited });
    const second = await service({ server: echo, options, env: limited });
    expect(await statuses(first, 6)).toEqual(Array(6).fill(200));
    expect(await statuses(second, 6)).toEqual([...Array(4).fill(200), 429, 429]);
    const refused = await post(first, call('echo', { text: 'x' }));
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(50);
    expect(refused.headers.get('ratelimit')).toMatch(/^"minute";r=0;t=\d+$/);
    expect(await refused.json()).toMatchObject({ jsonrpc: '2.0', error: { code: -32000 } });
  });

  it('go on in memory while Redis is away, and over Redis when it is back', async () => {
    const at = await service({ server: echo, options, env: env({ RATE_LIMIT_PER_MINUTE: '5' }) });
    expect(await statuses(at, 3)).toEqual([200, 200, 200]);
    await redis.stop('SIGKILL');
    // In memory the count begins anew, but it is a count: never open.
    expect(await statuses(at, 7)).toEqual([...Array(5).fill(200), 429, 429]);
    expect(at.log().filter(({ event }) => event === 'redis_away')).toHaveLength(1);
    await redis.start();
    await until(() => at.log().some(({ event }) => event === 'redis_back'));
    expect(await statuses(at, 6)).toEqual([...Array(5).fill(200), 429]);
  });

  it('work from the start without Redis, over Redis once it is there, and the service stops cleanly', async () => {
    await redis.stop('SIGKILL');
    const at = await service({ server: echo, options, env: env({ RATE_LIMIT_PER_MINUTE: '2' }) });
    expect(await statuses(at, 3)).toEqual([200, 200, 429]);
    expect((await fetch(`${at.url}/readyz`)).status).toBe(200);
    await redis.start();
    await until(() => at.log().some(({ event }) => event === 'redis_back'));
    expect(await statuses(at, 3)).toEqual([200, 200, 429]);
    at.child.kill('SIGTERM');
    expect(await at.exited()).toBe(0);
  });

  it.each([
    ['is killed', 'SIGKILL'],
    ['hangs', 'SIGSTOP'],
  ] as const)(
    'answer every request, and soon, while Redis %s and comes back under load',
    async (_how, signal) => {
      const at = await service({ server: echo, options, env: env({ RATE_LIMIT_PER_MINUTE: '100000' }) });
      const answers: { status: number; ms: number }[] = [];
      const over = new AbortController();
      onTestFinished(() => over.abort());
      const ask = async () => {
        while (!over.signal.aborted) {
          const begun = performance.now();
          const { status } = await post(at, call('echo', { text: 'x' })).catch(() => ({ status: 0 }));
          answers.push({ status, ms: performance.now() - begun });
        }
      };
      const clients = Promise.all(Array.from({ length: 6 }, ask));
      const more = async (count: number) => {
        const enough = answers.length + count;
        await until(() => answers.length >= enough, 20_000);
      };
      const logs = (event: string) => until(() => at.log().some((line) => line.event === event), 20_000);
      await more(50);
      await redis.interrupt(signal);
      await more(30);
      await logs('redis_away');
      await redis.resume();
      await logs('redis_back');
      await more(50);
      over.abort();
      await clients;
      expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
      // Redis is given half a second; the rest is for a machine that has other things to do.
      expect(Math.max(...answers.map(({ ms }) => ms))).toBeLessThan(2500);
      at.child.kill('SIGTERM');
      expect(await at.exited()).toBe(0);
    },
  );

  it('work from the start with a Redis that hangs, and the service stops cleanly', async () => {
    await redis.interrupt('SIGSTOP');
    const at = await service({ server: echo, options, env: env({ RATE_LIMIT_PER_MINUTE: '2' }) });
    expect(await statuses(at, 3)).toEqual([200, 200, 429]);
    const begun = performance.now();
    at.child.kill('SIGTERM');
    expect(await at.exited()).toBe(0);
    expect(performance.now() - begun).toBeLessThan(5000);
  });

  it('readiness needs Redis where the operator says so', async () => {
    const at = await service({ server: echo, options, env: env({ REDIS_REQUIRED: 'true' }) });
    expect((await fetch(`${at.url}/readyz`)).status).toBe(200);
    await redis.stop('SIGKILL');
    await until(async () => (await fetch(`${at.url}/readyz`)).status === 503);
    expect(await (await fetch(`${at.url}/readyz`)).json()).toMatchObject({
      problems: { redis: expect.any(String) },
    });
    await redis.start();
    await until(async () => (await fetch(`${at.url}/readyz`)).status === 200);
  });
});

describe('sessions over Redis', () => {
  const seam = { sessions: 'stateful' } as const;
  const clientInfo = { name: 'opener', version: '1' };
  const initialize = {
    jsonrpc: '2.0',
    id: 0,
    method: 'initialize',
    params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo },
  };

  it('are carried on by another process after kill -9 of the owner', async () => {
    const owner = await service({ server: echo, options, seam, env: env() });
    const heir = await service({ server: echo, options, seam, env: env() });
    const { client, transport } = await connect(owner);
    expect(textOf(await client.callTool({ name: 'who', arguments: {} }))).toBe('tester');
    const id = transport.sessionId ?? '';
    owner.child.kill('SIGKILL');
    const headers = { 'mcp-session-id': id, 'mcp-protocol-version': '2025-11-25' };
    const answer = await post(heir, call('who'), headers);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('tester');
    const unknown = await post(heir, call('who'), { ...headers, 'mcp-session-id': crypto.randomUUID() });
    expect(unknown.status).toBe(404);
    await fetch(`${heir.url}/mcp`, { method: 'DELETE', headers });
    expect((await post(heir, call('who'), headers)).status).toBe(404);
    await client.close();
  });

  it('belong to the subject that opened them, on every process', async () => {
    const keys = { AUTH_API_KEYS: 'alice:0123456789abcdef,bob:fedcba9876543210' };
    const given = { server: echo, options: { ...options, auth: 'api-key' }, seam, env: env(keys) } as const;
    const [owner, heir] = [await service(given), await service(given)];
    const as = (key: string) => ({ authorization: `Bearer ${key}` });
    const opened = await post(owner, initialize, as('0123456789abcdef'));
    const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' };
    expect((await post(heir, call('who'), { ...session, ...as('fedcba9876543210') })).status).toBe(404);
    expect((await post(heir, call('who'), { ...session, ...as('0123456789abcdef') })).status).toBe(200);
  });

  it('are not said to be gone while Redis cannot be asked', async () => {
    const at = await service({ server: echo, options, seam, env: env() });
    await redis.stop('SIGKILL');
    const answer = await post(at, call('who'), { 'mcp-session-id': crypto.randomUUID() });
    expect(answer.status).toBe(503);
    const { client } = await connect(at);
    expect(textOf(await client.callTool({ name: 'who', arguments: {} }))).toBe('tester');
    await client.close();
  });

  it('events are replayed by the other process, and what is still to come follows', async () => {
    const owner = await service({ server: echo, options, seam, env: env() });
    const other = await service({ server: echo, options, seam, env: env() });
    const { client, transport } = await connect(owner);
    const headers = { 'mcp-session-id': transport.sessionId ?? '', 'mcp-protocol-version': '2025-11-25' };
    const calling = await post(owner, call('slow', {}, 77), headers);
    const reader = calling.body?.getReader();
    const first = new TextDecoder().decode((await reader?.read())?.value);
    const lastId = /^id: (.+)$/m.exec(first)?.[1] ?? '';
    expect(lastId).not.toBe('');
    await reader?.cancel();
    const resumed = await fetch(`${other.url}/mcp`, {
      headers: { ...headers, accept: 'text/event-stream', 'last-event-id': lastId },
    });
    expect(resumed.status).toBe(200);
    const text = await resumed.text();
    expect(text).toContain('"text":"done"');
    expect(text).toContain('"id":77');
    await client.close();
  });

  it('events are replayed after kill -9 of the owner, and a stream that is complete ends', async () => {
    const owner = await service({ server: echo, options, seam, env: env() });
    const heir = await service({ server: echo, options, seam, env: env() });
    const { client, transport } = await connect(owner);
    const headers = { 'mcp-session-id': transport.sessionId ?? '', 'mcp-protocol-version': '2025-11-25' };
    const told = await (await post(owner, call('slow', {}, 78), headers)).text();
    const [first = '', ...later] = [...told.matchAll(/^id: (.+)$/gm)].map((match) => match[1] ?? '');
    const resume = (lastId: string) =>
      fetch(`${heir.url}/mcp`, {
        headers: { ...headers, accept: 'text/event-stream', 'last-event-id': lastId },
      });
    // The last event is known elsewhere a moment after the client has it.
    await until(async () => (await resume(later.at(-1) ?? '')).status === 200);
    owner.child.kill('SIGKILL');
    await owner.exited();
    const missed = await (await resume(first)).text();
    expect([...missed.matchAll(/^id: (.+)$/gm)].map((match) => match[1])).toEqual(later);
    expect(missed).toContain('"text":"done"');
    expect(await (await resume(later.at(-1) ?? '')).text()).not.toContain('data');
    expect((await resume('unheard-of')).status).toBe(400);
    await client.close();
  });

  it('that one process opens for others to serve do not fill it up', async () => {
    const at = await service({ server: echo, options, seam, env: env({ MAX_SESSIONS: '3' }) });
    const sessions: string[] = [];
    for (let index = 0; index < 10; index++) {
      const opened = await post(at, initialize);
      expect(opened.status).toBe(200);
      sessions.push(opened.headers.get('mcp-session-id') ?? '');
    }
    // Those that were let go of are built anew when they are used; what has been used stays.
    for (const session of sessions.slice(0, 3)) {
      const answer = await post(at, call('who'), { 'mcp-session-id': session });
      expect(await answer.text()).toContain('opener');
    }
    expect((await post(at, initialize)).status).toBe(503);
  });
});

describe('the response cache', () => {
  const counted = async (
    at: Service,
    args: object,
    headers: Record<string, string> = {},
  ): Promise<string> => {
    const { result } = (await (await post(at, call('count', { ...args }), headers)).json()) as {
      result: unknown;
    };
    return textOf(result);
  };

  it('is shared over Redis, by subject and by arguments in any order', async () => {
    const keys = 'alice:0123456789abcdef,bob:fedcba9876543210';
    const given = {
      server: echo,
      options: { ...options, cache: true, auth: 'api-key' },
      env: env({ CACHE_TOOLS: 'count:60,fail:60', AUTH_API_KEYS: keys }),
    } as const;
    const [one, two] = [await service(given), await service(given)];
    const alice = { 'x-api-key': '0123456789abcdef' };
    const bob = { 'x-api-key': 'fedcba9876543210' };
    expect(await counted(one, { of: { a: 1, b: [2] }, by: 1 }, alice)).toBe('1');
    expect(await counted(two, { by: 1, of: { b: [2], a: 1 } }, alice)).toBe('1');
    expect(await counted(one, { of: { a: 1, b: [2] }, by: 1 }, bob)).toBe('2');
    expect(await counted(one, { of: { a: 1, b: [3] }, by: 1 }, alice)).toBe('3');
  });

  it('never keeps an error, in memory neither', async () => {
    const given = {
      server: echo,
      options: { cache: true },
      env: { CACHE_TOOLS: 'count:1,fail:60' },
    } as const;
    const at = await service(given);
    const failed = async () => (await post(at, call('fail'))).text();
    expect(await failed()).not.toBe(await failed());
    const before = await counted(at, { of: 1, by: 1 });
    expect(await counted(at, { of: 1, by: 1 })).toBe(before);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect(await counted(at, { of: 1, by: 1 })).not.toBe(before);
  });
});
