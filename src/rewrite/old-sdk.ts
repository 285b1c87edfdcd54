import type { Diagnostic, Inspection } from '../model.js';

/** The first release without CVE-2026-25536, a leak between clients that share one server instance. */
const SAFE = [1, 26] as const;

/**
 * Names an SDK that is old. None is raised: the service brings a transport of its own and gives every client a server
 * of its own, so that an older SDK neither lacks HTTP nor leaks, down to the first one published; raising it would
 * change the server's behaviour and types instead.
 */
export function oldSdk({ sdk }: Inspection): Diagnostic[] {
  return sdk?.line === 'v1' && isOlder(sdk.range, SAFE)
    ? [{ code: 'sdk-old', args: { range: sdk.range } }]
    : [];
}

/** Is the lowest version that the range allows below the given one? */
function isOlder(range: string, than: readonly [number, number]): boolean {
  const match = /(\d+)(?:\.(\d+))?/.exec(range);
  if (!match || /^(?:workspace|catalog|file|link|git|http|latest|\*)/.test(range)) return false;
  const [major, minor] = [Number(match[1]), Number(match[2] ?? 0)];
  return major < than[0] || (major === than[0] && minor < than[1]);
}
