/** What git knows of files: whether changing them would mix with work that is not committed. */

import { runCommand } from './exec.js';

/** Those of `files` that have uncommitted changes; none where git does not keep the project. */
export async function uncommitted(root: string, files: readonly string[]): Promise<readonly string[]> {
  if (files.length === 0 || !(await keeps(root))) return [];
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

/** Does a repository keep this project? A copy in an untracked or ignored folder has nothing to compare with. */
async function keeps(root: string): Promise<boolean> {
  const args = ['ls-files', '--error-unmatch', 'package.json'];
  return (await runCommand('git', args, { cwd: root, timeoutMs: 30_000 })).code === 0;
}
