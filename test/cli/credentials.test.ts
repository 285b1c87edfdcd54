import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { call, post, type Service, textOf } from '../runtime/service.js';
import { compileFixture, serveFixture } from './compiled-fixture.js';

const VARIABLES = ['FORGE_TOKEN', 'MIRROR_TOKEN', 'MAIL_PASSWORD', 'SEARCH_API_KEY'];

/** The fixture's credentials of one caller, each with the caller's name in it. */
const environmentFor = (caller: string): Record<string, string> =>
  Object.fromEntries(VARIABLES.map((name) => [name, `${name.toLowerCase()}-of-${caller}`]));

const headersFor = (caller: string): Record<string, string> =>
  Object.fromEntries(
    Object.entries(environmentFor(caller)).map(([name, value]) => [
      `x-${name.toLowerCase().replaceAll('_', '-')}`,
      value,
    ]),
  );

async function serve(given: Parameters<typeof serveFixture>[1] = {}): Promise<Service> {
  const service = await serveFixture('credentials-in-headers', given);
  onTestFinished(() => service.stop());
  return service;
}

async function connect(service: Service, headers: Record<string, string>): Promise<Client> {
  const client = new Client({ name: 'caller', version: '1.0.0' });
  const url = new URL(`${service.url}/mcp`);
  await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }));
  onTestFinished(() => client.close());
  return client;
}

const who = async (client: Client, wait = 0): Promise<string> =>
  textOf(await client.callTool({ name: 'who', arguments: { wait } }));

/** Two callers at once, their calls overlapping: what each is told. */
async function interleave(service: Service): Promise<Record<'ada' | 'bob', Set<string>>> {
  const told = { ada: new Set<string>(), bob: new Set<string>() };
  const [ada, bob] = await Promise.all([
    connect(service, headersFor('ada')),
    connect(service, headersFor('bob')),
  ]);
  await Promise.all(
    Array.from({ length: 20 }, async (_, round) => {
      await sleep(round % 7);
      await Promise.all([
        who(ada, round % 5).then((text) => told.ada.add(text)),
        who(bob, (round * 3) % 5).then((text) => told.bob.add(text)),
      ]);
    }),
  );
  return told;
}

async function overStdio(caller: string): Promise<string> {
  const root = await compileFixture('credentials-in-headers');
  onTestFinished(() => fs.rmSync(root, { recursive: true, force: true }));
  const client = new Client({ name: 'caller', version: '1.0.0' });
  const env = { PATH: process.env.PATH ?? '', ...environmentFor(caller) };
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: ['dist/index.js'],
      cwd: root,
      env,
      stderr: 'ignore',
    }),
  );
  onTestFinished(() => client.close());
  return who(client);
}

describe('credentials in headers', () => {
  it.each(['stateless', 'stateful'] as const)(
    'give two callers at once what each would have been told by a process of its own (%s)',
    async (sessions) => {
      const service = await serve({ features: { sessions }, env: environmentFor('operator') });
      const told = await interleave(service);
      expect(told.ada).toEqual(new Set([await overStdio('ada')]));
      expect(told.bob).toEqual(new Set([await overStdio('bob')]));
    },
  );

  it('mix where the isolation is taken out', async () => {
    const spoil = (file: string, text: string): string => {
      if (!file.endsWith('session-scope.js')) return text;
      const shared = text.replaceAll('currentScope() ?? processScope', 'processScope');
      expect(shared).not.toBe(text);
      return shared;
    };
    const told = await interleave(await serve({ spoil }));
    expect([...told.ada].join() + [...told.bob].join()).toMatch(/ada.*bob|bob.*ada/);
    expect([...told.ada, ...told.bob].some((text) => text.includes('ada') && text.includes('bob'))).toBe(
      true,
    );
  });

  it('are demanded by name', async () => {
    const service = await serve({ env: environmentFor('operator') });
    const { 'x-mirror-token': _, ...rest } = headersFor('ada');
    const refused = await post(service, call('who'), rest);
    expect(refused.status).toBe(401);
    expect(await refused.json()).toMatchObject({
      jsonrpc: '2.0',
      error: { message: 'Unauthorized: the header x-mirror-token is missing' },
    });
    await expect(connect(service, rest)).rejects.toThrow('x-mirror-token');
  });

  it('may be left to the environment where the operator allows it, or be missing', async () => {
    const env = { ...environmentFor('operator'), CREDENTIALS_FALLBACK: 'true' };
    const { 'x-mirror-token': _, ...rest } = headersFor('ada');
    expect(await who(await connect(await serve({ env }), rest))).toContain('mirror_token-of-operator');
    const without = await serve({
      env: { ...environmentFor('operator'), CREDENTIALS_OPTIONAL: 'MIRROR_TOKEN' },
    });
    expect(await who(await connect(without, rest))).toContain('nobody@mirror.example');
  });

  it('own the session that they opened', async () => {
    const service = await serve({ features: { sessions: 'stateful' } });
    const initialize = {
      jsonrpc: '2.0',
      id: 0,
      method: 'initialize',
      params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
    };
    const opened = await post(service, initialize, headersFor('ada'));
    const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' };
    expect((await post(service, call('who'), { ...session, ...headersFor('bob') })).status).toBe(404);
    expect((await post(service, call('who'), { ...session, ...headersFor('ada') })).status).toBe(200);
  });

  it('keep cached answers apart', async () => {
    const service = await serve({ features: { cache: true }, env: { CACHE_TOOLS: 'who:60' } });
    const told = await interleave(service);
    expect([...told.ada].join()).not.toContain('bob');
    expect([...told.bob].join()).not.toContain('ada');
  });

  it('never reach the log', async () => {
    const spoil = (file: string, text: string): string =>
      file.endsWith('create-server.js')
        ? text.replace(
            'const key',
            "console.error('asked with', credential('FORGE_TOKEN')); Promise.reject(new Error(`no luck with ${credential('MIRROR_TOKEN')}`)); const key",
          )
        : text;
    const service = await serve({ spoil, env: { LOG_LEVEL: 'trace' } });
    expect(await who(await connect(service, headersFor('ada')))).toContain('of-ada');
    await sleep(100);
    const log = JSON.stringify(service.log()) + service.stderr();
    expect(log).toContain('asked with [redacted]');
    expect(log).toContain('no luck with [redacted]');
    expect(log).not.toContain('of-ada');
  });
});
