/** What git knows of files: whether changing them would mix with work that is not committed. */

import { runCommand } from './exec.js';

/** Those of `files` that have uncommitted changes; none where there is no repository. */
export async function uncommitted(root: string, files: readonly string[]): Promise<readonly string[]> {
  if (files.length === 0) return [];
  // --short, unlike --porcelain, names files as seen from the working directory.
  const settings = [
    '-c',
    'status.relativePaths=true',
    '-c',
    'core.quotePath=false',
    '-c',
    'color.status=never',
  ];
  const args = [...settings, 'status', '--short', '--untracked-files=all', '--', ...files];
  const { code, output } = await runCommand('git', args, { cwd: root, timeoutMs: 30_000 });
  if (code !== 0) return [];
  return output
    .split('\n')
    .filter(Boolean)
    .map((line) => line.slice(3));
}
