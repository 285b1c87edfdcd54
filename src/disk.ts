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

/** Text of a module of the runtime, by its path below `templates/`. */
export const readTemplate = (name: string): string => fs.readFileSync(path.join(TEMPLATES, name), 'utf8');

/** Is a package (or any of a scope) installed where node would look for it from `root`? */
export function isInstalled(root: string, name: string): boolean {
  for (let directory = root; ; directory = path.dirname(directory)) {
    if (fs.existsSync(path.join(directory, 'node_modules', name))) return true;
    if (directory === path.dirname(directory)) return false;
  }
}
