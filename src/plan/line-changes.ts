/** What a change looks like line by line: counts for the preview, hunks for the unified diff. */

import { diffIndices } from 'node-diff3';
import type { Change } from '../model.js';

const CONTEXT = 3;

interface Hunk {
  readonly start: number;
  readonly length: number;
  readonly newStart: number;
  readonly newLength: number;
}

/** Lines with their endings, so that a missing last newline is a difference like any other. */
const linesOf = (text: string | null): readonly string[] => text?.match(/[^\n]*\n|[^\n]+$/g) ?? [];

function differences(before: readonly string[], after: readonly string[]): readonly Hunk[] {
  return diffIndices([...before], [...after]).map(({ buffer1, buffer2 }) => ({
    start: buffer1[0],
    length: buffer1[1],
    newStart: buffer2[0],
    newLength: buffer2[1],
  }));
}

export function countLines(change: Change): { readonly added: number; readonly removed: number } {
  let added = 0;
  let removed = 0;
  for (const one of differences(linesOf(change.before), linesOf(change.after))) {
    added += one.newLength;
    removed += one.length;
  }
  return { added, removed };
}

/** A unified diff that `git apply` and `patch -p1` accept. */
export function unifiedDiff(changes: readonly Change[]): string {
  return changes.map(diffOf).join('');
}

function diffOf(change: Change): string {
  const before = linesOf(change.before);
  const after = linesOf(change.after);
  const hunks = joinNear(differences(before, after));
  const kind =
    change.before === null
      ? 'new file mode 100644\n'
      : change.after === null
        ? 'deleted file mode 100644\n'
        : '';
  const header = `diff --git a/${change.path} b/${change.path}\n${kind}`;
  if (hunks.length === 0) return kind ? header : '';
  const from = change.before === null ? '/dev/null' : `a/${change.path}`;
  const to = change.after === null ? '/dev/null' : `b/${change.path}`;
  return `${header}--- ${from}\n+++ ${to}\n${hunks.map((group) => printHunk(group, before, after)).join('')}`;
}

/** Groups differences whose context would overlap. */
function joinNear(all: readonly Hunk[]): readonly (readonly Hunk[])[] {
  const groups: Hunk[][] = [];
  let end = Number.NEGATIVE_INFINITY;
  for (const one of all) {
    if (one.start - end <= 2 * CONTEXT) groups.at(-1)?.push(one);
    else groups.push([one]);
    end = one.start + one.length;
  }
  return groups;
}

function printHunk(group: readonly Hunk[], before: readonly string[], after: readonly string[]): string {
  const first = group[0] as Hunk;
  const last = group.at(-1) as Hunk;
  const start = Math.max(first.start - CONTEXT, 0);
  const end = Math.min(last.start + last.length + CONTEXT, before.length);
  const newStart = first.newStart - (first.start - start);
  const newEnd = last.newStart + last.newLength + (end - last.start - last.length);
  const out = [`@@ -${range(start, end - start)} +${range(newStart, newEnd - newStart)} @@\n`];
  let at = start;
  for (const one of group) {
    out.push(...before.slice(at, one.start).map((line) => mark(' ', line)));
    out.push(...before.slice(one.start, one.start + one.length).map((line) => mark('-', line)));
    out.push(...after.slice(one.newStart, one.newStart + one.newLength).map((line) => mark('+', line)));
    at = one.start + one.length;
  }
  out.push(...before.slice(at, end).map((line) => mark(' ', line)));
  return out.join('');
}

const range = (start: number, length: number): string => `${length === 0 ? start : start + 1},${length}`;

const mark = (sign: string, line: string): string =>
  line.endsWith('\n') ? sign + line : `${sign}${line}\n\\ No newline at end of file\n`;
