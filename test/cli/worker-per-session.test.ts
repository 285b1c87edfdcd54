import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isError, word } from '../../src/diagnostics.js';
import { scratch } from '../disk/scratch.js';
import { type Connected, connect, type Service, textOf, until } from '../runtime/service.js';
import { serveFixture } from './compiled-fixture.js';
import { convertQuietly, readFixtures } from './run-fixture.js';

/** State that cannot be separated in the sources, with a worker for each session. */

let service: Service;
beforeAll(async () => {
  service = await serveFixture('worker-per-session', {
    env: { LOG_LEVEL: 'debug', MAX_SESSIONS: '3', SESSION_MEMORY_MB: '64' },
  });
});
afterAll(() => service.stop());

const use = async ({ client }: Connected, name: string, args: Record<string, unknown> = {}) =>
  JSON.parse(textOf(await client.callTool({ name, arguments: args })));

const leave = async ({ client, transport }: Connected) => {
  await transport.terminateSession();
  await client.close();
};

const threads = (): number => fs.readdirSync(`/proc/${service.child.pid}/task`).length;
const workers = (): unknown =>
  service
    .log()
    .filter(({ msg }) => msg === 'A worker has ended')
    .at(-1)?.['workers'];

describe('a worker for each session', () => {
  it('keeps what two clients say, one after the other, each to itself', async () => {
    const before = threads();
    const ann = await connect(service);
    const bob = await connect(service);
    expect(threads()).toBeGreaterThan(before);
    const expected: Record<string, string[]> = { ann: [], bob: [] };
    for (const note of ['first', 'second', 'third']) {
      for (const [by, who] of [['ann', ann] as const, ['bob', bob] as const]) {
        expected[by]?.push(`${note} of ${by}`);
        expect(await use(who, 'write', { by, note: `${note} of ${by}` })).toEqual(expected[by]);
      }
    }
    expect(await use(ann, 'read')).toEqual({ notes: expected.ann, author: 'ann', inEnvironment: 'ann' });
    expect(await use(bob, 'read')).toEqual({ notes: expected.bob, author: 'bob', inEnvironment: 'bob' });
    expect(service.log()).toContainEqual(
      expect.objectContaining({ msg: 'bob wrote third of bob', session_id: bob.transport.sessionId }),
    );
    await leave(ann);
    await leave(bob);
    await until(() => workers() === 0);
    await until(() => threads() <= before);
  });

  it('carries what a call says before its result', async () => {
    const ann = await connect(service);
    const progress: number[] = [];
    const request = { name: 'write', arguments: { by: 'ann', note: 'x' } };
    await ann.client.callTool(request, undefined, { onprogress: (one) => progress.push(one.progress) });
    expect(progress).toEqual([1]);
    await leave(ann);
  });

  it.each(['leave', 'stumble', 'hoard'])('ends the session of who calls %s, and no other', async (tool) => {
    const bob = await connect(service);
    await use(bob, 'write', { by: 'bob', note: 'kept' });
    const ann = await connect(service);
    await expect(ann.client.callTool({ name: tool })).rejects.toThrow('The connection was closed');
    await expect(ann.client.ping()).rejects.toThrow('Session not found');
    expect(await use(bob, 'read')).toMatchObject({ notes: ['kept'] });
    await ann.client.close();
    await leave(bob);
    await until(() => workers() === 0);
  });

  it('answers a call whose promise was rejected, and goes on with its session', async () => {
    const ann = await connect(service);
    await use(ann, 'write', { by: 'ann', note: 'kept' });
    await expect(ann.client.callTool({ name: 'forget' })).rejects.toThrow('Internal error');
    expect(await use(ann, 'read')).toMatchObject({ notes: ['kept'] });
    await leave(ann);
  });

  it('opens no more than MAX_SESSIONS', async () => {
    const open = [await connect(service), await connect(service), await connect(service)];
    await expect(connect(service)).rejects.toThrow('Too many sessions');
    await Promise.all(open.map(leave));
    await until(() => workers() === 0);
  });

  it('ends every worker when the service shuts down', async () => {
    await connect(service);
    service.child.kill('SIGTERM');
    expect(await service.exited()).toBe(0);
    expect(workers()).toBe(0);
  });
});

it('is the way out that a refusal names', async () => {
  const fixture = readFixtures('convert').find(({ name }) => name === 'worker-per-session');
  const { result } = await convertQuietly(scratch(fixture?.input ?? {}), {});
  const said = result.diagnostics.filter(isError).map(word);
  expect([...new Set(said.map(({ code }) => code))]).toEqual(['state-not-isolated']);
  expect(said[0]?.hint).toContain('--isolation worker');
});
