import { basename, dirname, join } from 'node:path/posix';
import { ts } from '../inspect/source.js';
import type { Diagnostic } from '../model.js';
import { extentOf } from './edits.js';
import type { EntryModule } from './entry-module.js';
import type { ExistingFactory } from './existing-factory.js';
import { type Factory, factoryText, ownFactory } from './factory-text.js';
import { specifierTo, withExtension } from './import-lines.js';
import { isImport, isSideEffectImport, namesUsedIn, narrowImport } from './imports.js';
import { importLine } from './module-style.js';
import { firstFree } from './names.js';
import type { Placement } from './place-statements.js';
import { importedAs, linesOf } from './sdk-names.js';
import { replaceSharedAssignments, type SharedAssignments, setterTexts } from './shared-assignments.js';
import {
  declaredNames,
  hasDefault,
  isAmbient,
  isExported,
  isReexport,
  isTypeDeclaration,
  moduleSpecifierOf,
} from './statement-syntax.js';
import { blockText } from './statement-text.js';
import { editStdioProgram, type SharedNames } from './stdio-program.js';

/** Moves the server into a new module beside the entry, which remains the stdio program. */
export function intoSibling(
  entry: EntryModule,
  placement: Placement,
  existing: ExistingFactory | undefined,
): {
  readonly factory: Factory;
  readonly created: { readonly path: string; readonly text: string };
  readonly diagnostics: readonly Diagnostic[];
} {
  const path = siblingPath(entry);
  redirectImports(entry, path);
  const assignments = replaceSharedAssignments(entry, placement);
  const names = sharedNames(placement, assignments);
  exportNames(entry, placement, names);
  const factory = existing ? ownFactory(existing) : factoryText(entry, placement);
  const text = siblingText(entry, placement, path, factory, names, assignments);
  const specifier = `./${withExtension(basename(path), entry.build.importExtension)}`;
  const diagnostics = editStdioProgram(entry, placement, factory, specifier, names, assignments);
  return { factory, created: { path, text }, diagnostics: [...assignments.diagnostics, ...diagnostics] };
}

/** A path beside the entry where neither a source nor what is built from one stands. */
function siblingPath({ project, path }: EntryModule): string {
  const extension = /\.[^.]+$/.exec(path)![0].replace('tsx', 'ts');
  const stem = (file: string) => file.replace(/\.(?:d\.)?\w+$/, '').toLowerCase();
  const taken = new Set(
    [...project.files.keys(), ...(project.outputs ?? [])].flatMap((file) => [
      stem(file),
      stem(dirname(file)),
    ]),
  );
  const name = firstFree(['create-server', 'create-mcp-server', 'mcp-server-factory'], (one) =>
    taken.has(join(dirname(path), one)),
  );
  return join(dirname(path), name + extension);
}

/** Names of the new module that the stdio program or the entry's importers use. */
function sharedNames({ shared, shellNodes }: Placement, { setters, unread }: SharedAssignments): SharedNames {
  const used = new Set([...namesUsedIn(shellNodes)].filter((name) => !unread.has(name)));
  const names = new Map<string, { isType: boolean; wasExported: boolean }>();
  for (const statement of shared) {
    if (isAmbient(statement)) continue;
    const isType = isTypeDeclaration(statement);
    const wasExported = isExported(statement);
    const declared = hasDefault(statement) ? ['default'] : declaredNames(statement);
    for (const name of declared) if (wasExported || used.has(name)) names.set(name, { isType, wasExported });
    if (hasDefault(statement))
      for (const name of declaredNames(statement))
        if (used.has(name)) names.set(name, { isType, wasExported: false });
  }
  for (const { name, propertyName } of listedExports(shared)) {
    const local = (propertyName ?? name).text;
    const isType = shared.some(
      (statement) => isTypeDeclaration(statement) && declaredNames(statement).includes(local),
    );
    names.set(name.text, { isType, wasExported: true });
  }
  for (const setter of setters.values()) names.set(setter, { isType: false, wasExported: false });
  return names;
}

/** What `export { a, b as c }` names among the statements. */
const listedExports = (statements: readonly ts.Statement[]): readonly ts.ExportSpecifier[] =>
  statements.flatMap((statement) =>
    ts.isExportDeclaration(statement) &&
    !statement.moduleSpecifier &&
    statement.exportClause &&
    ts.isNamedExports(statement.exportClause)
      ? [...statement.exportClause.elements]
      : [],
  );

function exportNames({ isCommonJs, edits }: EntryModule, { shared }: Placement, names: SharedNames): void {
  if (isCommonJs) return;
  const listed = new Set(listedExports(shared).map(({ name }) => name.text));
  for (const statement of shared)
    if (
      !isExported(statement) &&
      !isAmbient(statement) &&
      declaredNames(statement).some((name) => names.has(name) && !listed.has(name))
    )
      edits.insert(statement.getStart(), 'export ');
}

function siblingText(
  entry: EntryModule,
  placement: Placement,
  path: string,
  factory: Factory,
  names: SharedNames,
  assignments: SharedAssignments,
): string {
  const declarations = blockText(entry, placement.shared, 0);
  const scope = entry.scopedFiles.has(entry.file) ? entry.scopeImport(path, declarations + factory.text) : '';
  const imports = siblingImports(entry, placement, path, factory, scope);
  const tail = entry.isCommonJs
    ? `\nmodule.exports = { ${[...new Set([factory.name, ...names.keys()])].join(', ')} }${entry.semicolon}\n`
    : '';
  const setters = setterTexts(entry, assignments);
  const parts = [header(entry, placement), imports.join('\n'), declarations, setters, factory.text];
  return `${parts.filter((part) => part !== '').join('\n\n')}${tail}`.replace(/^\n+/, '');
}

function siblingImports(
  entry: EntryModule,
  placement: Placement,
  path: string,
  factory: Factory,
  scope: string,
): readonly string[] {
  const { sources, registrations } = entry;
  const { shared, server, setUp, frameServer, afterConnect, connected, shellNodes } = placement;
  const used = namesUsedIn([...shared, ...server, ...setUp, ...frameServer, ...afterConnect, ...connected]);
  const shellUsed = namesUsedIn(shellNodes);
  // An import nobody names may still be there for its effect; in TypeScript it is then elided or a lint matter:
  // it stays with the server.
  const stdio = importedAs('StdioServerTransport', entry.file);
  const keep = (name: string) =>
    used.has(name) ||
    (!shellUsed.has(name) && name !== stdio) ||
    factory.sdkTypes.some(({ local }) => local === name);
  const registered = new Set(registrations.map((one) => one.file));
  const imports: string[] = [];
  for (const statement of placement.imports) {
    if (isSideEffectImport(statement)) {
      const specifier = (statement as ts.ImportDeclaration).moduleSpecifier as ts.StringLiteral;
      const target = sources.resolver.resolve(entry.path, specifier.text);
      if (!target || !registered.has(target)) imports.push(statement.getText());
      continue;
    }
    const text = narrowImport(statement, keep);
    if (text) imports.push(text);
  }
  if (scope !== '') imports.push(scope);
  if (entry.transportImport) imports.push(entry.transportImport);
  imports.push(...reexports(entry));
  for (const one of registrations)
    imports.push(importLine(entry, [one.name], specifierTo(entry, path, one.file)));
  // Beside what the module imports of the SDK.
  const lastOfSdk = imports.findLastIndex((line) => line.includes('@modelcontextprotocol/'));
  return imports.toSpliced(lastOfSdk < 0 ? imports.length : lastOfSdk + 1, 0, ...linesOf(factory.sdkTypes));
}

/**
 * What the entry exports of other modules stays its own. The new module repeats it where others that the entry reaches ask
 * it for that, and where the module does something that nothing else would load it for.
 */
function reexports(entry: EntryModule): string[] {
  const { sources, file, path } = entry;
  const targetOf = (node: ts.Node) => sources.resolver.resolve(path, moduleSpecifierOf(node)?.text ?? '');
  const loaded = new Set(file.statements.filter(isImport).map(targetOf));
  const isAsked = importedByEntry(entry).some((other) =>
    ts
      .preProcessFile(other.text, true, true)
      .importedFiles.some(
        ({ fileName }) => sources.resolver.resolve(sources.pathOf(other), fileName) === path,
      ),
  );
  const isNeeded = (statement: ts.ExportDeclaration): boolean => {
    const target = targetOf(statement);
    return isAsked || (target !== undefined && !loaded.has(target) && acts(sources.files.get(target)));
  };
  return file.statements
    .filter(isReexport)
    .filter(isNeeded)
    .map((statement) => statement.getText());
}

/** Does a module do something when it is loaded, besides making what it exports? */
const acts = (file: ts.SourceFile | undefined): boolean =>
  file?.statements.some((one) => ts.isExpressionStatement(one) || isSideEffectImport(one)) ?? false;

/** Licence or module comment at the top of the file, without the shebang, and its directives. */
function header({ file }: EntryModule, { directives }: Placement): string {
  const first = file.statements[0];
  if (!first) return '';
  const head = file.text.slice(0, extentOf(first).start).replace(/^#!.*\r?\n/, '');
  const nocheck =
    /^\s*(?:\/\/\s*@ts-nocheck|\/\*\s*eslint-disable[\s\S]*?\*\/)/.exec(
      file.text.slice(0, first.getStart()),
    )?.[0] ?? '';
  const texts = directives.map((statement) => statement.getText()).join('\n');
  return [(head.trim() || nocheck).trim(), texts].filter(Boolean).join('\n');
}

/** Modules that import from the entry get their names from the new module, so that no import starts the stdio program. */
function redirectImports(entry: EntryModule, target: string): void {
  const { sources, editsOf } = entry;
  for (const file of importedByEntry(entry)) {
    const path = sources.pathOf(file);
    const visit = (node: ts.Node): void => {
      const specifier = moduleSpecifierOf(node);
      const isTypeOnly = ts.isImportDeclaration(node) && node.importClause?.isTypeOnly === true;
      if (specifier && sources.resolver.resolve(path, specifier.text) === entry.path && !isTypeOnly)
        editsOf(file).replace(specifier.getStart() + 1, specifier.end - 1, specifierTo(entry, path, target));
      ts.forEachChild(node, visit);
    };
    visit(file);
  }
}

/** Modules that the entry's own imports reach; those that import the entry itself still start the stdio program. */
function importedByEntry({ sources, path: entryPath }: EntryModule): ts.SourceFile[] {
  const reached = new Set<string>([entryPath]);
  const queue = [entryPath];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    for (const { fileName } of ts.preProcessFile(sources.files.get(path)?.text ?? '', true, true)
      .importedFiles) {
      const target = sources.resolver.resolve(path, fileName);
      if (target === undefined || reached.has(target)) continue;
      reached.add(target);
      queue.push(target);
    }
  }
  reached.delete(entryPath);
  return [...reached].flatMap((path) => sources.files.get(path) ?? []);
}
