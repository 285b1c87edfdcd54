import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { convertQuietly } from '../cli/run-fixture.js';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const CLI = path.join(REPOSITORY, 'dist/cli.js');

let root: string;
let temporary: string;
beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'interrupted-')));
  temporary = fs.mkdtempSync(path.join(os.tmpdir(), 'interrupted-tmp-'));
});
afterEach(() => {
  for (const directory of [root, temporary]) fs.rmSync(directory, { recursive: true, force: true });
});

it('a verification that is interrupted takes its processes and files with it', {
  timeout: 180_000,
}, async () => {
  fs.cpSync(path.join(REPOSITORY, 'fixtures/verify/conformance'), root, { recursive: true });
  await convertQuietly(root, {});
  fs.symlinkSync(path.join(REPOSITORY, 'node_modules'), path.join(root, 'node_modules'));

  const program = spawn(process.execPath, [CLI, 'verify', root], {
    env: { ...process.env, TMPDIR: temporary },
    stdio: 'ignore',
  });
  const ended = new Promise((resolve) => program.on('exit', resolve));
  while (processesAt(temporary).length < 2) await sleep(20);
  program.kill('SIGINT');
  await ended;
  await vi.waitFor(() => expect(processesAt(temporary)).toEqual([]), { timeout: 10_000 });
  expect(fs.readdirSync(temporary)).toEqual([]);
});

/** Processes whose home lies in `directory`. */
const processesAt = (directory: string): string[] =>
  fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return fs.readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`HOME=${directory}`);
      } catch {
        return false;
      }
    });
