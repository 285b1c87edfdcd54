import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  call,
  jsonHeaders,
  post,
  repository,
  run,
  type Service,
  startService,
  textOf,
  until,
} from './service.js';

/** JavaScript, so that the official transport can be put in front of the very same module. */
const server = `
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { z } from 'zod';
let finished = 0, aborted = 0, sent = 0;
const text = (value) => ({ content: [{ type: 'text', text: JSON.stringify(value) }] });
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export function createServer() {
  const server = new McpServer({ name: 'beside', version: '1.0.0' }, { capabilities: { logging: {} } });
  const log = (extra, data) => extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data } });
  server.registerTool('steps', { inputSchema: { steps: z.number() } }, async ({ steps }, extra) => {
    const progressToken = extra._meta?.progressToken;
    for (let progress = 1; progress <= steps; progress++) {
      if (progressToken !== undefined)
        await extra.sendNotification({ method: 'notifications/progress', params: { progressToken, progress, total: steps } });
      await log(extra, 'step ' + progress);
    }
    return text(steps);
  });
  server.registerTool('wait', {}, (extra) => new Promise((resolve) => {
    extra.signal.addEventListener('abort', () => { aborted++; resolve(text('aborted')); });
  }));
  server.registerTool('slow', { inputSchema: { ms: z.number() } }, async ({ ms }, extra) => {
    await log(extra, 'begun');
    await pause(ms);
    finished++;
    return text('finished');
  });
  server.registerTool('asks', {}, async (extra) => {
    const answer = await extra.sendRequest({ method: 'sampling/createMessage', params: { messages: [], maxTokens: 5 } }, z.any());
    return text(answer.content.text);
  });
  server.registerTool('floods', { inputSchema: { messages: z.number() } }, async ({ messages }, extra) => {
    const data = 'x'.repeat(64 * 1024);
    for (let n = 0; n < messages; n++) { await log(extra, data); sent++; }
    return text('sent');
  });
  server.registerTool('fails', {}, () => { throw new Error('no luck'); });
  server.registerTool('counts', {}, () => text({ finished, aborted, sent }));
  return server;
}
`;

/** The official transport as the SDK's examples use it: `SESSIONS` keeps one per session, else each request has its own. */
const official = `
import { randomUUID } from 'node:crypto';
import { createServer as createHttpServer } from 'node:http';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { createServer } from './server.mjs';
const sessions = new Map();
async function transportFor(request) {
  const known = sessions.get(request.headers['mcp-session-id']);
  if (known) return known;
  const transport = new StreamableHTTPServerTransport(process.env.SESSIONS
    ? { sessionIdGenerator: randomUUID, onsessioninitialized: (id) => sessions.set(id, transport) }
    : { sessionIdGenerator: undefined });
  await createServer().connect(transport);
  return transport;
}
const http = createHttpServer(async (request, response) => (await transportFor(request)).handleRequest(request, response));
http.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ msg: 'served at http://127.0.0.1:' + http.address().port + '/mcp' })));
`;

function startOfficial(sessions: boolean): Promise<Service> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mcp-official-'));
  fs.symlinkSync(path.join(repository, 'node_modules'), path.join(folder, 'node_modules'));
  fs.writeFileSync(path.join(folder, 'server.mjs'), server);
  fs.writeFileSync(path.join(folder, 'official.mjs'), official);
  return run(folder, { env: sessions ? { SESSIONS: '1' } : {} }, 'official.mjs');
}

interface Message {
  readonly id?: string | number;
  readonly method?: string;
  readonly [name: string]: unknown;
}

/** The messages of an answer, be it JSON or a stream of events; of a stream as they come. */
async function* messagesOf(response: Response): AsyncGenerator<Message> {
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
    const body = await response.text();
    if (body !== '') yield JSON.parse(body) as Message;
    return;
  }
  let rest = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    rest += chunk;
    const events = rest.split('\n\n');
    rest = events.pop() ?? '';
    for (const event of events) {
      const data = /^data: (.+)$/m.exec(event)?.[1];
      if (data) yield JSON.parse(data) as Message;
    }
  }
}

async function all(response: Response): Promise<Message[]> {
  const messages: Message[] = [];
  for await (const message of messagesOf(response)) messages.push(message);
  return messages;
}

const initialize = {
  jsonrpc: '2.0',
  id: 'first',
  method: 'initialize',
  params: {
    protocolVersion: '2025-06-18',
    capabilities: { sampling: {} },
    clientInfo: { name: 'tester', version: '1' },
  },
};

/** Headers of a session that has been opened; none where there are no sessions. */
async function open(service: Service, sessions: boolean): Promise<Record<string, string>> {
  if (!sessions) return {};
  const answer = await post(service, initialize);
  await answer.text();
  const headers = {
    'mcp-session-id': answer.headers.get('mcp-session-id') ?? '',
    'mcp-protocol-version': '2025-06-18',
  };
  await post(service, { jsonrpc: '2.0', method: 'notifications/initialized' }, headers);
  return headers;
}

const steps = {
  ...call('steps', { steps: 3 }, 'stepping'),
  params: { name: 'steps', arguments: { steps: 3 }, _meta: { progressToken: 'token' } },
};

describe.each([
  { kind: 'stateless', sessions: false },
  { kind: 'stateful', sessions: true },
])('beside the official transport, $kind', ({ sessions }) => {
  const both: Service[] = [];
  beforeAll(async () => {
    const seam = sessions ? { sessions: 'stateful' as const, because: 'it asks' } : { reusable: true };
    both.push(...(await Promise.all([startService({ server, seam }), startOfficial(sessions)])));
  });
  afterAll(() => Promise.all(both.map((service) => service.stop())));

  /** Does the same with both and gives both outcomes, ours first. */
  const compare = <T>(act: (service: Service, headers: Record<string, string>) => Promise<T>): Promise<T[]> =>
    Promise.all(both.map(async (service) => act(service, await open(service, sessions))));

  const counts = async (service: Service, headers: Record<string, string>) => {
    const [answer] = await all(await post(service, call('counts', {}, 'counting'), headers));
    return JSON.parse(textOf(answer?.['result'])) as { finished: number; aborted: number; sent: number };
  };

  it('progress and log lines come before the result, in the same order', async () => {
    const [ours, theirs] = await compare(async (service, headers) =>
      all(await post(service, steps, headers)),
    );
    expect(ours).toEqual(theirs);
    expect(ours?.map(({ method }) => method?.replace('notifications/', '') ?? 'result')).toEqual([
      ...['progress', 'message', 'progress', 'message', 'progress', 'message', 'result'],
    ]);
  });

  it.each([
    ['a list', { jsonrpc: '2.0', id: 1, method: 'tools/list' }],
    ['a ping', { jsonrpc: '2.0', id: 2, method: 'ping' }],
    ['an exception in a handler', call('fails')],
    ['an unknown tool', call('nothing')],
    ['bad arguments', call('steps', { steps: 'three' })],
    ['an unknown method', { jsonrpc: '2.0', id: 'x', method: 'no/such' }],
  ])('%s is answered alike', async (_name, message) => {
    const [ours, theirs] = await compare(async (service, headers) =>
      all(await post(service, message, headers)),
    );
    expect(ours).toHaveLength(1);
    expect(ours).toEqual(theirs);
  });

  it('what a client has left in the middle is finished, and others are answered', async () => {
    const [ours, theirs] = await compare(async (service, headers) => {
      const gone = new AbortController();
      const answer = await fetch(`${service.url}/mcp`, {
        method: 'POST',
        signal: gone.signal,
        headers: { ...jsonHeaders, ...headers },
        body: JSON.stringify(call('slow', { ms: 300 })),
      });
      for await (const { method } of messagesOf(answer)) if (method) break;
      gone.abort();
      await until(async () => (await counts(service, headers)).finished === 1);
      return counts(service, headers);
    });
    expect(ours).toEqual(theirs);
  });

  it('a handler waits for a reader that is slow', async () => {
    const [service] = both as [Service];
    const headers = await open(service, sessions);
    const messages = 1000;
    const { hostname, port } = new URL(service.url);
    const socket = net.connect(Number(port), hostname).pause();
    const body = JSON.stringify(call('floods', { messages }));
    const head = { host: `${hostname}:${port}`, 'content-length': body.length, connection: 'close' };
    const lines = Object.entries({ ...jsonHeaders, ...headers, ...head }).map((pair) => pair.join(': '));
    socket.write(`POST /mcp HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`);
    const sent = async () => (await counts(service, headers)).sent;
    await until(async () => (await sent()) > 0);
    let before = -1;
    await until(async () => {
      const now = await sent();
      const stands = now === before;
      before = now;
      if (!stands) await new Promise((resolve) => setTimeout(resolve, 200));
      return stands;
    });
    // Some megabytes are in buffers of the kernel.
    expect(before).toBeLessThan(messages / 2);
    let received = 0;
    socket.on('data', (chunk) => {
      received += chunk.length;
    });
    socket.resume();
    await new Promise((resolve) => socket.once('close', resolve));
    expect(received).toBeGreaterThan(messages * 64 * 1024);
    expect(await sent()).toBe(messages);
  });

  if (!sessions) return;

  it('a cancelled call is aborted and not answered', async () => {
    const [ours, theirs] = await compare(async (service, headers) => {
      const gone = new AbortController();
      const answer = fetch(`${service.url}/mcp`, {
        method: 'POST',
        signal: gone.signal,
        headers: { ...jsonHeaders, ...headers },
        body: JSON.stringify(call('wait', {}, 'waiting')),
      });
      const messages: Message[] = [];
      const reading = answer
        .then(async (response) => {
          for await (const message of messagesOf(response)) messages.push(message);
        })
        .catch(() => undefined);
      const cancel = {
        jsonrpc: '2.0',
        method: 'notifications/cancelled',
        params: { requestId: 'waiting', reason: 'enough' },
      };
      await new Promise((resolve) => setTimeout(resolve, 200));
      const { status } = await post(service, cancel, headers);
      await until(async () => (await counts(service, headers)).aborted === 1);
      // The official transport leaves the stream open for ever.
      gone.abort();
      await reading;
      return { status, messages };
    });
    expect(ours).toEqual({ status: 202, messages: [] });
    expect(theirs).toEqual(ours);
  });

  it('a question inside a call comes on its stream', async () => {
    const [ours, theirs] = await compare(async (service, headers) => {
      const seen: Message[] = [];
      for await (const message of messagesOf(await post(service, call('asks', {}, 'asking'), headers))) {
        seen.push({ ...message, id: message.method ? 'of the server' : (message.id ?? '') });
        if (!message.method) continue;
        const result = { role: 'assistant', model: 'm', content: { type: 'text', text: 'an answer' } };
        const told = await post(service, { jsonrpc: '2.0', id: message.id, result }, headers);
        expect(told.status).toBe(202);
      }
      return seen;
    });
    expect(ours?.map(({ method }) => method)).toEqual(['sampling/createMessage', undefined]);
    expect(ours).toEqual(theirs);
  });

  it('a stream that is silent gets comments, so that no proxy gives it up', async () => {
    const [service] = both as [Service];
    const answer = await post(service, call('slow', { ms: 17_000 }), await open(service, sessions));
    const text = await answer.text();
    expect(text).toMatch(/"begun"[\s\S]*^: keep-alive$[\s\S]*finished/m);
  });
});
