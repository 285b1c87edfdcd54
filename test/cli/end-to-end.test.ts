import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { verify } from '../../src/commands.js';
import { isError } from '../../src/diagnostics.js';
import { runCommand } from '../../src/exec.js';
import { scratch } from '../disk/scratch.js';
import { convertQuietly, isFullyVerified, quietly, readFixtures } from './run-fixture.js';

/** Installed packages by what was asked for: fixtures that want the same share them. */
const installed = new Map<string, string>();

afterAll(() => {
  for (const directory of installed.values()) fs.rmSync(directory, { recursive: true, force: true });
});

/** Gives a project the packages its package.json names, installed once for all that name the same. */
async function install(root: string, packageManager: string): Promise<void> {
  const { dependencies, devDependencies } = JSON.parse(
    fs.readFileSync(path.join(root, 'package.json'), 'utf8'),
  );
  const wanted = JSON.stringify({ private: true, dependencies, devDependencies });
  const key = createHash('sha256')
    .update(packageManager + wanted)
    .digest('hex')
    .slice(0, 12);
  let directory = installed.get(key);
  if (!directory) {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'create-mcp-prod-packages-'));
    installed.set(key, directory);
    fs.writeFileSync(path.join(directory, 'package.json'), wanted);
    const done = await runCommand(packageManager, ['install'], { cwd: directory, timeoutMs: 240_000 });
    expect(done, done.output).toMatchObject({ code: 0 });
  }
  fs.symlinkSync(path.join(directory, 'node_modules'), path.join(root, 'node_modules'));
}

describe('a converted fixture, installed and built', () => {
  const fixtures = readFixtures('convert').filter(({ name }) => isFullyVerified(name));
  it.each(fixtures.map((fixture) => [fixture.name, fixture] as const))(
    '%s answers over HTTP what it answered over stdio',
    async (_, fixture) => {
      const root = scratch(fixture.input);
      const converted = await convertQuietly(root, fixture.features);
      expect(converted.result.diagnostics.filter(isError)).toEqual([]);
      await install(root, converted.result.inspection?.packageManager ?? 'npm');
      const { exitCode, result } = await verify(quietly(root));
      expect(result.checks.filter((check) => check.status === 'fail')).toEqual([]);
      expect(result.checks.length).toBeGreaterThan(5);
      expect(exitCode).toBe(0);
    },
    300_000,
  );
});
