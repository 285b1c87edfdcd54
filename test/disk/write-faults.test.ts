import { fs as memory, vol } from 'memfs';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Change } from '../../src/model.js';

/** Every call that changes the disk fails when its turn comes. */
const faults = vi.hoisted(() => ({ calls: 0, failing: (_: number): boolean => false }));

vi.mock('node:fs', async () => {
  const { fs } = await import('memfs');
  const writing = [
    'openSync',
    'writeFileSync',
    'fsyncSync',
    'renameSync',
    'mkdirSync',
    'unlinkSync',
    'rmSync',
    'fchmodSync',
    'rmdirSync',
  ];
  const faulty = Object.fromEntries(
    Object.entries(fs).map(([name, value]) => {
      if (!writing.includes(name)) return [name, value];
      const call = (...args: unknown[]) => {
        faults.calls += 1;
        if (faults.failing(faults.calls)) throw new Error(`ENOSPC: ${name}`);
        return (value as (...args: unknown[]) => unknown).apply(fs, args);
      };
      return [name, call];
    }),
  );
  return { ...faulty, default: faulty };
});

const { applyChanges, recoverInterrupted } = await import('../../src/disk/apply-changes.js');

const before = { '/p/package.json': '{}', '/p/src/index.ts': 'old', '/p/old.txt': 'old' };
const changes: readonly Change[] = [
  { path: 'src/index.ts', before: 'old', after: 'new', why: '' },
  { path: 'src/http/main.ts', before: null, after: 'main', why: '' },
  { path: 'old.txt', before: 'old', after: null, why: '' },
  { path: 'package.json', before: '{}', after: '{ }', why: '' },
];
const after = { '/p/package.json': '{ }', '/p/src/index.ts': 'new', '/p/src/http/main.ts': 'main' };

beforeEach(() => {
  vol.reset();
  vol.fromJSON(before);
  faults.calls = 0;
  faults.failing = () => false;
});

async function countCalls(): Promise<number> {
  expect(await applyChanges('/p', changes)).toEqual({ outcome: 'applied' });
  expect(vol.toJSON()).toEqual(after);
  return faults.calls;
}

describe('a write that fails', () => {
  it('leaves nothing changed, whichever it is', async () => {
    const calls = await countCalls();
    expect(calls).toBeGreaterThan(20);
    for (let nth = 1; nth <= calls; nth += 1) {
      vol.reset();
      vol.fromJSON(before);
      faults.calls = 0;
      faults.failing = (call) => call === nth;
      const applied = await applyChanges('/p', changes);
      expect(applied, `call ${nth}`).toMatchObject({ outcome: 'refused' });
      expect(vol.toJSON(), `call ${nth}`).toEqual(before);
    }
  });

  it('is repaired by the next run when everything after it fails too', async () => {
    const calls = await countCalls();
    const said = new Set<string>();
    for (let nth = 1; nth <= calls; nth += 1) {
      vol.reset();
      vol.fromJSON(before);
      faults.calls = 0;
      faults.failing = (call) => call >= nth;
      const applied = await applyChanges('/p', changes);
      if (applied.outcome === 'refused') for (const one of applied.diagnostics) said.add(one.code);
      expect(applied, `call ${nth}`).toMatchObject({ outcome: 'refused' });
      faults.failing = () => false;
      recoverInterrupted('/p');
      expect(vol.toJSON(), `call ${nth}`).toEqual(before);
    }
    expect(memory.existsSync('/p/src/http')).toBe(false);
    expect([...said].sort()).toEqual(['roll-back-failed', 'write-failed']);
  });
});
