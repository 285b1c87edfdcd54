import { packageJsonOf } from '../inspect/entry.js';
import type { Diagnostic, Inspection, Project } from '../model.js';

/** The lowest 1.x that has Streamable HTTP as it is used here and does not leak between clients (CVE-2026-25536). */
const MINIMUM = [1, 26] as const;
const RAISED = '^1.26.0';

/** Raises an old SDK to the current 1.x, and zod with it where its peer range asks. */
export function raiseSdk(project: Project, inspection: Inspection): { dependencies: Record<string, string>; diagnostics: Diagnostic[] } {
  if (inspection.sdk?.line !== 'v1' || !isOlder(inspection.sdk.range)) return { dependencies: {}, diagnostics: [] };
  const pkg = packageJsonOf(project);
  const zod = { ...pkg.devDependencies, ...pkg.dependencies }['zod'];
  const raisesZod = zod !== undefined && /^[\^~]?3\.(?:[0-9]|1\d|2[0-4])(?:\.|$)/.test(zod);
  return {
    dependencies: { '@modelcontextprotocol/sdk': RAISED, ...(raisesZod ? { zod: '^3.25.76' } : {}) },
    diagnostics: [{ code: 'sdk-raised', args: { from: inspection.sdk.range, to: RAISED } }],
  };
}

/** Is the lowest version that the range allows below the minimum? */
function isOlder(range: string): boolean {
  const match = /(\d+)(?:\.(\d+))?/.exec(range);
  if (!match || /^(?:workspace|catalog|file|link|git|http|latest|\*)/.test(range)) return false;
  const [major, minor] = [Number(match[1]), Number(match[2] ?? 0)];
  return major < MINIMUM[0] || (major === MINIMUM[0] && minor < MINIMUM[1]);
}
