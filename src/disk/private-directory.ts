import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ClearedAtExit } from '../cleared-at-exit.js';

export interface PrivateDirectory {
  readonly path: string;
  /** Deletes it with everything in it; says nothing when it is gone already. */
  readonly remove: () => void;
}

const existing = new ClearedAtExit<string>((directory) => removeDirectory(directory));

/** A new empty directory outside the project that only this user may read; gone when we end, at the latest. */
export function privateDirectory(): PrivateDirectory {
  const created = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'create-mcp-prod-')));
  existing.add(created);
  return { path: created, remove: () => removeDirectory(created) };
}

function removeDirectory(directory: string): void {
  existing.delete(directory);
  fs.rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
}

/** Not copied: packages are linked, history belongs to no running program. */
const LEFT_OUT = new Set(['node_modules', '.git']);

/**
 * Copies a project as far as running it needs: everything but its packages, which are linked, also those of the
 * workspace above it. What a program writes beside its code then stays in the copy.
 * @returns the root of the copy, somewhere below `into`.
 */
export function copyProject(root: string, into: string): string {
  const chain = ancestors(root).filter((directory) => fs.existsSync(path.join(directory, 'node_modules')));
  const top = chain.at(-1) ?? root;
  const copyOf = (directory: string) => path.join(into, 'project', path.relative(top, directory));
  fs.cpSync(root, copyOf(root), {
    recursive: true,
    verbatimSymlinks: true,
    filter: (file) => !LEFT_OUT.has(path.basename(file)),
  });
  for (const directory of chain) {
    fs.symlinkSync(
      path.join(directory, 'node_modules'),
      path.join(copyOf(directory), 'node_modules'),
      'junction',
    );
  }
  return copyOf(root);
}

/** A directory and those above it, nearest first. */
function ancestors(directory: string): string[] {
  const above = path.dirname(directory);
  return above === directory ? [directory] : [directory, ...ancestors(above)];
}
