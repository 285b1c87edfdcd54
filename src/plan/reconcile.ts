/**
 * Brings a generated file to a new version and keeps the user's edits.
 *
 *     base ── the text we generated last time (in the manifest)
 *     mine ── what the user has made of it; null when it was deleted
 *     theirs ── what this version generates; null when it generates no such file any more
 */

import { diff3Merge } from 'node-diff3';

export type Reconciled =
  | { readonly outcome: 'keep' }
  | { readonly outcome: 'write'; readonly text: string | null }
  /** No longer generated, but edited: the user's file now. */
  | { readonly outcome: 'orphan' }
  | { readonly outcome: 'conflict' };

export function reconcile(base: string, mine: string | null, theirs: string | null): Reconciled {
  if (mine === null || mine === theirs || base === theirs) return { outcome: 'keep' };
  if (theirs === null) return mine === base ? { outcome: 'write', text: null } : { outcome: 'orphan' };
  if (mine === base) return { outcome: 'write', text: theirs };
  const merged = mergeLines(base, mine, theirs);
  return merged === undefined ? { outcome: 'conflict' } : { outcome: 'write', text: merged };
}

function mergeLines(base: string, mine: string, theirs: string): string | undefined {
  const regions = diff3Merge(mine.split('\n'), base.split('\n'), theirs.split('\n'), {
    excludeFalseConflicts: true,
  });
  if (regions.some((region) => region.conflict)) return undefined;
  return regions.flatMap((region) => region.ok ?? []).join('\n');
}
