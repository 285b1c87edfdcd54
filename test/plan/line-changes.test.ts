import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { Change } from '../../src/model.js';
import { countLines, unifiedDiff } from '../../src/plan/line-changes.js';
import { scratch, snapshot } from '../disk/scratch.js';

const lines = (...names: (string | number)[]) => names.map((name) => `${name}\n`).join('');
const change = (path: string, before: string | null, after: string | null): Change => ({
  path,
  before,
  after,
  why: '',
});
const count = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

const changes: readonly Change[] = [
  change(
    'far.txt',
    lines(...count(1, 40)),
    lines(...count(1, 4), 'five', ...count(6, 29), 'new', ...count(30, 40)),
  ),
  change('near.txt', lines(...count(1, 12)), lines('one', ...count(2, 6), 'seven', ...count(8, 12))),
  change('newline.txt', 'no newline', 'no newline\nand more'),
  change('gains.txt', 'x', 'x\n'),
  change('new/file.txt', null, 'hello\n'),
  change('gone.txt', 'bye\n', null),
  change('empty.txt', null, ''),
  change('crlf.txt', 'a\r\nb\r\n', 'a\r\nc\r\n'),
];

describe('the unified diff', () => {
  it('is what git applies to come to the same files', () => {
    const before = Object.fromEntries(
      changes.flatMap(({ path, before }) => (before === null ? [] : [[path, before]])),
    );
    const after = Object.fromEntries(
      changes.flatMap(({ path, after }) => (after === null ? [] : [[path, after]])),
    );
    const root = scratch(before);
    const applied = spawnSync('git', ['apply', '-'], {
      cwd: root,
      input: unifiedDiff(changes),
      encoding: 'utf8',
    });
    expect(applied.stderr).toBe('');
    expect(snapshot(root)).toEqual(after);
  });

  it('counts added and removed lines', () => {
    expect(changes.map(countLines)).toEqual([
      { added: 2, removed: 1 },
      { added: 2, removed: 2 },
      { added: 2, removed: 1 },
      { added: 1, removed: 1 },
      { added: 1, removed: 0 },
      { added: 0, removed: 1 },
      { added: 0, removed: 0 },
      { added: 1, removed: 1 },
    ]);
  });
});
