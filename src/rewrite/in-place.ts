import { topLevelStatement } from '../inspect/source.js';
import type { Diagnostic } from '../model.js';
import { extentOf } from './edits.js';
import type { EntryModule } from './entry-module.js';
import { type Factory, factoryText } from './factory-text.js';
import { insertImports, specifierTo } from './import-lines.js';
import { importLine } from './module-style.js';
import type { Placement } from './place-statements.js';
import { linesOf } from './sdk-names.js';
import { dropServerExports } from './server-exports.js';
import { removeStatements } from './statement-text.js';
import { editFrame, replacesCall } from './stdio-frame.js';
import { stdioTransport } from './stdio-transport.js';

/** Adds the factory to a module that may be imported without starting the program, in front of the function that does. */
export function inPlace(
  entry: EntryModule,
  placement: Placement,
): { readonly factory: Factory; readonly diagnostics: readonly Diagnostic[] } {
  const { edits, file, path, registrations, semicolon } = entry;
  const factory = factoryText(entry, placement);
  const holder = topLevelStatement(entry.analysis.lifetimes.frame.fn!);
  removeStatements(entry, placement.server);
  dropServerExports(entry, placement);
  const { diagnostics } = editFrame(entry, placement, factory);
  const lines = [
    ...registrations.map((one) => importLine(entry, [one.name], specifierTo(entry, path, one.file))),
    ...linesOf(factory.sdkTypes),
    ...(entry.transportImport ? [entry.transportImport] : []),
    ...linesOf(replacesCall(entry) ? [stdioTransport(entry).made] : []),
  ];
  edits.insertBefore(extentOf(holder).start, `${factory.text}\n`);
  if (entry.isCommonJs)
    edits.insert(file.text.length, `\nmodule.exports.${factory.name} = ${factory.name}${semicolon}\n`);
  if (lines.length > 0) insertImports(entry, placement, lines);
  return { factory, diagnostics };
}
