import { expect, it } from 'vitest';
import { parseScript } from '../../src/verify/workbench.js';

it('runs a plain script without a shell, so that signals reach the server', () => {
  expect(parseScript('node dist/http/main.js --dir "a b"')).toEqual({
    command: process.execPath,
    args: ['dist/http/main.js', '--dir', 'a b'],
    env: {},
  });
  expect(parseScript("NODE_ENV=production TITLE='x y' tsx src/http/main.ts")).toEqual({
    command: 'tsx',
    args: ['src/http/main.ts'],
    env: { NODE_ENV: 'production', TITLE: 'x y' },
  });
});

it('leaves to a shell what only a shell understands', () => {
  expect(parseScript('node build.js && node main.js')).toEqual({
    command: 'sh',
    args: ['-c', 'node build.js && node main.js'],
    env: {},
  });
});
