import { ts } from '../inspect/source.js';
import { extentOf, isApart, reindent } from './edits.js';
import type { EntryModule } from './entry-module.js';
import { shebangEnd } from './statement-syntax.js';

/** A statement's text, without `export` when it goes into a function, at the given level of indentation. */
export function movedText(entry: EntryModule, statement: ts.Statement, level: number): string {
  const { start, end } = extentOf(statement);
  const depth = depthOf(entry, start);
  if (level > 0) dropExport(entry, statement);
  return reindent(entry.edits, start, end, level - depth, entry.unit);
}

function dropExport({ edits }: EntryModule, statement: ts.Statement): void {
  for (const modifier of ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : []) {
    if (modifier.kind === ts.SyntaxKind.ExportKeyword)
      edits.replace(modifier.getStart(), modifier.end + 1, '');
  }
}

/** Steps of indentation of the line that begins at the offset. */
export function depthOf({ file, unit }: EntryModule, start: number): number {
  const leading = /^[ \t]*/.exec(file.text.slice(start, start + 80))?.[0] ?? '';
  return Math.round(leading.length / unit.length);
}

/** Statements one after the other, with the blank lines they had between them. */
export function blockText(entry: EntryModule, statements: readonly ts.Statement[], level: number): string {
  return statements
    .map((statement, index) => {
      const previous = statements[index - 1];
      const gap = previous && isApart(previous, statement) ? '\n' : '';
      return gap + movedText(entry, statement, level);
    })
    .join('\n');
}

/** Takes statements out of the module. */
export function removeStatements(entry: EntryModule, statements: readonly ts.Statement[]): void {
  // From top to bottom: what stands in front decides which blank lines go.
  for (const statement of [...statements].sort((one, other) => one.pos - other.pos))
    removeStatement(entry, statement);
}

/** Takes a statement out of the module, with its comments and the blank lines that only it separated. */
export function removeStatement({ file, edits }: EntryModule, statement: ts.Statement): void {
  const text = file.text;
  let { start, end } = extentOf(statement);
  if (statement === file.statements[0]) start = Math.max(start, shebangEnd(text));
  const newline = /^\r?\n/.exec(text.slice(end))?.[0] ?? '';
  end += newline.length;
  const blankAfter = /^(?:[ \t]*\r?\n)+/.exec(text.slice(end))?.[0] ?? '';
  if (blankAfter && /\n[ \t]*\r?\n$|^$|\{[ \t]*\r?\n$/.test(edits.slice(0, start))) end += blankAfter.length;
  edits.replace(start, end, '');
}
