import type { Check } from '../model.js';
import type { Surface } from './surface.js';

/** What a verification found: the verdicts, and what they rest on. */
export interface Verification {
  readonly checks: readonly Check[];
  readonly evidence: Evidence;
}

/** Serialisable; members are there as far as the verification got. */
export interface Evidence {
  readonly surfaces: { readonly recorded?: Surface; readonly stdio?: Surface; readonly http?: Surface };
  /** Milliseconds per call of the same calls, in the order they were made. */
  readonly latency: { readonly stdio: readonly number[]; readonly http: readonly number[] };
  /** Labels of the calls that were compared. */
  readonly calls: readonly string[];
  /** Variables that had no value and were given a made-up one. */
  readonly madeUp: readonly string[];
}

/** What a check came to. */
export interface Verdict {
  readonly status: Check['status'];
  readonly detail: string;
  readonly differences?: readonly string[];
  readonly at?: Check['at'];
}

export const pass = (detail: string): Verdict => ({ status: 'pass', detail });
export const skip = (reason: string): Verdict => ({ status: 'skip', detail: reason });

/** More differences than this tell nobody more. */
const MOST = 40;

/** Fails with the differences, the first of them in the line itself; passes when there are none. */
export function verdict(found: readonly string[], passed: string): Verdict {
  if (found.length === 0) return pass(passed);
  const lines = [...new Set(found.map((line) => line.replace(/\s*\n\s*/g, ' ')))];
  const more = lines.length > 1 ? ` (and ${lines.length - 1} more)` : '';
  const rest = lines.length > MOST ? [`… and ${lines.length - MOST} more`] : [];
  return { status: 'fail', detail: `${lines[0]}${more}`, differences: [...lines.slice(0, MOST), ...rest] };
}
