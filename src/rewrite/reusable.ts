import type { Analysis } from '../inspect/analysis.js';

/**
 * May a server instance serve one client after another? Only when nothing was isolated, no runner or class owns it,
 * and nothing its construction runs remembers anything: what cannot be proven counts as remembering.
 */
export function keepsNothing({ lifetimes, site }: Analysis): boolean {
  return (
    lifetimes.isolated.size === 0 &&
    site.runners.length === 0 &&
    (site.server ?? site.factory) !== undefined &&
    lifetimes.kept.length === 0
  );
}
