import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { call, connect, post, type Service, type ServiceOptions, startService, until } from './service.js';

const server = `
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { z } from 'zod';
process.on('SIGTERM', () => { console.log('cleaned up'); process.exit(); });
export function createServer() {
  const server = new McpServer({ name: 'tested', version: '1.0.0' });
  process.on('SIGTERM', async () => { await server.close(); console.log('closed a server'); });
  server.registerTool('slow', { inputSchema: { ms: z.number() } }, async ({ ms }) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return { content: [{ type: 'text', text: 'finished' }] };
  });
  server.registerTool('crash', {}, () => { setTimeout(() => { throw new Error('crashed'); }, 5); return { content: [] }; });
  server.registerTool('crash-and-wait', {}, () => new Promise(() => { setTimeout(() => { throw new Error('crashed'); }, 5); }));
  server.registerTool('reject-and-wait', {}, () => new Promise(() => { setTimeout(() => { Promise.reject(new Error('rejected')); }, 5); }));
  server.registerTool('reject-later', {}, () => { setTimeout(() => { Promise.reject(new Error('too late')); }, 50); return { content: [] }; });
  server.registerTool('tell', {}, () => { console.log('the key is ' + process.env.API_TOKEN); return { content: [] }; });
  return server;
}
`;

let running: Service | undefined;
const start = async (options: Partial<ServiceOptions> = {}): Promise<Service> => {
  running = await startService({ server, ...options });
  return running;
};
afterEach(() => running?.stop());

const problems = (service: Service) =>
  service
    .log()
    .filter(({ event }) => event === 'configuration_problem')
    .map(({ msg }) => String(msg));

describe('configuration', () => {
  it('names every problem and exits with 78', async () => {
    const service = await start({
      unready: true,
      env: { PORT: '99999', LOG_LEVEL: 'loud', MAX_BODY_BYTES: 'many', ALLOW_UNAUTHENTICATED: 'maybe' },
      seam: {
        variables: [
          { name: 'API_TOKEN', at: { file: 'x', line: 1, column: 1 }, required: true, secret: true },
        ],
      },
    });
    expect(await service.exited()).toBe(78);
    const named = problems(service).map((problem) => problem.split(':')[0]);
    expect(named.sort()).toEqual([
      'ALLOW_UNAUTHENTICATED',
      'API_TOKEN',
      'LOG_LEVEL',
      'MAX_BODY_BYTES',
      'PORT',
    ]);
  });

  it('does not listen beyond this machine without authentication', async () => {
    const service = await start({ unready: true, env: { HOST: '0.0.0.0' } });
    expect(await service.exited()).toBe(78);
    expect(problems(service).join()).toContain('ALLOW_UNAUTHENTICATED=true');
    await start({ env: { HOST: '0.0.0.0', ALLOW_UNAUTHENTICATED: 'true' } });
  });

  it('reads a variable from the file that X_FILE names, and never logs a secret', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mcp-secret-'));
    fs.writeFileSync(path.join(folder, 'token'), 'very-secret-value\n');
    const service = await start({
      env: { API_TOKEN_FILE: path.join(folder, 'token') },
      seam: {
        variables: [
          { name: 'API_TOKEN', at: { file: 'x', line: 1, column: 1 }, required: true, secret: true },
        ],
      },
    });
    await post(service, call('tell'));
    await until(() => service.log().some(({ msg }) => msg === 'the key is [redacted]'));
    fs.rmSync(folder, { recursive: true });
  });

  it('says so when the project leaves while it is loaded', async () => {
    const service = await start({ unready: true, server: "console.error('no database'); process.exit(3);" });
    expect(await service.exited()).toBe(3);
    expect(service.log().map(({ msg }) => msg)).toEqual([
      'no database',
      expect.stringContaining('process.exit while it was loading'),
    ]);
  });

  it('says so when the project cannot be loaded', async () => {
    const service = await start({ unready: true, server: "throw new Error('broken project');" });
    expect(await service.exited()).toBe(1);
    expect(service.log().at(-1)).toMatchObject({ level: 'fatal', err: { message: 'broken project' } });
  });

  it('limits requests per minute and tells where the caller stands', async () => {
    const service = await start({ env: { RATE_LIMIT_PER_MINUTE: '3' } });
    const answers = [];
    for (let n = 0; n < 4; n++) answers.push(await post(service, { jsonrpc: '2.0', id: n, method: 'ping' }));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
    expect(answers[0]?.headers.get('ratelimit')).toMatch(/"minute";r=2;t=\d+/);
    expect(Number(answers[3]?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await answers[3]?.json()).toMatchObject({ jsonrpc: '2.0', error: { code: -32000 } });
    expect((await fetch(`${service.url}/health`)).status).toBe(200);
  });
});

describe('limits', () => {
  const ping = (service: Service, headers: Record<string, string> = {}) =>
    post(service, { jsonrpc: '2.0', id: 1, method: 'ping' }, headers).then(({ status }) => status);

  it('also hold by the hour', async () => {
    const service = await start({ env: { RATE_LIMIT_PER_HOUR: '2' } });
    expect([await ping(service), await ping(service)]).toEqual([200, 200]);
    const refused = await post(service, { jsonrpc: '2.0', id: 1, method: 'ping' });
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(60);
    expect(refused.headers.get('ratelimit')).toMatch(/^"hour";r=0/);
  });

  it('are each subject’s own', async () => {
    const env = {
      RATE_LIMIT_PER_MINUTE: '1',
      AUTH_API_KEYS: 'alice:0123456789abcdef,alice:her-second-key-1234,bob:fedcba9876543210',
    };
    const service = await start({ options: { auth: 'api-key' }, env });
    const keys = ['0123456789abcdef', 'her-second-key-1234', 'fedcba9876543210'];
    const answers = [];
    for (const key of keys) answers.push(await ping(service, { 'x-api-key': key }));
    expect(answers).toEqual([200, 429, 200]);
  });

  it('believe as many proxies about the address as they are told, and take an IPv6 network for one client', async () => {
    const env = { RATE_LIMIT_PER_MINUTE: '1' };
    const from = (service: Service, address: string) => ping(service, { 'x-forwarded-for': address });
    const behind = await start({ env: { ...env, TRUST_PROXY: '1' } });
    expect(await from(behind, '203.0.113.1')).toBe(200);
    expect(await from(behind, '203.0.113.2')).toBe(200);
    // What stands before the last address, the client itself has written.
    expect(await from(behind, '198.51.100.7, 203.0.113.1')).toBe(429);
    expect(await from(behind, '2001:db8:1:ff00::1')).toBe(200);
    expect(await from(behind, '2001:db8:1:ffab::2')).toBe(429);
    expect(await from(behind, '2001:db8:2:ff00::1')).toBe(200);
    await behind.stop();
    const alone = await start({ env });
    expect(await from(alone, '203.0.113.1')).toBe(200);
    expect(await from(alone, '203.0.113.2')).toBe(429);
  });
});

describe('shutdown', () => {
  it('finishes what is in flight, runs the project’s cleanup once, and exits with 0', async () => {
    const service = await start();
    const answers = Promise.all(
      Array.from({ length: 8 }, (_, id) => post(service, call('slow', { ms: 500 }, id))),
    );
    await new Promise((resolve) => setTimeout(resolve, 200));
    service.child.kill('SIGTERM');
    for (const answer of await answers) expect(await answer.text()).toContain('finished');
    expect(await service.exited()).toBe(0);
    for (const msg of ['cleaned up', 'closed a server'])
      expect(service.log().filter((line) => line['msg'] === msg)).toHaveLength(1);
    expect(service.log().at(-1)).toMatchObject({ msg: 'Shut down' });
  });

  it('is not ready first, and goes on answering for SHUTDOWN_DELAY_MS', async () => {
    const service = await start({ env: { SHUTDOWN_DELAY_MS: '600' } });
    service.child.kill('SIGTERM');
    await until(async () => (await fetch(`${service.url}/readyz`)).status === 503);
    expect(await (await fetch(`${service.url}/health`)).json()).toMatchObject({ status: 'draining' });
    const answer = await post(service, call('slow', { ms: 10 }));
    // A balancer that keeps connections alive must not be made to open new ones just before they are refused.
    expect(answer.headers.get('connection')).not.toBe('close');
    expect(await answer.text()).toContain('finished');
    expect(await service.exited()).toBe(0);
  });

  it('ends open streams of sessions', async () => {
    const service = await start({ seam: { sessions: 'stateful' } });
    const { client, transport } = await connect(service);
    const stream = await fetch(`${service.url}/mcp`, {
      headers: { accept: 'text/event-stream', 'mcp-session-id': transport.sessionId ?? '' },
    });
    const waiting = client.callTool({ name: 'slow', arguments: { ms: 400 } });
    await new Promise((resolve) => setTimeout(resolve, 100));
    service.child.kill('SIGTERM');
    expect(await waiting).toMatchObject({ content: [{ text: 'finished' }] });
    expect(await service.exited()).toBe(0);
    await stream.body?.cancel();
    await client.close();
  });

  it('cuts off what takes longer than SHUTDOWN_TIMEOUT_MS and says what', async () => {
    const service = await start({ env: { SHUTDOWN_TIMEOUT_MS: '300' } });
    const lost = post(service, call('slow', { ms: 60_000 })).catch(() => 'lost');
    await new Promise((resolve) => setTimeout(resolve, 200));
    service.child.kill('SIGTERM');
    expect(await service.exited()).toBe(1);
    expect(service.log().at(-1)).toMatchObject({ level: 'error', open: { inFlight: 1 } });
    expect(await lost).toBe('lost');
  });

  it('ends at once on a second signal', async () => {
    const service = await start({ env: { SHUTDOWN_DELAY_MS: '60000' } });
    service.child.kill('SIGTERM');
    await until(() => service.log().some(({ msg }) => msg === 'Shutting down'));
    service.child.kill('SIGINT');
    expect(await service.exited()).toBe(1);
  });

  it('drains and exits with 1 after an uncaught exception that is nobody’s', async () => {
    const service = await start({
      server: `${server}\nsetTimeout(() => { throw new Error('nobody’s'); }, 3000);\n`,
    });
    const slow = post(service, call('slow', { ms: 3500 }));
    expect(await (await slow).text()).toContain('finished');
    expect(await service.exited()).toBe(1);
    expect(service.log()).toContainEqual(
      expect.objectContaining({ level: 'fatal', msg: 'Uncaught exception' }),
    );
  });

  it('ends the session of the client whose call threw outside its handler, and no other', async () => {
    const service = await start({ seam: { sessions: 'stateful' } });
    const thrower = await connect(service);
    const other = await connect(service);
    const slow = other.client.callTool({ name: 'slow', arguments: { ms: 400 } });
    const lost = thrower.client.callTool({ name: 'crash-and-wait' });
    await expect(lost).rejects.toThrow('The connection was closed');
    await expect(thrower.client.ping()).rejects.toThrow();
    expect(await slow).toMatchObject({ content: [{ text: 'finished' }] });
    expect(await other.client.ping()).toEqual({});
  });

  it('goes on with every session when the project catches what nothing has caught', async () => {
    const service = await start({ seam: { sessions: 'stateful', survivesExceptions: true } });
    const { client } = await connect(service);
    await client.callTool({ name: 'crash' });
    await until(() => service.log().some(({ msg }) => String(msg).startsWith('Uncaught exception')));
    expect(await client.ping()).toEqual({});
  });

  it('answers a stateless request whose handler threw outside its promise', async () => {
    const service = await start();
    const answer = await post(service, call('crash-and-wait'));
    expect(await answer.json()).toMatchObject({ error: { message: 'The connection was closed' } });
    expect((await post(service, call('slow', { ms: 1 }))).status).toBe(200);
  });

  it('answers the request whose promise was rejected, and goes on with its session', async () => {
    const service = await start({ seam: { sessions: 'stateful' } });
    const { client } = await connect(service);
    const slow = client.callTool({ name: 'slow', arguments: { ms: 300 } });
    await client.callTool({ name: 'reject-later' });
    await expect(client.callTool({ name: 'reject-and-wait' })).rejects.toThrow('Internal error');
    expect(await slow).toMatchObject({ content: [{ text: 'finished' }] });
    expect(await client.ping()).toEqual({});
    const rejected = service.log().filter(({ msg }) => msg === 'A promise was rejected and nobody cared');
    expect(rejected).toHaveLength(2);
  });

  it('answers a stateless request whose promise was rejected', async () => {
    const service = await start();
    const answer = await post(service, call('reject-and-wait'));
    expect(await answer.json()).toMatchObject({ error: { code: -32603, message: 'Internal error' } });
    expect((await post(service, call('slow', { ms: 1 }))).status).toBe(200);
  });
});
