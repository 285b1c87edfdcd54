/** The only door to the file system: reading a project and the templates, applying changes. */

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export {
  type Applied,
  applyChanges,
  JOURNAL,
  type Recovered,
  recoverInterrupted,
} from './disk/apply-changes.js';
export { readProject, UnreadableProject } from './disk/read-project.js';

const TEMPLATES = fileURLToPath(new URL('../templates', import.meta.url));

let known: ReadonlyMap<string, string> | undefined;

/** Text of every template by its path below `templates/`. Read once: a run plans, and then asks whether it drifted. */
export function readTemplates(): ReadonlyMap<string, string> {
  if (known) return known;
  const templates = new Map<string, string>();
  for (const entry of fs.readdirSync(TEMPLATES, { withFileTypes: true, recursive: true })) {
    const file = path.join(entry.parentPath, entry.name);
    const name = path.relative(TEMPLATES, file).split(path.sep).join('/');
    if (entry.isFile() && !/(?:^|\/)node_modules\/|\.test\.ts$/.test(name)) {
      templates.set(name, fs.readFileSync(file, 'utf8'));
    }
  }
  known = templates;
  return templates;
}

/** Is a package (or any of a scope) installed where node would look for it from `root`? */
export function isInstalled(root: string, name: string): boolean {
  for (let directory = root; ; directory = path.dirname(directory)) {
    if (fs.existsSync(path.join(directory, 'node_modules', name))) return true;
    if (directory === path.dirname(directory)) return false;
  }
}
