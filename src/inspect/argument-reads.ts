import type { Location } from '../model.js';
import { descendants, type Sources, ts } from './source.js';

/**
 * Where the program first reads its command line arguments. What tells whether a module was started directly
 * (`process.argv[1]`) reads none.
 */
export function findArgumentRead(sources: Sources): Location | undefined {
  for (const file of sources.files.values()) {
    if (!/\bargv\b/.test(file.text)) continue;
    const read = descendants(file, ts.isPropertyAccessExpression).find(
      (access) => access.getText() === 'process.argv' && !isOwnPath(access),
    );
    if (read) return sources.locationOf(read);
  }
  return undefined;
}

/** `process.argv[0]` and `process.argv[1]`: node, and the program itself. */
function isOwnPath({ parent }: ts.Node): boolean {
  return ts.isElementAccessExpression(parent) && /^[01]$/.test(parent.argumentExpression.getText());
}
