import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call, post, type Service, startService, until } from './service.js';

const server = `
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { z } from 'zod';
let built = 0;
export function createServer() {
  const number = ++built;
  const server = new McpServer({ name: 'leased', version: '1.0.0' }, { capabilities: { logging: {} } });
  const text = (text) => ({ content: [{ type: 'text', text: String(text) }] });
  server.registerTool('number', {}, () => text(number));
  server.registerTool('client', {}, () => text(JSON.stringify(server.server.getClientVersion() ?? null)));
  server.registerTool('late', { inputSchema: { ms: z.number(), related: z.boolean() } }, ({ ms, related }, extra) => {
    setTimeout(() => {
      const sent = related
        ? extra.sendNotification({ method: 'notifications/message', params: { level: 'error', data: 'for the one before' } })
        : server.server.sendLoggingMessage({ level: 'error', data: 'for the one before' });
      sent.catch(() => undefined);
    }, ms);
    return text('left');
  });
  server.registerTool('wait', { inputSchema: { ms: z.number() } }, async ({ ms }) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return text('waited on ' + number);
  });
  server.registerTool('says', {}, async () => { await server.server.sendLoggingMessage({ level: 'debug', data: 'mine' }); return text('said'); });
  server.registerTool('fails', {}, () => { throw new Error('no luck'); });
  server.registerTool('grow', {}, () => { server.registerTool('grown', {}, () => text('grown')); return text('grew'); });
  server.registerTool('growLater', {}, () => { setTimeout(() => server.registerTool('grownLater', {}, () => text('grown')), 50); return text('will grow'); });
  const { connect } = server;
  server.connect = async (transport) => {
    await connect.call(server, transport);
    const { onmessage } = transport;
    transport.onmessage = (message, extra) => {
      if (message.params?.name === 'explodes') throw new Error('not even handled');
      onmessage(message, extra);
    };
  };
  return server;
}
`;

let service: Service;
beforeAll(async () => {
  service = await startService({ server, seam: { reusable: true, fixedTools: true } });
});
afterAll(() => service.stop());

const ask = async (name: string, args = {}, id: string | number = 1): Promise<string> =>
  (await post(service, call(name, args, id))).text();
const numberOf = async (): Promise<string | undefined> => /"text":"(\d+)"/.exec(await ask('number'))?.[1];

describe('a server that answers one client after another', () => {
  it('is the same one, and keeps ids apart', async () => {
    const first = await numberOf();
    expect(await numberOf()).toBe(first);
    expect(await ask('number', {}, 'a string')).toContain('"id":"a string"');
  });

  it.each([true, false])(
    'does not let a late message reach the next client (related: %s)',
    async (related) => {
      await ask('late', { ms: 100, related }, 5);
      const next = await ask('wait', { ms: 250 }, 5);
      expect(next).toContain('waited');
      expect(next).not.toContain('for the one before');
    },
  );

  it('still sends what a request says about itself', async () => {
    expect(await ask('says')).toMatch(/"data":"mine"[\s\S]*"text":"said"/);
  });

  it('does not keep a client’s name or log level', async () => {
    const initialize = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'nosy', version: '1' },
    };
    await post(service, { jsonrpc: '2.0', id: 1, method: 'initialize', params: initialize });
    await post(service, {
      jsonrpc: '2.0',
      id: 1,
      method: 'logging/setLevel',
      params: { level: 'emergency' },
    });
    for (let n = 0; n < 5; n++) {
      expect(await ask('client')).toContain('"text":"null"');
      expect(await ask('says')).toContain('mine');
    }
  });

  it('is given up when its client leaves in the middle of a call', async () => {
    const before = await numberOf();
    const gone = new AbortController();
    const lost = fetch(`${service.url}/mcp`, {
      method: 'POST',
      signal: gone.signal,
      headers: { 'content-type': 'application/json', accept: '*/*' },
      body: JSON.stringify(call('wait', { ms: 300 })),
    }).catch(() => 'left');
    await new Promise((resolve) => setTimeout(resolve, 100));
    gone.abort();
    expect(await lost).toBe('left');
    await until(() => service.log().filter(({ tool }) => tool === 'wait').length >= 3);
    expect(await numberOf()).not.toBe(before);
  });

  it('goes on after an exception in a handler', async () => {
    const before = await numberOf();
    expect(await ask('fails')).toContain('"isError":true');
    expect(await numberOf()).toBe(before);
  });

  it('is given up after an exception that no handler caught', async () => {
    const before = await numberOf();
    expect(await ask('explodes')).toContain('Internal error');
    expect(await numberOf()).not.toBe(before);
  });

  it('is given up when it changes after its call', async () => {
    await ask('growLater');
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(await ask('grownLater')).not.toContain('"text":"grown"');
  });

  it('answers tools/list from memory, until the list changes', async () => {
    const list = () =>
      post(service, { jsonrpc: '2.0', id: 'l', method: 'tools/list' }).then((answer) => answer.text());
    const first = await list();
    expect(JSON.parse(first)).toMatchObject({
      jsonrpc: '2.0',
      id: 'l',
      result: { tools: expect.any(Array) },
    });
    expect(await list()).toBe(first);
    const before = await numberOf();
    expect(await ask('grow')).toContain('list_changed');
    expect(await numberOf()).not.toBe(before);
    expect(await list()).not.toContain('grown');
  });
});
