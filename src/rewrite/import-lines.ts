import { dirname, relative } from 'node:path/posix';
import type { ts } from '../inspect/source.js';
import type { Build } from '../model.js';
import { extentOf } from './edits.js';
import type { EntryModule } from './entry-module.js';
import { importedNames } from './imports.js';
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

/** The line that brings values of a module in, in the module system and style of the entry. */
export function importLine(
  { isCommonJs, quote, semicolon }: EntryModule,
  names: readonly string[],
  specifier: string,
): string {
  const list = names.join(', ');
  return isCommonJs
    ? `const { ${list} } = require(${quote}${specifier}${quote})${semicolon}`
    : `import { ${list} } from ${quote}${specifier}${quote}${semicolon}`;
}

/** The line that brings the type `Transport` in, unless it is there. */
export function transportTypeImport(entry: EntryModule, { imports }: Placement): string[] {
  const { isTypeScript, quote, semicolon, analysis } = entry;
  if (!isTypeScript) return [];
  const from =
    analysis.sdkLine === 'v2'
      ? '@modelcontextprotocol/server'
      : '@modelcontextprotocol/sdk/shared/transport.js';
  const known = imports.some((statement) => importedNames(statement).includes('Transport'));
  return known ? [] : [`import type { Transport } from ${quote}${from}${quote}${semicolon}`];
}

/** The line that brings the class `StdioServerTransport` in, unless it is there. */
export function stdioTransportImport(entry: EntryModule, { imports }: Placement): string[] {
  if (imports.some((statement) => importedNames(statement).includes('StdioServerTransport'))) return [];
  const from =
    entry.analysis.sdkLine === 'v2'
      ? '@modelcontextprotocol/server/stdio'
      : '@modelcontextprotocol/sdk/server/stdio.js';
  return [importLine(entry, ['StdioServerTransport'], from)];
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
