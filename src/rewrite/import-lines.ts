import { dirname, relative } from 'node:path/posix';
import type { ts } from '../inspect/source.js';
import type { Build } from '../model.js';
import { extentOf } from './edits.js';
import type { EntryModule } from './entry-module.js';
import type { Placement } from './place-statements.js';
import { shebangEnd } from './statement-syntax.js';

/** `./x.ts` as the project's sources write it. */
export function withExtension(path: string, extension: Build['importExtension']): string {
  if (extension === '') return path.replace(/\.[cm]?[jt]sx?$/, '');
  const kind = /\.([cm]?)[jt]sx?$/.exec(path)?.[1] ?? '';
  if (extension === '.ts' || extension === '.mts') return path;
  return path.replace(/\.[cm]?[jt]sx?$/, `.${kind}js`);
}

/** How a module at `from` names the module at `to`. */
export function specifierTo({ build }: EntryModule, from: string, to: string): string {
  const path = relative(dirname(from), to);
  return withExtension(path.startsWith('.') ? path : `./${path}`, build.importExtension);
}

/** Adds lines below the imports of the entry, or at its top. */
export function insertImports(
  { file, edits }: EntryModule,
  { imports }: Placement,
  lines: readonly string[],
): void {
  const last: ts.Statement | undefined = imports.at(-1);
  const block = lines.join('\n');
  if (!last) return edits.insertBefore(shebangEnd(file.text), `${block}\n\n`);
  const { end } = extentOf(last);
  const newline = /^\r?\n/.exec(file.text.slice(end))?.[0] ?? '';
  edits.insertBefore(end + newline.length, `${block}\n`);
}
