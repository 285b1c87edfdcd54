import { ts } from '../inspect/source.js';
import { namesOf } from '../inspect/statement-names.js';
import { type EntryModule, runsOnImport } from './entry-module.js';
import { isNamedOutside, mentions } from './outside-uses.js';
import type { Placement } from './place-statements.js';
import { removeStatement } from './statement-text.js';

/**
 * Is there room for the factory in the module itself? Importing it must not start the program, and nobody may import the
 * server that the module made when it was loaded.
 */
export function takesFactory(entry: EntryModule, { server }: Placement): boolean {
  if (runsOnImport(entry)) return false;
  const { project, sources, file } = entry;
  const names = [...namesOf(sources, new Set(server))];
  const isImported = [...sources.files.values()].some(
    (other) => other !== file && names.some((name) => mentions(sources, other, name)),
  );
  return !isImported && !isNamedOutside(project, sources, names);
}

/** Takes what has moved into the factory out of the module's exports, where nobody imports it. */
export function dropServerExports(entry: EntryModule, { server }: Placement): void {
  const { sources, file, edits } = entry;
  const names = namesOf(sources, new Set(server));
  const isMoved = (node: ts.Node): boolean => {
    const symbol = sources.symbolOf(node);
    return symbol !== undefined && names.has(symbol);
  };
  for (const statement of file.statements) {
    const exported = exportedBy(statement);
    if (exported.every(({ value }) => !isMoved(value))) continue;
    const kept = exported.filter(({ value }) => !isMoved(value));
    if (kept.length === 0) removeStatement(entry, statement);
    else {
      const list = kept[0]!.node.parent;
      edits.replace(list.getStart(), list.end, `{ ${kept.map(({ node }) => node.getText()).join(', ')} }`);
    }
  }
}

/** What a statement exports by naming it: the syntax, and the name of what is exported. */
function exportedBy(statement: ts.Statement): { readonly node: ts.Node; readonly value: ts.Node }[] {
  if (ts.isExportAssignment(statement)) return [{ node: statement, value: statement.expression }];
  if (!ts.isExportDeclaration(statement) || statement.moduleSpecifier) return [];
  const { exportClause } = statement;
  if (!exportClause || !ts.isNamedExports(exportClause)) return [];
  return exportClause.elements.map((node) => ({ node, value: node.propertyName ?? node.name }));
}
