import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type Service, startService, textOf, until } from './service.js';

const server = `
import { McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
const text = (text) => ({ content: [{ type: 'text', text: String(text) }] });
export function createServer() {
  const server = new McpServer({ name: 'second', version: '2.0.0' }, { capabilities: { logging: {} } });
  server.registerTool('echo', { inputSchema: z.object({ text: z.string() }) }, ({ text: said }) => text(said));
  server.registerTool('steps', {}, async (context) => {
    const token = context.mcpReq._meta?.progressToken;
    for (const progress of [1, 2]) await context.mcpReq.notify({ method: 'notifications/progress', params: { progressToken: token, progress } });
    return text('stepped');
  });
  server.registerTool('slow', { inputSchema: z.object({ ms: z.number() }) }, async ({ ms }) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return text('finished');
  });
  server.registerTool('wait', {}, (context) => new Promise((resolve) => {
    context.mcpReq.signal.addEventListener('abort', () => { console.log('cancelled by the client'); resolve(text('x')); });
  }));
  server.registerTool('fails', {}, () => { throw new Error('no luck'); });
  return server;
}
`;

async function open(service: Service, mode: 'legacy' | { pin: string }) {
  const client = new Client({ name: 'second client', version: '1.0.0' }, { versionNegotiation: { mode } });
  await client.connect(new StreamableHTTPClientTransport(new URL(`${service.url}/mcp`)));
  return client;
}

describe.each(['stateless', 'stateful'] as const)('a server of SDK v2, %s', (sessions) => {
  let service: Service;
  beforeAll(async () => {
    service = await startService({ server, seam: { sdk: 'v2', sessions } });
  });
  afterAll(() => service.stop());

  it.each([
    ['2025-11-25', 'legacy'],
    ['2026-07-28', { pin: '2026-07-28' }],
  ] as const)('answers a client of %s', async (version, mode) => {
    const client = await open(service, mode);
    expect(client.getNegotiatedProtocolVersion()).toBe(version);
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('echo');
    expect(textOf(await client.callTool({ name: 'echo', arguments: { text: 'hi' } }))).toBe('hi');
    const seen: number[] = [];
    const stepped = await client.callTool(
      { name: 'steps' },
      { onprogress: ({ progress }) => seen.push(progress) },
    );
    expect([textOf(stepped), seen]).toEqual(['stepped', [1, 2]]);
    expect(await client.callTool({ name: 'fails' })).toMatchObject({ isError: true });
    await client.close();
  });

  it('answers a client of SDK v1', async () => {
    const { client } = await connect(service);
    expect(textOf(await client.callTool({ name: 'echo', arguments: { text: 'hi' } }))).toBe('hi');
    await client.close();
  });

  it('logs calls of both revisions with how they ended', async () => {
    const lines = () => service.log().filter(({ event }) => event === 'mcp_tool_call');
    await until(() => lines().filter(({ tool }) => tool === 'fails').length === 2);
    expect(
      lines()
        .filter(({ tool }) => tool === 'fails')
        .map(({ status }) => status),
    ).toEqual(['tool_error', 'tool_error']);
    expect(
      lines()
        .filter(({ tool }) => tool === 'steps')
        .map(({ status }) => status),
    ).toEqual(['ok', 'ok']);
  });

  it('cancels a call of 2026-07-28 whose client leaves', async () => {
    const client = await open(service, { pin: '2026-07-28' });
    const stop = new AbortController();
    const waiting = client.callTool({ name: 'wait' }, { signal: stop.signal });
    setTimeout(() => stop.abort(), 150);
    await expect(waiting).rejects.toThrow();
    await until(() => service.log().some(({ msg }) => msg === 'cancelled by the client'));
    await client.close();
  });

  it('finishes what is in flight in both revisions before it exits', async () => {
    const clients = [await open(service, 'legacy'), await open(service, { pin: '2026-07-28' })];
    const subscription = await clients[1]?.listen({ toolsListChanged: true });
    const calls = Promise.all(
      clients.map((client) => client.callTool({ name: 'slow', arguments: { ms: 500 } })),
    );
    await new Promise((resolve) => setTimeout(resolve, 200));
    service.child.kill('SIGTERM');
    expect((await calls).map(textOf)).toEqual(['finished', 'finished']);
    expect(await service.exited()).toBe(0);
    await subscription?.close().catch(() => undefined);
  });
});

it('makes clients fall back to a session where state has to survive from call to call', async () => {
  const service = await startService({ server, seam: { sdk: 'v2', sessions: 'stateful', modernEra: false } });
  const client = new Client({ name: 'c', version: '1' }, { versionNegotiation: { mode: 'auto' } });
  await client.connect(new StreamableHTTPClientTransport(new URL(`${service.url}/mcp`)));
  expect(client.getNegotiatedProtocolVersion()).toBe('2025-11-25');
  expect(textOf(await client.callTool({ name: 'echo', arguments: { text: 'hi' } }))).toBe('hi');
  await client.close();
  await service.stop();
});
