import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call, connect, jsonHeaders, post, type Service, startService, textOf, until } from './service.js';

const server = `
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { SubscribeRequestSchema, UnsubscribeRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { sessionScoped } from './http/session-scope.js';
const notes = sessionScoped(() => []);
const text = (text) => ({ content: [{ type: 'text', text: typeof text === 'string' ? text : JSON.stringify(text) }] });
export function createServer() {
  const server = new McpServer({ name: 'tested', version: '1.0.0' }, { capabilities: { logging: {}, resources: { subscribe: true } } });
  let initialized = 0;
  let cancelled = 0;
  server.server.oninitialized = () => { initialized++; };
  server.registerTool('note', { inputSchema: { text: z.string() } }, ({ text: said }) => { notes.value.push(said); return text(notes.value); });
  server.registerTool('who', {}, () => text({ client: server.server.getClientVersion()?.name, sampling: Boolean(server.server.getClientCapabilities()?.sampling), initialized, cancelled }));
  server.registerTool('sample', {}, async () => text((await server.server.createMessage({ messages: [], maxTokens: 5 })).content.text));
  server.registerTool('sampleInside', {}, async (extra) => text((await extra.sendRequest({ method: 'sampling/createMessage', params: { messages: [], maxTokens: 5 } }, z.any())).content.text));
  server.registerTool('elicit', {}, async () => text((await server.server.elicitInput({ message: 'name?', requestedSchema: { type: 'object', properties: { name: { type: 'string' } } } })).content.name));
  server.registerTool('roots', {}, async () => text((await server.server.listRoots()).roots.map((root) => root.uri)));
  server.registerTool('grow', {}, () => { server.registerTool('grown', {}, () => text('grown')); return text('ok'); });
  server.registerTool('log', { inputSchema: { level: z.string() } }, async ({ level }) => { await server.sendLoggingMessage({ level, data: level }); return text('logged'); });
  server.registerTool('wait', {}, (extra) => new Promise((resolve) => { extra.signal.addEventListener('abort', () => { cancelled++; resolve(text('aborted')); }); }));
  server.registerTool('polls', {}, async (extra) => {
    extra.closeSSEStream();
    await new Promise((resolve) => setTimeout(resolve, 100));
    return text('polled');
  });
  server.registerTool('slow', { inputSchema: { ms: z.number() } }, async ({ ms }, extra) => {
    await extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data: 'begun' } });
    await new Promise((resolve) => setTimeout(resolve, ms));
    return text('done');
  });
  server.registerTool('touch', {}, async () => { await server.server.sendResourceUpdated({ uri: 'test://r' }); return text('ok'); });
  server.registerTool('quit', {}, async () => { setTimeout(() => server.close(), 20); return text('bye'); });
  server.server.setRequestHandler(SubscribeRequestSchema, async () => ({}));
  server.server.setRequestHandler(UnsubscribeRequestSchema, async () => ({}));
  server.registerResource('r', 'test://r', {}, (uri) => ({ contents: [{ uri: uri.href, text: 'r' }] }));
  return server;
}
`;

let service: Service;
beforeAll(async () => {
  service = await startService({
    server,
    seam: { sessions: 'stateful', because: 'it keeps notes', fixedTools: true },
    env: { MAX_SESSIONS: '50' },
  });
});
afterAll(() => service.stop());

const initialize = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
};

async function openSession(): Promise<string> {
  const response = await post(service, initialize);
  await response.text();
  const id = response.headers.get('mcp-session-id') ?? '';
  await post(service, { jsonrpc: '2.0', method: 'notifications/initialized' }, { 'mcp-session-id': id });
  return id;
}

const get = (session: string, headers: Record<string, string> = {}) =>
  fetch(`${service.url}/mcp`, {
    headers: { accept: 'text/event-stream', 'mcp-session-id': session, ...headers },
  });

/** Reads events until `enough` says so. */
async function events(response: Response, enough: (text: string) => boolean): Promise<string> {
  let text = '';
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  while (reader && !enough(text)) {
    const { value, done } = await reader.read();
    if (done) return text;
    text += value;
  }
  await reader?.cancel();
  return text;
}

describe('a stateful service', () => {
  it('keeps two clients apart', async () => {
    const a = await connect(service, { sampling: {} });
    const b = await connect(service);
    await a.client.callTool({ name: 'note', arguments: { text: 'from a' } });
    const [noteA, noteB] = await Promise.all([
      a.client.callTool({ name: 'note', arguments: { text: 'again a' } }),
      b.client.callTool({ name: 'note', arguments: { text: 'from b' } }),
    ]);
    expect(JSON.parse(textOf(noteA))).toEqual(['from a', 'again a']);
    expect(JSON.parse(textOf(noteB))).toEqual(['from b']);
    expect(JSON.parse(textOf(await a.client.callTool({ name: 'who' })))).toMatchObject({
      client: 'tester',
      sampling: true,
      initialized: 1,
    });
    expect(JSON.parse(textOf(await b.client.callTool({ name: 'who' })))).toMatchObject({ sampling: false });
    await Promise.all([a.client.close(), b.client.close()]);
  });

  it('asks the client: sampling, elicitation, roots, inside and outside of a request’s stream', async () => {
    const clients = await Promise.all(
      ['alpha', 'beta'].map((name) =>
        connect(service, { sampling: {}, elicitation: {}, roots: {} }, (client) => {
          client.setRequestHandler(CreateMessageRequestSchema, () => ({
            model: 'm',
            role: 'assistant',
            content: { type: 'text', text: name },
          }));
          client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: { name } }));
          client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: `file:///${name}` }] }));
        }),
      ),
    );
    for (const tool of ['sample', 'sampleInside', 'elicit', 'roots']) {
      const answers = await Promise.all(clients.map(({ client }) => client.callTool({ name: tool })));
      expect(answers.map(textOf).map((said) => said.replace(/[^a-z]|file/g, ''))).toEqual(['alpha', 'beta']);
    }
    await Promise.all(clients.map(({ client }) => client.close()));
  });

  it('sends notifications to their client only', async () => {
    const a = await connect(service);
    const b = await connect(service);
    const heard: string[] = [];
    for (const [name, { client }] of Object.entries({ a, b })) {
      client.setNotificationHandler(
        ToolListChangedNotificationSchema,
        () => void heard.push(`${name} tools`),
      );
      client.setNotificationHandler(
        ResourceUpdatedNotificationSchema,
        () => void heard.push(`${name} resource`),
      );
    }
    await a.client.subscribeResource({ uri: 'test://r' });
    await a.client.callTool({ name: 'grow' });
    await a.client.callTool({ name: 'touch' });
    await until(() => heard.length >= 2);
    expect(heard).toEqual(['a tools', 'a resource']);
    expect(textOf(await a.client.callTool({ name: 'grown' }))).toBe('grown');
    expect((await b.client.listTools()).tools.map((tool) => tool.name)).not.toContain('grown');
    await Promise.all([a.client.close(), b.client.close()]);
  });

  it('answers tools/list from memory, until the session’s own list changes', async () => {
    const [a, b] = await Promise.all([openSession(), openSession()]);
    const list = async (session: string, params?: object): Promise<string> => {
      const answer = await post(
        service,
        { jsonrpc: '2.0', id: 'l', method: 'tools/list', params },
        { 'mcp-session-id': session },
      );
      return answer.text();
    };
    const first = await list(a);
    expect(first).toContain('"id":"l"');
    expect(await list(a)).toBe(first);
    expect(await list(b)).toBe(first);
    const grown = await post(service, call('grow'), { 'mcp-session-id': a });
    await grown.text();
    for (let round = 0; round < 2; round++) {
      expect(await list(a)).toContain('"grown"');
      expect(await list(b)).toBe(first);
    }
  });

  it('keeps the log level per client', async () => {
    const a = await connect(service);
    const b = await connect(service);
    const heard: string[] = [];
    for (const [name, { client }] of Object.entries({ a, b })) {
      client.setNotificationHandler(
        LoggingMessageNotificationSchema,
        ({ params }) => void heard.push(`${name} ${params.level}`),
      );
    }
    await a.client.setLoggingLevel('error');
    for (const { client } of [a, b])
      for (const level of ['info', 'error']) await client.callTool({ name: 'log', arguments: { level } });
    await until(() => heard.length >= 3);
    expect(heard.sort()).toEqual(['a error', 'b error', 'b info']);
    await Promise.all([a.client.close(), b.client.close()]);
  });

  it('cancels a call, and answers the next one', async () => {
    const { client } = await connect(service);
    const stop = new AbortController();
    const waiting = client.callTool({ name: 'wait' }, undefined, { signal: stop.signal });
    setTimeout(() => stop.abort('enough'), 100);
    await expect(waiting).rejects.toThrow('enough');
    await until(async () => textOf(await client.callTool({ name: 'who' })).includes('"cancelled":1'));
    await client.close();
  });

  it('keeps what it says for a stream that is not open yet', async () => {
    const session = await openSession();
    await (await post(service, call('grow'), { 'mcp-session-id': session })).text();
    const stream = await get(session);
    expect(stream.headers.get('content-type')).toBe('text/event-stream');
    expect(await events(stream, (text) => text.includes('list_changed'))).toContain(
      'notifications/tools/list_changed',
    );
  });

  it('resumes a stream that broke in the middle of an answer', async () => {
    const session = await openSession();
    const gone = new AbortController();
    const response = await fetch(`${service.url}/mcp`, {
      method: 'POST',
      signal: gone.signal,
      headers: { ...jsonHeaders, 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' },
      body: JSON.stringify(call('slow', { ms: 300 }, 'resumed')),
    });
    const text = await events(response, (soFar) => soFar.includes('begun'));
    gone.abort();
    const lastId = /id: (\S+)\nevent: message/.exec(text)?.[1] ?? '';
    const resumed = await get(session, { 'last-event-id': lastId });
    const rest = await events(resumed, () => false);
    expect(rest).toContain('"id":"resumed"');
    expect(rest).toContain('done');
    expect(rest).not.toContain('begun');
    const again = await events(await get(session, { 'last-event-id': lastId }), () => false);
    expect(again).toContain('done');
  });

  it('lets a handler send its client away to poll', async () => {
    const { client } = await connect(service);
    expect(textOf(await client.callTool({ name: 'polls' }))).toBe('polled');
    await client.close();
  });

  it('allows one stream of its own per session', async () => {
    const session = await openSession();
    const first = await get(session);
    expect((await get(session)).status).toBe(409);
    await first.body?.cancel();
    await until(async () => {
      const again = await get(session);
      await again.body?.cancel();
      return again.status === 200;
    });
  });

  it('ends a session on DELETE, and when the server closes', async () => {
    for (const end of ['delete', 'close']) {
      const session = await openSession();
      if (end === 'delete') {
        const answer = await fetch(`${service.url}/mcp`, {
          method: 'DELETE',
          headers: { 'mcp-session-id': session },
        });
        expect(answer.status).toBe(200);
      } else {
        await (await post(service, call('quit'), { 'mcp-session-id': session })).text();
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      const after = await post(service, call('who'), { 'mcp-session-id': session });
      expect(after.status).toBe(404);
      expect(await after.json()).toMatchObject({ error: { code: -32001 } });
    }
  });

  it('refuses what does not name a session, or names a wrong one', async () => {
    expect((await post(service, call('who'))).status).toBe(400);
    expect((await post(service, call('who'), { 'mcp-session-id': 'nobody' })).status).toBe(404);
    const session = await openSession();
    expect((await post(service, initialize, { 'mcp-session-id': session })).status).toBe(400);
    expect((await get(session, { 'last-event-id': 'never' })).status).toBe(400);
  });

  it('refuses an id that is in use', async () => {
    const session = await openSession();
    const headers = { 'mcp-session-id': session };
    const first = post(service, call('slow', { ms: 300 }, 7), headers);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await post(service, call('who', {}, 7), headers)).status).toBe(400);
    expect(await (await first).text()).toContain('done');
  });

  it('answers a call whose session is ended', async () => {
    const session = await openSession();
    const headers = { 'mcp-session-id': session };
    const waiting = post(service, call('wait'), headers);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await fetch(`${service.url}/mcp`, { method: 'DELETE', headers });
    expect(await (await waiting).json()).toMatchObject({
      id: 1,
      error: { message: 'The connection was closed' },
    });
  });

  it('has a bound on sessions', async () => {
    const answers = await Promise.all(Array.from({ length: 60 }, () => post(service, initialize)));
    expect(answers.map(({ status }) => status)).toContain(503);
  });
});

it('forgets sessions that nobody uses', async () => {
  const short = await startService({
    server,
    seam: { sessions: 'stateful' },
    env: { SESSION_TTL_MS: '1000' },
  });
  const response = await post(short, initialize);
  const session = response.headers.get('mcp-session-id') ?? '';
  await new Promise((resolve) => setTimeout(resolve, 2500));
  expect((await post(short, call('who'), { 'mcp-session-id': session })).status).toBe(404);
  await short.stop();
});
