import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export interface PrivateDirectory {
  readonly path: string;
  /** Deletes it with everything in it; says nothing when it is gone already. */
  readonly remove: () => void;
}

/** A new empty directory outside the project that only this user may read. */
export function privateDirectory(): PrivateDirectory {
  const created = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'create-mcp-prod-')));
  return { path: created, remove: () => fs.rmSync(created, { recursive: true, force: true, maxRetries: 5 }) };
}
