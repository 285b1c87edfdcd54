import { readdirSync } from 'node:fs';
import { Agent, request } from 'node:http';
import net from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  call,
  jsonHeaders,
  post,
  type Service,
  type ServiceOptions,
  startService,
  textOf,
  until,
} from '../runtime/service.js';

const server = `
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { z } from 'zod';
export function createServer() {
  const server = new McpServer({ name: 'endurance', version: '1.0.0' });
  server.registerTool('echo', { inputSchema: { text: z.string() } }, ({ text }) => ({ content: [{ type: 'text', text }] }));
  server.registerTool('heap', {}, () => {
    globalThis.gc();
    return { content: [{ type: 'text', text: String(process.memoryUsage().heapUsed) }] };
  });
  server.registerTool('throw', {}, () => { throw new Error('thrown'); });
  server.registerTool('reject-later', {}, () => {
    setTimeout(() => { void Promise.reject(new Error('later')); }, 5);
    return { content: [] };
  });
  server.registerTool('block', {}, () => {
    const end = Date.now() + 700;
    while (Date.now() < end);
    return { content: [{ type: 'text', text: 'unblocked' }] };
  });
  return server;
}
`;

async function start(given: Omit<ServiceOptions, 'server'> = {}): Promise<Service> {
  const service = await startService({ server, nodeFlags: ['--expose-gc'], ...given });
  onTestFinished(() => service.stop());
  return service;
}

/** POSTs over connections that are kept; `fetch` would cost more than the service. */
function sender(service: Service, connections: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  onTestFinished(() => agent.destroy());
  const url = new URL(`${service.url}/mcp`);
  return (body: object, headers: Record<string, string> = {}) =>
    new Promise<{ status: number; text: string; session: string }>((resolve, reject) => {
      const text = JSON.stringify(body);
      const length = { 'content-length': String(Buffer.byteLength(text)) };
      const sent = request(
        url,
        { method: 'POST', agent, headers: { ...jsonHeaders, ...length, ...headers } },
        (answer) => {
          let received = '';
          answer.setEncoding('utf8').on('data', (chunk) => {
            received += chunk;
          });
          const session = String(answer.headers['mcp-session-id'] ?? '');
          answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: received, session }));
        },
      );
      sent.on('error', reject);
      sent.end(text);
    });
}

/** Runs `work` for 0 … count-1, `width` at a time. */
async function inParallel(
  count: number,
  width: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (next < count) await work(next++);
    }),
  );
}

const megabytes = (text: string): number => {
  const { result } = JSON.parse(text) as { result: unknown };
  return Number(textOf(result)) / 1e6;
};

describe('endurance', () => {
  it.each([
    [25_000, 'a fresh server for each request', false],
    [50_000, 'servers that are used again', true],
  ])(
    '%d requests with %s leave the memory as it was after warming up',
    { timeout: 300_000 },
    async (all, _name, reusable) => {
      const service = await start({ seam: { reusable } });
      const send = sender(service, 16);
      const requests = (count: number) =>
        inParallel(count, 16, async (index) => {
          const { status, text } = await send(call('echo', { text: `t${index}` }, index));
          if (status !== 200 || !text.includes(`"t${index}"`)) throw new Error(`${status} ${text}`);
        });
      await requests(4000);
      const before = megabytes((await send(call('heap'))).text);
      await requests(all - 4000);
      const after = megabytes((await send(call('heap'))).text);
      console.log(`heap, reusable ${reusable}: ${before.toFixed(1)} MB → ${after.toFixed(1)} MB`);
      expect(after - before).toBeLessThan(3);
    },
  );

  it('1000 sessions are opened, used and expire, and the memory comes back', {
    timeout: 300_000,
  }, async () => {
    const service = await start({
      seam: { sessions: 'stateful' },
      env: { SESSION_TTL_MS: '10000', MAX_SESSIONS: '2000', LOG_LEVEL: 'debug' },
    });
    const send = sender(service, 16);
    const params = {
      protocolVersion: '2025-06-18',
      capabilities: {},
      clientInfo: { name: 'e', version: '1' },
    };
    const open = async () => (await send({ jsonrpc: '2.0', id: 0, method: 'initialize', params })).session;
    const heap = async () => megabytes((await send(call('heap'), { 'mcp-session-id': await open() })).text);
    await inParallel(50, 16, async () => void (await open()));
    const before = await heap();
    const sessions: string[] = [];
    await inParallel(990, 16, async () => {
      const session = await open();
      sessions.push(session);
      const { text } = await send(call('echo', { text: session }), { 'mcp-session-id': session });
      if (!text.includes(session)) throw new Error(text);
    });
    const full = await heap();
    const ended = () => service.log().filter(({ msg }) => msg === 'Session ended').length;
    await until(() => ended() >= 990 + 50, 120_000);
    const after = await heap();
    console.log(
      `heap: ${before.toFixed(1)} MB, with 1000 sessions ${full.toFixed(1)} MB, afterwards ${after.toFixed(1)} MB`,
    );
    expect(after - before).toBeLessThan(Math.max(3, (full - before) / 5));
  });

  it('10 000 connections that come and go are served in bounded time and leave nothing behind', {
    timeout: 120_000,
  }, async () => {
    const service = await start();
    const { port } = new URL(service.url);
    const files = () => readdirSync(`/proc/${service.child.pid}/fd`).length;
    const before = files();
    const begun = performance.now();
    await inParallel(10_000, 50, (index) => churn(Number(port), index));
    console.log(`10 000 connections in ${((performance.now() - begun) / 1000).toFixed(1)} s`);
    expect(await (await post(service, call('echo', { text: 'still here' }))).text()).toContain('still here');
    await until(() => files() <= before + 5, 20_000);
  });

  it('a tool that throws, rejects later or blocks takes nobody else down', async () => {
    const service = await start();
    expect(await (await post(service, call('throw'))).text()).toContain('"isError":true');
    await Promise.all(Array.from({ length: 20 }, () => post(service, call('reject-later'))));
    const blocking = post(service, call('block'));
    const others = Array.from({ length: 10 }, () => post(service, call('echo', { text: 'x' })));
    for (const answer of await Promise.all(others)) expect(answer.status).toBe(200);
    expect(await (await blocking).text()).toContain('unblocked');
    expect((await fetch(`${service.url}/livez`)).status).toBe(200);
    expect(service.child.exitCode).toBeNull();
  });
});

/** One connection: complete requests, half requests and nothing at all, in turn. */
function churn(port: number, index: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1');
    const whole = index % 4 === 0;
    const body = JSON.stringify(call('echo', { text: 'churn' }));
    const head = `POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/json, text/event-stream\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n`;
    socket.once('connect', () => {
      if (whole) socket.end(`${head}connection: close\r\n\r\n${body}`);
      else if (index % 4 === 1) socket.write(head, () => socket.destroy());
      else if (index % 4 === 2) socket.write(`${head}\r\n{`, () => socket.destroy());
      else socket.destroy();
    });
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.once('close', () => {
      const isRight = /^HTTP\/1\.1 200 [\s\S]*\r\n\r\n\{.*"text":"churn"/.test(answer);
      if (isRight || !whole) resolve();
      else reject(new Error(`not an answer: ${answer}`));
    });
    socket.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNRESET' ? resolve() : reject(error),
    );
  });
}
