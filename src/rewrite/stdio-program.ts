import { isFunctionStatement } from '../inspect/frame.js';
import { topLevelStatement, type ts } from '../inspect/source.js';
import type { Diagnostic } from '../model.js';
import { extentOf } from './edits.js';
import type { EntryModule } from './entry-module.js';
import type { Factory } from './factory-text.js';
import { insertImports } from './import-lines.js';
import { isSideEffectImport, namesUsedIn, narrowImport } from './imports.js';
import { importLine } from './module-style.js';
import type { Placement } from './place-statements.js';
import type { SharedAssignments } from './shared-assignments.js';
import { declaredNames, isAmbient, isExported } from './statement-syntax.js';
import { removeStatement, removeStatements } from './statement-text.js';
import { editFrame, replacesCall } from './stdio-frame.js';
import { stdioTransport } from './stdio-transport.js';

/** Names of the module with the server that the stdio program or the entry's importers use. */
export type SharedNames = ReadonlyMap<string, { readonly isType: boolean; readonly wasExported: boolean }>;

/** Makes the entry the stdio program around the module with the factory. */
export function editStdioProgram(
  entry: EntryModule,
  placement: Placement,
  factory: Factory,
  specifier: string,
  names: SharedNames,
  { setters, unread }: SharedAssignments,
): readonly Diagnostic[] {
  const read = [...namesUsedIn(placement.shellNodes)].filter((name) => !unread.has(name));
  const used = new Set([...read, ...setters.values()]);
  const made = replacesCall(entry) ? stdioTransport(entry).made : undefined;
  const keep = (name: string) => used.has(name) || name === made?.local;
  for (const statement of placement.imports) narrowInPlace(entry, statement, keep);
  // What is only declared to be there is declared in both modules.
  const stays = (statement: ts.Statement) =>
    isAmbient(statement) &&
    (isExported(statement) || declaredNames(statement).some((name) => used.has(name)));
  removeStatements(entry, [
    ...placement.shared.filter((statement) => !stays(statement)),
    ...placement.server,
  ]);
  const { creation, diagnostics } = editFrame(entry, placement, factory);
  insertImports(entry, placement, [
    ...(made?.line ? [made.line] : []),
    ...linesFrom(entry, specifier, factory.name, names, used),
  ]);
  if (creation !== undefined) insertCreation(entry, placement, creation);
  return diagnostics;
}

/** What the entry imports from the module with the factory, and re-exports for those who import the entry. */
function linesFrom(
  entry: EntryModule,
  specifier: string,
  factoryName: string,
  names: SharedNames,
  used: ReadonlySet<string>,
): string[] {
  const from = `from ${entry.quote}${specifier}${entry.quote}${entry.semicolon}`;
  const shared = [...names].map(([name, one]) => ({ name, ...one }));
  const list = (ones: readonly { readonly name: string }[]) => ones.map(({ name }) => name).join(', ');
  const values = shared.filter(({ name, isType }) => !isType && used.has(name) && name !== 'default');
  const types = shared.filter(({ name, isType }) => isType && used.has(name));
  const valuesOut = shared.filter(({ isType, wasExported }) => wasExported && !isType);
  const typesOut = shared.filter(({ isType, wasExported }) => wasExported && isType);
  const lines = [
    importLine(entry, [...new Set([factoryName, ...values.map(({ name }) => name)])], specifier),
  ];
  if (types.length > 0) lines.push(`import type { ${list(types)} } ${from}`);
  if (valuesOut.length > 0 && !entry.isCommonJs) lines.push(`export { ${list(valuesOut)} } ${from}`);
  if (typesOut.length > 0) lines.push(`export type { ${list(typesOut)} } ${from}`);
  return lines;
}

function narrowInPlace(entry: EntryModule, statement: ts.Statement, keep: (name: string) => boolean): void {
  if (isSideEffectImport(statement)) return removeStatement(entry, statement);
  const text = narrowImport(statement, keep);
  if (text === undefined) removeStatement(entry, statement);
  else if (text !== statement.getText()) entry.edits.replace(statement.getStart(), statement.end, text);
}

/** Writes the creation of the server at module level, in front of the first statement that needs it. */
function insertCreation(entry: EntryModule, placement: Placement, creation: string): void {
  const { analysis, sources, edits } = entry;
  const { imports, shell, ownNames } = placement;
  const first =
    shell.find(
      (statement) =>
        statement === topLevelStatement(analysis.site.call) ||
        [...sources.symbolsIn(statement)].some((symbol) => ownNames.has(symbol)),
    ) ?? shell[0]!;
  const last = imports.at(-1);
  const at = extentOf(first).start;
  edits.insertBefore(
    at,
    `${last && at <= extentOf(last).end + 2 ? '\n' : ''}${creation}\n${isFunctionStatement(first) ? '\n' : ''}`,
  );
}
