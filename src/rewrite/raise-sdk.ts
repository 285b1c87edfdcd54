import { packageJsonOf } from '../inspect/entry.js';
import type { Diagnostic, Inspection, Project } from '../model.js';

/** The first release with the `Transport` interface that the service implements. */
const OLDEST = [0, 4] as const;
/** The first release without CVE-2026-25536, a leak between clients that share one server instance. */
const SAFE = [1, 26] as const;
const RAISED = '^1.26.0';

/**
 * Raises the SDK only where the service cannot run on it. It brings a transport of its own and gives every client a
 * server of its own, so that an older SDK neither lacks HTTP nor leaks; raising it would change the server's behaviour
 * and types instead. An old one is named.
 */
export function raiseSdk(
  project: Project,
  inspection: Inspection,
): { dependencies: Record<string, string>; diagnostics: Diagnostic[] } {
  const range = inspection.sdk?.line === 'v1' ? inspection.sdk.range : undefined;
  if (range === undefined || !isOlder(range, SAFE)) return { dependencies: {}, diagnostics: [] };
  if (!isOlder(range, OLDEST))
    return { dependencies: {}, diagnostics: [{ code: 'sdk-old', args: { range } }] };
  const pkg = packageJsonOf(project);
  const zod = { ...pkg.devDependencies, ...pkg.dependencies }['zod'];
  return {
    dependencies: { '@modelcontextprotocol/sdk': RAISED, ...(zod ? { zod: '^3.25.76' } : {}) },
    diagnostics: [{ code: 'sdk-raised', args: { from: range, to: RAISED } }],
  };
}

/** Is the lowest version that the range allows below the given one? */
function isOlder(range: string, than: readonly [number, number]): boolean {
  const match = /(\d+)(?:\.(\d+))?/.exec(range);
  if (!match || /^(?:workspace|catalog|file|link|git|http|latest|\*)/.test(range)) return false;
  const [major, minor] = [Number(match[1]), Number(match[2] ?? 0)];
  return major < than[0] || (major === than[0] && minor < than[1]);
}
