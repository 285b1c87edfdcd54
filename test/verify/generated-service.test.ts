import fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Check } from '../../src/model.js';
import { verifyProject } from '../../src/verify/verify-project.js';
import { convertNotebook, STATELESS } from './converted-notebook.js';

/** Other tests build and run beside these. */
const MINUTES = 100_000;

let remove = () => {};
afterEach(() => remove());

type Given = Parameters<typeof convertNotebook>[0] & { readonly replicas?: boolean };

async function verify(given: Given): Promise<Record<string, Check>> {
  const converted = convertNotebook(given);
  remove = converted.remove;
  const { checks } = await verifyProject({ ...converted.site, replicas: given.replicas ?? false });
  return Object.fromEntries(checks.map((check) => [check.id, check]));
}

const failing = (checks: Record<string, Check>) =>
  Object.values(checks)
    .filter(({ status }) => status === 'fail')
    .map(({ id, detail, differences }) => ({ id, detail, differences }));

describe('a stateful service', () => {
  it('is proven', { timeout: 3 * MINUTES }, async () => {
    const checks = await verify({});
    expect(failing(checks)).toEqual([]);
    expect(checks.isolation?.status).toBe('pass');
    expect(checks.conformance?.status).toBe('pass');
  });

  it('fails isolation when what keeps clients apart is taken out', { timeout: 3 * MINUTES }, async () => {
    const checks = await verify({
      sources: { 'src/notes.ts': 'export const notes: { value: string[] } = { value: [] };\n' },
    });
    expect(failing(checks).map(({ id }) => id)).toEqual(['isolation', 'concurrency']);
    expect(checks.isolation?.differences?.[0]).toMatch(/finds what another client said in tool note/);
  });

  it('fails parity when it is served without sessions', { timeout: 3 * MINUTES }, async () => {
    const checks = await verify({ seam: { sessions: 'stateless' } });
    expect(failing(checks).map(({ id }) => id)).toContain('parity');
    expect(checks.parity?.differences?.join('\n')).toMatch(
      /tool note, call 2: .*2: alphaqx alphaqx.* → .*1: alphaqx/,
    );
  });

  it('does not build when a generated file is broken', { timeout: 3 * MINUTES }, async () => {
    const checks = await verify({ sources: { 'src/http/health.ts': 'export const nothing: string = 1;\n' } });
    expect(checks.drift?.detail).toMatch(/1 edited by hand \(src\/http\/health\.ts\)/);
    expect(checks.build).toMatchObject({ status: 'fail', detail: expect.stringContaining('error TS') });
    expect(checks.parity).toMatchObject({ status: 'skip', detail: 'the build fails' });
  });
});

describe('a stateless service', () => {
  it('is proven, two processes taking turns as well', { timeout: 3 * MINUTES }, async () => {
    const checks = await verify({ ...STATELESS, replicas: true });
    expect(failing(checks)).toEqual([]);
    expect(checks.replicas).toMatchObject({ status: 'pass', detail: expect.stringContaining('none lost') });
  });

  it('is proven behind OAuth', { timeout: 3 * MINUTES }, async () => {
    const checks = await verify({ ...STATELESS, options: { auth: 'oauth' } });
    expect(failing(checks)).toEqual([]);
    expect(checks.defence?.detail).toMatch(/12 kinds of attack/);
  });

  it('is proven with every feature, and without what they connect to', { timeout: 3 * MINUTES }, async () => {
    const checks = await verify({
      ...STATELESS,
      options: {
        auth: 'api-key',
        rateLimit: 'redis',
        database: 'postgres',
        secrets: 'vault',
        cache: true,
        metrics: true,
        tracing: true,
      },
    });
    expect(failing(checks)).toEqual([]);
    expect(checks.stdio?.detail).toContain('with a made-up REDIS_URL, DATABASE_URL');
  });
});

it('leaves the project as it was built', { timeout: 3 * MINUTES }, async () => {
  const converted = convertNotebook(STATELESS);
  remove = converted.remove;
  const { root } = converted.site.project;
  const before = list(root);
  await verifyProject(converted.site);
  expect(list(root).filter((file) => !file.startsWith('dist'))).toEqual(before);
});

const list = (root: string): string[] =>
  fs
    .readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('node_modules'))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
    .sort();
