import fs from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Plan } from '../../src/model.js';
import { recordSurface } from '../../src/verify/record-surface.js';
import { verifyProject } from '../../src/verify/verify-project.js';
import { notesSite } from './site.js';

/** Other tests run beside these. */
const LONG = 180_000;

let temporary: string;
beforeEach(() => {
  temporary = fs.mkdtempSync(path.join(os.tmpdir(), 'verify-test-'));
  process.env.TMPDIR = temporary;
});
afterEach(() => {
  delete process.env.TMPDIR;
  fs.rmSync(temporary, { recursive: true });
});

const statuses = (checks: readonly { id: string; status: string }[]) =>
  Object.fromEntries(checks.map(({ id, status }) => [id, status]));

/** Processes whose private home lies in this test's temporary directory. */
const survivors = () =>
  fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return fs.readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`HOME=${temporary}`);
      } catch {
        return false;
      }
    });

it('proves a right project and leaves nothing behind', { timeout: LONG }, async () => {
  const site = notesSite({});
  const surface = await recordSurface(site);
  const heard: string[] = [];
  const { checks, evidence } = await verifyProject({
    ...site,
    manifest: { ...site.manifest, surface },
    measure: true,
    onProgress: (id, state) => heard.push(`${id} ${state}`),
  });
  expect(statuses(checks)).toEqual({
    drift: 'skip',
    types: 'skip',
    build: 'skip',
    stdio: 'pass',
    parity: 'pass',
    isolation: 'pass',
    concurrency: 'pass',
    conformance: 'pass',
    lifecycle: 'pass',
    defence: 'pass',
  });
  expect(evidence.surfaces.http).toEqual(evidence.surfaces.stdio);
  expect(evidence.calls).not.toContain('tool forget');
  expect(evidence.latency.http.length).toBeGreaterThan(10);
  expect(evidence.latency.stdio).toHaveLength(evidence.latency.http.length);
  expect(heard).toContain('parity pass');
  expect(fs.readdirSync(temporary)).toEqual([]);
  expect(survivors()).toEqual([]);
});

it('leaves nothing behind of a service that is wrong', { timeout: LONG }, async () => {
  const { checks } = await verifyProject(
    notesSite({ faults: ['missing-tool', 'exits-at-once', 'writes-a-file'] }),
  );
  expect(statuses(checks)).toMatchObject({
    parity: 'fail',
    lifecycle: 'fail',
    isolation: 'fail',
    defence: 'pass',
  });
  expect(checks.find(({ id }) => id === 'parity')?.differences).toContain('tools.count: missing');
  expect(fs.readdirSync(temporary)).toEqual([]);
  expect(survivors()).toEqual([]);
});

it('says what the stdio entry lost since the conversion', { timeout: LONG }, async () => {
  const site = notesSite({ faults: ['no-uptime'] });
  const surface = { ...(await recordSurface(site))!, instructions: 'Take many notes.' };
  const { checks } = await verifyProject({ ...site, manifest: { ...site.manifest, surface } });
  expect(checks.find(({ id }) => id === 'stdio')).toMatchObject({
    status: 'fail',
    detail: 'instructions: "Take many notes." → "Take notes."',
  });
});

it('calls a tool that does not declare readOnlyHint only when it is named', { timeout: LONG }, async () => {
  const { checks, evidence } = await verifyProject({ ...notesSite({}), call: ['forget'] });
  expect(evidence.calls).toContain('tool forget');
  expect(statuses(checks)).toMatchObject({ parity: 'pass', isolation: 'pass' });
});

it('calls tools that write beside the code in copies of the project', { timeout: LONG }, async () => {
  const site = notesSite({});
  const before = fs.readdirSync(site.project.root);
  const { checks, evidence } = await verifyProject({ ...site, call: ['save'] });
  expect(evidence.calls).toContain('tool save');
  expect(statuses(checks)).toMatchObject({ parity: 'pass', isolation: 'pass', concurrency: 'pass' });
  expect(fs.readdirSync(site.project.root)).toEqual(before);
  expect(fs.readdirSync(temporary)).toEqual([]);
});

it('works one by one where two processes do not fit beside each other', { timeout: LONG }, async () => {
  const { checks } = await verifyProject(notesSite({ args: ['--port', String(await freePort())] }));
  expect(statuses(checks)).toMatchObject({
    stdio: 'pass',
    parity: 'pass',
    isolation: 'skip',
    lifecycle: 'pass',
  });
  expect(checks.find(({ id }) => id === 'isolation')?.detail).toMatch(
    /two stdio processes do not run beside each other/,
  );
});

it('makes a value up for a required variable and says so', { timeout: LONG }, async () => {
  const site = notesSite({ args: ['--needs', 'NOTES_TOKEN'], required: ['NOTES_TOKEN'] });
  const { checks, evidence } = await verifyProject(site);
  expect(evidence.madeUp).toEqual(['NOTES_TOKEN']);
  expect(statuses(checks)).toMatchObject({ stdio: 'pass', parity: 'pass' });
});

it('fails what cannot be compared when the stdio entry does not start', { timeout: LONG }, async () => {
  const { checks } = await verifyProject(notesSite({ args: ['--needs', 'NOTES_TOKEN'] }));
  expect(checks.find(({ id }) => id === 'stdio')).toMatchObject({
    status: 'fail',
    detail: expect.stringContaining('NOTES_TOKEN is not set'),
  });
  expect(statuses(checks)).toMatchObject({ parity: 'skip', isolation: 'skip', lifecycle: 'skip' });
});

it('reports drift: what planning again would change, and generated files that are gone', async () => {
  const site = notesSite({ args: ['--needs', 'NOTES_TOKEN'] });
  const plan: Plan = {
    changes: [{ path: 'src/index.ts', before: 'a', after: 'b', why: 'becomes a factory' }],
    commands: [],
    diagnostics: [],
  };
  const manifest = { ...site.manifest, base: { 'src/http/main.ts': 'main' } };
  const { checks } = await verifyProject({ ...site, manifest, plan });
  expect(checks[0]).toMatchObject({
    id: 'drift',
    status: 'fail',
    differences: [
      'src/http/main.ts: missing',
      'notes-server.mjs: missing, but the service takes its servers from it',
      'planning again would change src/index.ts: becomes a factory',
    ],
  });
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
