import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Change } from '../../src/model.js';
import { scratch, snapshot } from './scratch.js';

const dist = fileURLToPath(new URL('../../dist', import.meta.url));
/** The same before it is bundled: here its modules can be imported one by one. */
const build = fileURLToPath(new URL('../../build', import.meta.url));

const before = { 'package.json': '{ "name": "killed" }', 'src/index.ts': 'old', 'old.txt': 'old' };
const changes: readonly Change[] = [
  { path: 'src/index.ts', before: 'old', after: 'new', why: '' },
  { path: 'src/http/main.ts', before: null, after: 'main', why: '' },
  { path: 'old.txt', before: 'old', after: null, why: '' },
  { path: 'package.json', before: before['package.json'], after: '{}', why: '' },
];

/** Applies the changes in a process that is killed instead of making its nth rename. */
function applyAndDie(root: string, nth: number): NodeJS.Signals | null {
  const program = `
    import fs from 'node:fs';
    import { syncBuiltinESMExports } from 'node:module';
    const rename = fs.renameSync;
    let calls = 0;
    fs.renameSync = (...args) => ++calls === ${nth} ? process.kill(process.pid, 'SIGKILL') : rename(...args);
    syncBuiltinESMExports();
    const { applyChanges } = await import(${JSON.stringify(path.join(build, 'disk.js'))});
    await applyChanges(${JSON.stringify(root)}, ${JSON.stringify(changes)});
  `;
  return spawnSync(process.execPath, ['--input-type=module', '-e', program]).signal;
}

describe('a run that is killed while it writes', () => {
  it.each([1, 2, 3, 4])('is taken back by the next run, whatever that does (rename %i)', (nth) => {
    const root = scratch(before);
    expect(applyAndDie(root, nth)).toBe('SIGKILL');
    expect(snapshot(root)).not.toEqual(before);

    const next = spawnSync(process.execPath, [path.join(dist, 'cli.js'), 'inspect', root, '--json'], {
      encoding: 'utf8',
    });
    expect(snapshot(root)).toEqual(before);
    const codes = JSON.parse(next.stdout).diagnostics.map((one: { code: string }) => one.code);
    // The first rename is the journal's own: killed before it, nothing had begun.
    expect(codes.includes('run-recovered')).toBe(nth > 1);
  });
});
