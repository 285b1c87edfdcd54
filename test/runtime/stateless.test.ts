import http from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call, connect, jsonHeaders, post, type Service, startService, textOf, until } from './service.js';

const server = `
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { z } from 'zod';
console.log('printed by the project');
process.stdout.write('written by the project\\n');
process.stdin.on('end', () => process.exit(7)).resume();
process.on('SIGTERM', () => process.exit(8));
let built = 0;
export function createServer() {
  const server = new McpServer({ name: 'tested', version: '1.0.0' }, { capabilities: { logging: {} } });
  const number = ++built;
  server.registerTool('echo', { inputSchema: { text: z.string() } }, ({ text }) => ({ content: [{ type: 'text', text }] }));
  server.registerTool('copy', { inputSchema: { of: z.any() } }, ({ of }) => {
    const copy = Object.assign({}, of);
    return { content: [{ type: 'text', text: JSON.stringify({ keys: Object.keys(copy), polluted: copy.polluted ?? null }) }] };
  });
  server.registerTool('number', {}, () => ({ content: [{ type: 'text', text: String(number) }] }));
  server.registerTool('fails', {}, () => { throw new Error('no luck'); });
  server.registerTool('slow', { inputSchema: { ms: z.number() } }, async ({ ms }) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return { content: [{ type: 'text', text: 'done' }] };
  });
  server.registerTool('steps', {}, async (extra) => {
    for (const progress of [1, 2, 3]) {
      await extra.sendNotification({ method: 'notifications/progress', params: { progressToken: extra._meta.progressToken, progress, total: 3 } });
    }
    return { content: [{ type: 'text', text: 'stepped' }] };
  });
  server.registerTool('says', {}, async () => {
    await server.server.sendLoggingMessage({ level: 'info', data: 'heard' });
    return { content: [{ type: 'text', text: 'said' }] };
  });
  server.registerTool('late', {}, async () => {
    setTimeout(() => { void Promise.reject(new Error('nobody cares')); }, 10);
    return { content: [{ type: 'text', text: 'gone' }] };
  });
  server.registerTool('leaves', {}, () => process.exit(9));
  server.registerTool('asks', {}, async () => {
    const answer = await server.server.createMessage({ messages: [], maxTokens: 1 });
    return { content: [{ type: 'text', text: JSON.stringify(answer) }] };
  });
  server.registerResource('greeting', 'test://greeting', {}, (uri) => ({ contents: [{ uri: uri.href, text: 'hello' }] }));
  server.registerPrompt('ask', {}, () => ({ messages: [] }));
  return server;
}
`;

let service: Service;
beforeAll(async () => {
  service = await startService({ server, env: { MAX_BODY_BYTES: '65536' } });
});
afterAll(() => service.stop());

describe('a stateless service', () => {
  it('answers an official client like a stdio server would', async () => {
    const { client } = await connect(service);
    expect(client.getServerVersion()).toMatchObject({ name: 'tested', version: '1.0.0' });
    expect((await client.listTools()).tools.map((tool) => tool.name)).toContain('echo');
    expect(textOf(await client.callTool({ name: 'echo', arguments: { text: 'hi' } }))).toBe('hi');
    expect((await client.readResource({ uri: 'test://greeting' })).contents[0]).toMatchObject({
      text: 'hello',
    });
    expect(await client.callTool({ name: 'fails' })).toMatchObject({ isError: true });
    await client.ping();
    await client.close();
  });

  it('answers in JSON, without a session', async () => {
    const response = await post(service, call('echo', { text: 'hi' }, 'my id'));
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(response.headers.get('mcp-session-id')).toBeNull();
    expect(await response.json()).toMatchObject({ id: 'my id', result: { content: [{ text: 'hi' }] } });
  });

  it('gives every request a server of its own', async () => {
    const numbers = await Promise.all(
      [1, 2, 3].map(async () => (await post(service, call('number'))).json()),
    );
    expect(new Set(numbers.map((answer) => textOf((answer as { result: unknown }).result))).size).toBe(3);
  });

  it('becomes a stream when the handler reports progress first', async () => {
    const { client } = await connect(service);
    const seen: number[] = [];
    const result = await client.callTool({ name: 'steps' }, undefined, {
      onprogress: ({ progress }) => seen.push(progress),
    });
    expect(seen).toEqual([1, 2, 3]);
    expect(textOf(result)).toBe('stepped');
    await client.close();
  });

  it('sends what the server says during a request to that client', async () => {
    const { client } = await connect(service);
    const heard: unknown[] = [];
    client.fallbackNotificationHandler = async (notification) => void heard.push(notification.params);
    await client.callTool({ name: 'says' });
    expect(heard).toEqual([{ level: 'info', data: 'heard' }]);
    await client.close();
  });

  it('fails a question to the client at once, since nobody could answer it', async () => {
    const response = await post(service, call('asks'));
    expect(JSON.stringify(await response.json())).toContain('needs a session');
  });

  it('logs one line per call, and nothing but JSON on stdout', async () => {
    await post(service, call('fails'));
    await post(service, call('echo', { text: 'secret text' }), { 'x-request-id': 'abc-1' });
    await until(() => service.log().some((line) => line.request_id === 'abc-1'));
    const line = service.log().find(({ request_id }) => request_id === 'abc-1');
    expect(line).toMatchObject({ level: 'info', event: 'mcp_tool_call', tool: 'echo', status: 'ok' });
    expect(line?.duration_ms).toEqual(expect.any(Number));
    expect(service.log()).toContainEqual(expect.objectContaining({ tool: 'fails', status: 'tool_error' }));
    expect(service.log().map(({ msg }) => msg)).toEqual(
      expect.arrayContaining(['printed by the project', 'written by the project']),
    );
    expect(service.noise()).toEqual([]);
  });

  it('goes on after a rejection that nobody handles, and after a tool that leaves', async () => {
    await post(service, call('late'));
    await until(() => service.log().some(({ msg }) => String(msg).includes('rejected')));
    const answer = (await (await post(service, call('leaves'))).json()) as { result: { isError: boolean } };
    expect(answer.result.isError).toBe(true);
    expect((await fetch(`${service.url}/livez`)).status).toBe(200);
  });

  it('refuses GET and DELETE', async () => {
    for (const method of ['GET', 'DELETE', 'PUT']) {
      const response = await fetch(`${service.url}/mcp`, { method });
      expect(response.status).toBe(405);
      expect(response.headers.get('allow')).toBe('POST');
      expect(await response.json()).toMatchObject({ jsonrpc: '2.0', error: {}, id: null });
    }
  });

  it('takes notifications and answers 202', async () => {
    const response = await post(service, { jsonrpc: '2.0', method: 'notifications/initialized' });
    expect(response.status).toBe(202);
    expect(await response.text()).toBe('');
  });

  it('answers health questions', async () => {
    const health = (await (await fetch(`${service.url}/health`)).json()) as { uptime: number };
    expect(health).toMatchObject({ status: 'healthy', version: '4.5.6' });
    expect(health.uptime).toBeGreaterThan(0);
    expect((await fetch(`${service.url}/readyz`)).status).toBe(200);
  });
});

describe('hostile input', () => {
  const refusals: [string, unknown, Record<string, string>, number, number][] = [
    ['malformed JSON', '{nope', {}, 400, -32700],
    ['an empty body', '', {}, 400, -32700],
    ['a batch', [call('echo'), call('echo')], {}, 400, -32600],
    ['no JSON-RPC', { hello: 'world' }, {}, 400, -32600],
    ['an id that is an object', { jsonrpc: '2.0', id: {}, method: 'ping' }, {}, 400, -32600],
    ['an unknown protocol version', call('echo'), { 'mcp-protocol-version': '1999-01-01' }, 400, -32000],
    ['an Accept without event streams', call('echo'), { accept: 'application/json' }, 406, -32000],
    ['another content type', 'x', { 'content-type': 'text/plain' }, 415, -32000],
    ['a hostile Origin', call('echo'), { origin: 'http://evil.example' }, 403, -32000],
    ['an opaque Origin', call('echo'), { origin: 'null' }, 403, -32000],
    ['a body over the limit', call('echo', { text: 'x'.repeat(70_000) }), {}, 413, -32000],
  ];
  it.each(refusals)('refuses %s', async (_what, body, headers, status, code) => {
    const response = await post(service, body, headers);
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('application/json');
    const answer = (await response.json()) as { jsonrpc: string; error: { code: number; message: string } };
    expect(answer).toMatchObject({ jsonrpc: '2.0', error: { code } });
    expect(answer.error.message).not.toMatch(/\n|at .*:\d/);
  });

  it('refuses a body over the limit that does not say its length', async () => {
    const { status, body } = await raw({ ...jsonHeaders, 'transfer-encoding': 'chunked' }, [
      '"',
      ...Array(80).fill('x'.repeat(1024)),
    ]);
    expect(status).toBe(413);
    expect(JSON.parse(body)).toMatchObject({ error: { code: -32000 } });
  });

  it('lets the client of a body far over the limit see the answer', async () => {
    const body = JSON.stringify(call('echo', { text: 'x'.repeat(5_000_000) }));
    const answers = await Promise.all(Array.from({ length: 10 }, () => post(service, body)));
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(413));
  });

  it('refuses another Host, but lets probes through', async () => {
    expect((await raw({ ...jsonHeaders, host: 'evil.example' }, ['{}'])).status).toBe(403);
    expect((await raw({ host: '10.1.2.3:3000' }, [], '/readyz', 'GET')).status).toBe(200);
  });

  it('answers what is nested deeper than a stack', async () => {
    const nested = '['.repeat(20_000) + ']'.repeat(20_000);
    for (const body of [
      nested,
      JSON.stringify(call('echo', { text: 0 })).replace('"text":0', `"text":${nested}`),
    ]) {
      const answer = await post(service, body);
      const text = await answer.text();
      expect(JSON.parse(text)).toMatchObject({ jsonrpc: '2.0' });
      expect(text).not.toMatch(/RangeError|at .*:\d+:\d+/);
    }
    expect((await post(service, call('number'))).status).toBe(200);
  });

  it.each(['__proto__', '\\u005f_proto_\\u005F', '__\\u0070roto__'])(
    'drops the key %s, which would reach a prototype',
    async (key) => {
      const body = JSON.stringify(call('copy', { of: { text: 'ok', KEY: { polluted: 1 } } }));
      const answer = await post(service, body.replace('KEY', key));
      const { result } = (await answer.json()) as { result: unknown };
      expect(JSON.parse(textOf(result))).toEqual({ keys: ['text'], polluted: null });
    },
  );

  it('keeps apart what has the same id', async () => {
    const texts = Array.from({ length: 20 }, (_, index) => `text ${index}`);
    const answers = await Promise.all(texts.map((text) => post(service, call('echo', { text }, 'same'))));
    const bodies = (await Promise.all(answers.map((answer) => answer.json()))) as { result: unknown }[];
    expect(bodies.map(({ result }) => textOf(result))).toEqual(texts);
  });

  it('answers what is not HTTP at all in JSON', async () => {
    const { connect: open } = await import('node:net');
    const answer = await new Promise<string>((resolve) => {
      let text = '';
      const socket = open(Number(new URL(service.url).port), '127.0.0.1', () =>
        socket.write('NONSENSE\r\n\r\n'),
      );
      socket.on('data', (chunk) => {
        text += chunk;
      });
      socket.on('close', () => resolve(text));
    });
    expect(answer).toMatch(/^HTTP\/1\.1 400/);
    expect(answer).toContain('"jsonrpc":"2.0"');
  });

  it('closes slow headers and slow bodies within 15 seconds', { timeout: 20_000 }, async () => {
    const { connect: open } = await import('node:net');
    const closedAfter = (start: string): Promise<number> =>
      new Promise((resolve) => {
        const begun = Date.now();
        const socket = open(Number(new URL(service.url).port), '127.0.0.1', () => socket.write(start));
        const drip = setInterval(() => socket.write('x'), 1000);
        socket.on('error', () => undefined);
        socket.resume();
        socket.on('close', () => {
          clearInterval(drip);
          resolve(Date.now() - begun);
        });
      });
    const head = 'POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\naccept: */*\r\n';
    const times = await Promise.all([closedAfter(head), closedAfter(`${head}content-length: 500\r\n\r\n{`)]);
    expect(Math.max(...times)).toBeLessThan(15_000);
  });
});

describe('CORS', () => {
  it('answers a preflight from this machine before anything else', async () => {
    const response = await fetch(`${service.url}/mcp`, {
      method: 'OPTIONS',
      headers: {
        origin: 'http://localhost:6274',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type,mcp-protocol-version',
      },
    });
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-origin')).toBe('http://localhost:6274');
    expect(response.headers.get('access-control-allow-headers')).toContain('mcp-protocol-version');
  });

  it('lets a page read the headers of MCP', async () => {
    const response = await post(service, call('echo', { text: 'x' }), { origin: 'http://localhost:6274' });
    expect(response.headers.get('access-control-expose-headers')).toContain('mcp-session-id');
  });
});

function raw(
  headers: Record<string, string>,
  chunks: string[],
  path = '/mcp',
  method = 'POST',
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const request = http.request(`${service.url}${path}`, { method, headers }, (response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    request.on('error', reject);
    for (const chunk of chunks) request.write(chunk);
    request.end();
  });
}
