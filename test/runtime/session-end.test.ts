import { afterAll, expect, it } from 'vitest';
import { type Connected, call, connect, post, type Service, startService, textOf, until } from './service.js';

/** Starts something for its client wherever a server can: while it is built, in a call, in its state. */
const server = `
import { spawn } from 'node:child_process';
import { watch } from 'node:fs';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { sessionScoped } from './http/session-scope.js';
const watchers = sessionScoped(() => new Map());
const idle = () => spawn('sleep', ['600']);
export function createServer() {
  const server = new McpServer({ name: 'busy', version: '1.0.0' });
  setInterval(() => {}, 60_000);
  idle();
  server.registerTool('start', {}, () => {
    setInterval(() => {}, 60_000);
    setTimeout(function again() { setTimeout(again, 500); }, 500);
    idle();
    watchers.value.set('here', watch('.'));
    return { content: [] };
  });
  server.registerTool('open', {}, () => {
    const count = {};
    for (const kind of process.getActiveResourcesInfo()) count[kind] = (count[kind] ?? 0) + 1;
    return { content: [{ type: 'text', text: JSON.stringify(count) }] };
  });
  return server;
}
`;

interface Open {
  readonly Timeout?: number;
  readonly ProcessWrap?: number;
  readonly FSEventWrap?: number;
}

let service: Service;
afterAll(() => service.stop());

const openIn = async ({ client }: Connected): Promise<Open> =>
  JSON.parse(textOf(await client.callTool({ name: 'open' })));

it('ends what 50 sessions have started, and nothing of the one that stays', {
  timeout: 180_000,
}, async () => {
  service = await startService({ server, seam: { sessions: 'stateful', ownsWhatItStarts: true } });
  const observer = await connect(service);
  await observer.client.callTool({ name: 'start' });
  const before = await openIn(observer);
  expect(before).toMatchObject({ ProcessWrap: 2, FSEventWrap: 1 });
  const sessions: Connected[] = [];
  for (let n = 0; n < 50; n++) {
    const session = await connect(service);
    await session.client.callTool({ name: 'start' });
    sessions.push(session);
  }
  const during = await openIn(observer);
  expect(during).toMatchObject({ ProcessWrap: 102, FSEventWrap: 51 });
  expect(during.Timeout).toBeGreaterThanOrEqual((before.Timeout ?? 0) + 150);
  for (const { client, transport } of sessions) {
    await transport.terminateSession();
    await client.close();
  }
  await until(async () => {
    const after = await openIn(observer);
    return (
      after.ProcessWrap === 2 && after.FSEventWrap === 1 && (after.Timeout ?? 0) <= (before.Timeout ?? 0) + 2
    );
  }, 20_000);
  await observer.client.close();
  await service.stop();
});

it('ends what servers of stateless requests have started while they were built', async () => {
  service = await startService({ server, seam: { ownsWhatItStarts: true } });
  const open = async (): Promise<Open> => {
    const { result } = (await (await post(service, call('open'))).json()) as { result: unknown };
    return JSON.parse(textOf(result));
  };
  const before = await open();
  for (let n = 0; n < 10; n++) await open();
  await until(async () => {
    const after = await open();
    return after.ProcessWrap === 1 && (after.Timeout ?? 0) <= (before.Timeout ?? 0) + 2;
  });
});

it('ends a session whose server puts a handler of its own in place of onclose, as older SDKs do', async () => {
  const own = server.replace(
    'return server;',
    `return { connect: async (transport) => {
    await server.connect(transport);
    transport.onclose = () => {};
  } };`,
  );
  service = await startService({
    server: own,
    seam: { sessions: 'stateful', ownsWhatItStarts: true, connects: true },
  });
  const observer = await connect(service);
  const { client, transport } = await connect(service);
  expect(await openIn(observer)).toMatchObject({ ProcessWrap: 2 });
  await transport.terminateSession();
  await client.close();
  await until(async () => (await openIn(observer)).ProcessWrap === 1);
});
