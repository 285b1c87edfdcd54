import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { verify } from '../../src/commands.js';
import { isError } from '../../src/diagnostics.js';
import { readProject } from '../../src/disk.js';
import { runCommand } from '../../src/exec.js';
import { readManifest } from '../../src/plan/manifest.js';
import type { Outcome } from '../../src/run.js';
import { openWorkbench } from '../../src/verify/workbench.js';
import { convertQuietly, quietly } from '../cli/run-fixture.js';

const LONG = 300_000;
const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

let root: string | undefined;
afterEach(() => {
  if (root) fs.rmSync(root, { recursive: true, force: true });
});

/** Converts a copy of a fixture as a user would; its packages are the repository's own. */
async function convert(fixture: string): Promise<{ root: string; result: Outcome['result'] }> {
  root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'converted-')));
  fs.cpSync(path.join(REPOSITORY, 'fixtures', fixture), root, { recursive: true });
  const { result } = await convertQuietly(root, {});
  expect(result.diagnostics.filter(isError)).toEqual([]);
  fs.symlinkSync(path.join(REPOSITORY, 'node_modules'), path.join(root, 'node_modules'));
  return { root, result };
}

it('a converted server that has everything passes the whole conformance suite', {
  timeout: LONG,
}, async () => {
  const converted = await convert('verify/conformance');
  const project = readProject(converted.root);
  const manifest = readManifest(project);
  if (!manifest || 'code' in manifest) throw new Error('not converted');
  const { inspection, options } = converted.result;
  const bench = openWorkbench({
    project,
    manifest,
    inspection: inspection!,
    options: options!,
    env: process.env,
  });
  try {
    const service = await bench.startService();
    const suite = await runCommand('conformance', ['server', '--url', service.url], {
      cwd: REPOSITORY,
      timeoutMs: LONG,
    });
    expect(suite.output.match(/^✗ .*$/gm) ?? []).toEqual([]);
    expect(suite.output.match(/^✓ .*$/gm)?.length).toBeGreaterThanOrEqual(30);
    expect(suite.code).toBe(0);
  } finally {
    await bench.dispose();
  }
});

it('a converted server is proven until the line that keeps its clients apart is taken out', {
  timeout: LONG,
}, async () => {
  const converted = await convert('convert/state-isolated/input');
  const statuses = async () => {
    const { result } = await verify(quietly(converted.root));
    return Object.fromEntries(result.checks.map(({ id, status }) => [id, status]));
  };
  expect(await statuses()).toMatchObject({
    drift: 'pass',
    parity: 'pass',
    isolation: 'pass',
    concurrency: 'pass',
  });

  const scope = path.join(converted.root, 'src/http/session-scope.ts');
  const text = fs.readFileSync(scope, 'utf8');
  const shared = text.replace('currentScope() ?? processScope', 'processScope');
  expect(shared).not.toBe(text);
  fs.writeFileSync(scope, shared);
  expect(await statuses()).toMatchObject({
    drift: 'pass',
    parity: 'pass',
    isolation: 'fail',
    concurrency: 'fail',
  });
});
