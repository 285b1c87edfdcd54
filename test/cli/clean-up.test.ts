import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { scratch } from '../disk/scratch.js';
import { call, post, run, textOf } from '../runtime/service.js';
import { compileFixture } from './compiled-fixture.js';
import { convertQuietly, readFixtures } from './run-fixture.js';

it('does what the project did on a signal: once when the service ends, and over stdio as before', async () => {
  const root = await compileFixture('cleans-up');
  const file = path.join(scratch({}), 'shelf.txt');
  const env = { PATH: process.env.PATH, SHELF_FILE: file };
  const lines = () => fs.readFileSync(file, 'utf8').trim().split('\n');

  const stdio = spawn(process.execPath, ['dist/index.js'], { cwd: root, env });
  await once(stdio.stderr, 'data');
  stdio.kill('SIGINT');
  expect((await once(stdio, 'exit'))[0]).toBe(0);
  expect(lines()).toEqual(['closed']);

  const service = await run(root, { env: { SHELF_FILE: file } });
  for (const item of ['vase', 'book']) {
    const answer = (await (await post(service, call('put', { item }))).json()) as { result: unknown };
    expect(textOf(answer.result)).toBe(`${item} is on the shelf`);
  }
  service.child.kill('SIGTERM');
  expect(await service.exited()).toBe(0);
  expect(lines()).toEqual(['closed', 'vase', 'book', 'closed']);
  expect(service.log().filter(({ level }) => level === 'error')).toMatchObject([{ msg: 'SIGTERM: closing' }]);
});

it('says so when it stays with the stdio program', async () => {
  const { input } = readFixtures('convert').find(({ name }) => name === 'cleans-up')!;
  const main = input['src/index.ts']!.replace(
    'let isClosing',
    'const transport = new StdioServerTransport();\n  let isClosing',
  )
    .replace('await server.close()', 'await transport.close()')
    .replace('connect(new StdioServerTransport())', 'connect(transport)');
  const { result } = await convertQuietly(scratch({ ...input, 'src/index.ts': main }), {});
  expect(result.diagnostics.filter(({ code }) => code === 'clean-up-left')).toHaveLength(2);
});
