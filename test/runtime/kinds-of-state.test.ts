import fs from 'node:fs';
import path from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileFixture, compileSources } from '../cli/compiled-fixture.js';
import { connect, run, type Service, textOf } from './service.js';

/** The keys of `kinds` in the fixture: one kind of state each. */
const kinds = [
  'assigned',
  'set',
  'array',
  'object',
  'frozen',
  'expression',
  'emitter',
  'closure',
  'generator',
  'module',
  'instance',
  'contained',
  'parsed',
  'exported',
  'imported',
  'singleton',
  'program',
];

type Pair = readonly [Client, Client];

/** What each of two clients is answered when they take turns with the same kind of state. */
async function answers([first, second]: Pair, kind: string): Promise<string[]> {
  const said: string[] = [];
  for (const [client, word] of [
    [first, 'ant'],
    [second, 'bee'],
    [first, 'cat'],
    [second, 'dog'],
    [first, 'eel'],
  ] as const)
    said.push(textOf(await client.callTool({ name: 'remember', arguments: { kind, word } })));
  return said;
}

/** Has each client ask for a message; gives what each has been sent so far. */
async function heardBy(clients: Pair): Promise<() => string[][]> {
  const heard: string[][] = [[], []];
  clients.forEach((client, index) => {
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
      heard[index]?.push(String(params.data));
    });
  });
  await clients[0].callTool({ name: 'log', arguments: { word: 'to the first' } });
  await clients[1].callTool({ name: 'log', arguments: { word: 'to the second' } });
  return () => heard;
}

let stdio: Pair;
let http: Pair;
let shared: Pair;
const services: Service[] = [];
const folders: string[] = [];

async function overStdio(folder: string): Promise<Client> {
  const client = new Client({ name: 'tester', version: '1.0.0' });
  await client.connect(
    new StdioClientTransport({ command: process.execPath, args: [path.join(folder, 'dist/index.js')] }),
  );
  return client;
}

async function overHttp(folder: string): Promise<Pair> {
  const service = await run(folder, {});
  services.push(service);
  return [(await connect(service)).client, (await connect(service)).client];
}

beforeAll(async () => {
  const original = await compileSources('kinds-of-state');
  folders.push(original);
  stdio = [await overStdio(original), await overStdio(original)];
  http = await overHttp(await compileFixture('kinds-of-state'));
  shared = await overHttp(
    await compileFixture('kinds-of-state', {
      features: { state: 'share', sessions: 'stateful' },
      // A server that is kept cannot be shared on request.
      spoil: (file, text) =>
        file === 'log.js' ? text.replace(/sessionScoped\(.*\)/, '{ value: undefined }') : text,
    }),
  );
});
afterAll(async () => {
  for (const client of [...(stdio ?? []), ...(http ?? []), ...(shared ?? [])]) await client.close();
  for (const service of services) await service.stop();
  for (const folder of folders) fs.rmSync(folder, { recursive: true, force: true });
});

describe('two clients of one service', () => {
  it.each(kinds)('are answered as by a process each: %s', async (kind) => {
    const own = await answers(stdio, kind);
    expect(own).not.toContain('"unknown"');
    expect(await answers(http, kind)).toEqual(own);
    // Shared on request, the same state mixes them up: what is compared can tell.
    expect(await answers(shared, kind)).not.toEqual(own);
  });

  it('have each what a process makes for itself at its start', async () => {
    const named = async (client: Client) => textOf(await client.callTool({ name: 'who' }));
    const [first, second] = http;
    expect(await named(first)).not.toBe(await named(second));
    expect(await named(first)).toBe(await named(first));
    expect(await named(shared[0])).toBe(await named(shared[1]));
  });

  it('are each sent their own messages by a logger that keeps the first server it is given', async () => {
    const own = [['to the first'], ['to the second']];
    await expect.poll(await heardBy(http)).toEqual(own);
    await expect.poll(await heardBy(shared)).toEqual([[], own.flat()]);
  });
});
