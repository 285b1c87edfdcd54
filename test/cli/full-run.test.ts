import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { convert } from '../../src/commands.js';
import { isError } from '../../src/diagnostics.js';
import { scratch, snapshot } from '../disk/scratch.js';
import { quietly, readFixtures } from './run-fixture.js';

const { input } = readFixtures('convert').find((fixture) => fixture.name === 'example')!;

/** Everything a run does: baseline, apply, install, build, verify. */
async function runInFull(root: string) {
  const { exitCode, result } = await convert(quietly(root, { install: true, verify: true }));
  expect(result.diagnostics.filter(isError)).toEqual([]);
  expect(result.checks.filter((check) => check.status === 'fail')).toEqual([]);
  expect(exitCode).toBe(0);
  const stdio = result.checks.find((check) => check.id === 'stdio');
  expect(stdio?.detail).toContain('as before the conversion');
  return result;
}

describe('a whole run', () => {
  it('in a pnpm workspace, on a server that uses another of its packages', async () => {
    const server = Object.fromEntries(
      Object.entries(input).map(([file, text]) => [`packages/server/${file}`, text]),
    );
    const manifest = JSON.parse(server['packages/server/package.json']!);
    manifest.dependencies['@example/lengths'] = 'workspace:*';
    const units = server['packages/server/src/units.ts']!;
    const root = scratch({
      ...server,
      'package.json': '{ "private": true }\n',
      'pnpm-workspace.yaml': 'packages:\n  - packages/*\n',
      'packages/server/package.json': `${JSON.stringify(manifest, null, 2)}\n`,
      'packages/server/src/units.ts': units.replace(
        /^.*const lengths = .*$/m,
        "import { lengths } from '@example/lengths';\n",
      ),
      'packages/lengths/package.json':
        '{ "name": "@example/lengths", "version": "1.0.0", "type": "module", "exports": { ".": { "types": "./index.d.ts", "default": "./index.js" } } }\n',
      'packages/lengths/index.js': 'export const lengths = { m: 1, km: 1000 };\n',
      'packages/lengths/index.d.ts': 'export declare const lengths: { readonly m: 1; readonly km: 1000 };\n',
    });
    const outside = Object.keys(snapshot(root)).filter((file) => !file.startsWith('packages/server/'));

    const result = await runInFull(path.join(root, 'packages/server'));
    expect(result.inspection?.packageManager).toBe('pnpm');

    const now = Object.keys(snapshot(root)).filter((file) => !file.includes('node_modules'));
    const added = now.filter((file) => !file.startsWith('packages/server/') && !outside.includes(file));
    expect(added).toEqual(['pnpm-lock.yaml']);
  }, 400_000);

  it('with yarn', async () => {
    // Yarn 1, whatever the machine has.
    const local = fileURLToPath(new URL('../../node_modules/.bin', import.meta.url));
    vi.stubEnv('PATH', `${local}${path.delimiter}${process.env.PATH}`);
    onTestFinished(() => void vi.unstubAllEnvs());
    const result = await runInFull(scratch({ ...input, 'yarn.lock': '' }));
    expect(result.inspection?.packageManager).toBe('yarn');
  }, 400_000);
});
