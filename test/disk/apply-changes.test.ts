import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { applyChanges, JOURNAL, recoverInterrupted } from '../../src/disk.js';
import type { Change } from '../../src/model.js';
import { scratch, snapshot } from './scratch.js';

const change = (path: string, before: string | null, after: string | null): Change => ({
  path,
  before,
  after,
  why: 'test',
});

const codes = async (root: string, ...changes: Change[]) => {
  const applied = await applyChanges(root, changes);
  return applied.outcome === 'applied' ? [] : applied.diagnostics.map((one) => one.code);
};

describe('applying changes', () => {
  it('creates, updates and deletes, and leaves nothing else', async () => {
    const root = scratch({ 'src/index.ts': 'old\n', 'gone.txt': 'gone' });
    const changes = [
      change('src/index.ts', 'old\n', 'new\n'),
      change('src/http/main.ts', null, 'main\n'),
      change('gone.txt', 'gone', null),
    ];
    expect(await codes(root, ...changes)).toEqual([]);
    expect(snapshot(root)).toEqual({ 'src/index.ts': 'new\n', 'src/http/main.ts': 'main\n' });
  });

  it('restores the project byte for byte with the inverted changes', async () => {
    const files = { 'package.json': '{\r\n\t"a": 1\r\n}', 'a.ts': '\uFEFFa' };
    const root = scratch(files);
    const changes = [
      change('package.json', files['package.json'], '{}'),
      change('a.ts', '\uFEFFa', 'b'),
      change('x', null, 'x'),
    ];
    await applyChanges(root, changes);
    await applyChanges(
      root,
      changes.map((one) => ({ ...one, before: one.after, after: one.before })),
    );
    expect(snapshot(root)).toEqual(files);
  });

  it('keeps permissions', async () => {
    const root = scratch({ 'cli.js': 'old' });
    fs.chmodSync(path.join(root, 'cli.js'), 0o755);
    await applyChanges(root, [change('cli.js', 'old', 'new')]);
    expect(fs.statSync(path.join(root, 'cli.js')).mode & 0o777).toBe(0o755);
  });

  it('refuses everything when one file is not as it was read', async () => {
    const root = scratch({ 'a.ts': 'edited', 'b.ts': 'b' });
    expect(await codes(root, change('b.ts', 'b', 'B'), change('a.ts', 'a', 'A'))).toEqual([
      'changed-meanwhile',
    ]);
    expect(snapshot(root)).toEqual({ 'a.ts': 'edited', 'b.ts': 'b' });
  });

  it('compares bytes, so that a file that is not UTF-8 is not damaged', async () => {
    const root = scratch();
    const latin1 = Buffer.from([0x63, 0x61, 0x66, 0xe9]);
    fs.writeFileSync(path.join(root, 'a.ts'), latin1);
    expect(await codes(root, change('a.ts', latin1.toString('utf8'), 'A'))).toEqual(['changed-meanwhile']);
    expect(fs.readFileSync(path.join(root, 'a.ts'))).toEqual(latin1);
  });

  it('refuses to create what exists and to update what does not', async () => {
    const root = scratch({ 'a.ts': 'a' });
    expect(await codes(root, change('a.ts', null, 'A'))).toEqual(['path-taken']);
    expect(await codes(root, change('b.ts', 'b', 'B'))).toEqual(['changed-meanwhile']);
  });

  it('refuses paths that leave the project', async () => {
    const root = scratch();
    expect(await codes(root, change('../x', null, 'x'))).toEqual(['path-outside']);
    expect(await codes(root, change('/x', null, 'x'))).toEqual(['path-outside']);
    expect(await codes(root, change('a/../../x', null, 'x'))).toEqual(['path-outside']);
  });

  it('refuses symbolic links that leave the project', async () => {
    const outside = scratch({ 'secret.txt': 'secret' });
    const root = scratch();
    fs.symlinkSync(outside, path.join(root, 'linked'));
    fs.symlinkSync(path.join(outside, 'secret.txt'), path.join(root, 'file.txt'));
    fs.symlinkSync(path.join(outside, 'nowhere'), path.join(root, 'dangling'));
    expect(await codes(root, change('linked/new.ts', null, 'x'))).toEqual(['symlink-outside']);
    expect(await codes(root, change('file.txt', 'secret', 'x'))).toEqual(['symlink-outside']);
    expect(await codes(root, change('dangling', null, 'x'))).toEqual(['symlink-outside']);
    expect(snapshot(outside)).toEqual({ 'secret.txt': 'secret' });
  });

  it('writes through a symbolic link that stays inside, and keeps the link', async () => {
    const root = scratch({ 'real/a.ts': 'a' });
    fs.symlinkSync('real', path.join(root, 'link'));
    expect(await codes(root, change('link/a.ts', 'a', 'A'))).toEqual([]);
    expect(fs.readFileSync(path.join(root, 'real/a.ts'), 'utf8')).toBe('A');
    expect(fs.lstatSync(path.join(root, 'link')).isSymbolicLink()).toBe(true);
  });

  it('takes everything back when a signal arrives meanwhile', async () => {
    const root = scratch({ 'a.ts': 'a' });
    const applying = codes(root, change('a.ts', 'a', 'A'), change('b.ts', null, 'B'));
    process.emit('SIGTERM', 'SIGTERM');
    expect(await applying).toEqual(['write-failed']);
    expect(snapshot(root)).toEqual({ 'a.ts': 'a' });
  });

  it('leaves alone what was edited after an interruption, and says so', () => {
    const root = scratch({
      'a.ts': 'edited since',
      [JOURNAL]: JSON.stringify({
        steps: [{ path: 'a.ts', temporary: '.a.ts.tmp', before: 'a', after: 'A' }],
        directories: [],
      }),
    });
    const recovered = recoverInterrupted(root);
    expect(recovered).toMatchObject({ outcome: 'refused', diagnostics: [{ code: 'recovery-blocked' }] });
    expect(snapshot(root)).toHaveProperty(['a.ts'], 'edited since');
    expect(snapshot(root)).toHaveProperty([JOURNAL]);
  });

  it('does not follow a journal out of the project', () => {
    const outside = scratch();
    const root = scratch();
    const step = {
      path: path.relative(root, path.join(outside, 'x')),
      temporary: '.x',
      before: 'evil',
      after: null,
    };
    fs.writeFileSync(path.join(root, JOURNAL), JSON.stringify({ steps: [step], directories: [] }));
    expect(recoverInterrupted(root)).toMatchObject({
      outcome: 'refused',
      diagnostics: [{ code: 'path-outside' }],
    });
    expect(snapshot(outside)).toEqual({});
  });
});
