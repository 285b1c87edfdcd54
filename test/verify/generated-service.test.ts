import { afterEach, expect, it } from 'vitest';
import type { Check } from '../../src/model.js';
import { verifyProject } from '../../src/verify/verify-project.js';
import { convertNotebook } from './converted-notebook.js';

const MINUTES = 60_000;

let remove = () => {};
afterEach(() => remove());

async function verify(given: Parameters<typeof convertNotebook>[0]): Promise<Record<string, Check>> {
  const converted = convertNotebook(given);
  remove = converted.remove;
  const { checks } = await verifyProject(converted.site);
  return Object.fromEntries(checks.map((check) => [check.id, check]));
}

const failing = (checks: Record<string, Check>) =>
  Object.values(checks)
    .filter(({ status }) => status === 'fail')
    .map(({ id, detail, differences }) => ({ id, detail, differences }));

it('a stateful service is proven', { timeout: 3 * MINUTES }, async () => {
  const checks = await verify({});
  expect(failing(checks)).toEqual([]);
  expect(checks.isolation?.status).toBe('pass');
});

it('isolation fails when what keeps clients apart is taken out', { timeout: 3 * MINUTES }, async () => {
  const checks = await verify({
    sources: { 'src/notes.ts': 'export const notes: { value: string[] } = { value: [] };\n' },
  });
  expect(failing(checks).map(({ id }) => id)).toEqual(['isolation', 'concurrency']);
  expect(checks.isolation?.differences?.[0]).toMatch(/finds what another client said in tool note/);
});
