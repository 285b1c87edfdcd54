import { basename } from 'node:path/posix';

import { type StateDeclaration, staticFieldUses } from '../inspect/lasting.js';
import { type Resolver, SOURCE } from '../inspect/resolver.js';
import { descendants, Sources, ts } from '../inspect/source.js';
import type { Change, Project } from '../model.js';
import { FileEdits } from './edits.js';
import { scopeUses } from './session-state.js';

/**
 * Files that the server does not reach, such as tests, and that import what has become session-scoped: they read its
 * `.value`, too.
 */
export function rewriteOutsideUses(
  project: Project,
  sources: Sources,
  isolated: ReadonlyMap<ts.Symbol, StateDeclaration>,
): Change[] {
  const names = [...isolated.keys()].filter((symbol) => symbol.valueDeclaration !== undefined);
  const paths = filesNaming(project, sources, names);
  if (paths.length === 0) return [];
  const outside = readAll(project, paths, sources.resolver);
  const edits = new Map([...outside.files.values()].map((file) => [file, new FileEdits(file)]));
  const editsOf = (file: ts.SourceFile): FileEdits => edits.get(file)!;
  for (const symbol of names) {
    const same = counterpart(outside, sources, symbol.valueDeclaration!);
    if (!same) continue;
    if (ts.isPropertyDeclaration(same))
      for (const use of staticFieldUses(outside, same))
        editsOf(use.getSourceFile()).insert(use.end, '.value');
    else scopeUses(outside, outside.checker.getSymbolAtLocation(same.name)!, editsOf);
  }
  return paths.flatMap((path): Change[] => {
    const before = project.files.get(path)!;
    const file = outside.files.get(path);
    const after = file ? editsOf(file).whole() : before;
    const why = 'reads what each client has for itself now';
    return after === before ? [] : [{ path, before, after, why }];
  });
}

/** Does a file that the server does not reach, such as a test, import one of the names? */
export function isNamedOutside(project: Project, sources: Sources, names: readonly ts.Symbol[]): boolean {
  const declared = names.filter((symbol) => symbol.valueDeclaration !== undefined);
  const paths = filesNaming(project, sources, declared);
  if (paths.length === 0) return false;
  const outside = readAll(project, paths, sources.resolver);
  return declared.some((symbol) => {
    const same = counterpart(outside, sources, symbol.valueDeclaration!);
    const symbolThere = same && outside.checker.getSymbolAtLocation(same.name);
    return (
      symbolThere !== undefined &&
      paths.some((path) => {
        const file = outside.files.get(path);
        return file !== undefined && mentions(outside, file, symbolThere);
      })
    );
  });
}

/** Does the file use the name, or pass it on with `export { name } from './module'`? */
export const mentions = (sources: Sources, file: ts.SourceFile, symbol: ts.Symbol): boolean =>
  sources.referencesTo(symbol).some((use) => use.getSourceFile() === file) ||
  descendants(file, ts.isExportSpecifier).some(
    ({ name, propertyName }) => sources.symbolOf(propertyName ?? name) === symbol,
  );

/** Files that the server does not reach and that may import one of the names. */
function filesNaming(project: Project, sources: Sources, names: readonly ts.Symbol[]): string[] {
  return [...project.files.keys()].filter(
    (path) =>
      SOURCE.test(path) &&
      !sources.files.has(path) &&
      !project.outputs?.has(path) &&
      names.some((symbol) => mayMention(project.files.get(path)!, sources, symbol)),
  );
}

/** Several files and what they import, read as the imports of a file that is nowhere. */
function readAll(project: Project, paths: readonly string[], resolver: Resolver): Sources {
  const entry = 'outside-uses.mjs';
  const text = paths.map((path) => `import ${JSON.stringify(`./${path}`)};`).join('\n');
  return new Sources({ ...project, files: new Map([...project.files, [entry, text]]) }, entry, resolver);
}

/** Does the text name the variable, and a module called like the one that declares it? */
function mayMention(text: string, sources: Sources, symbol: ts.Symbol): boolean {
  const declaration = symbol.valueDeclaration!;
  const module = basename(sources.pathOf(declaration)).replace(/\.[^.]+$/, '');
  const owner = ts.isPropertyDeclaration(declaration) ? (declaration.parent.name?.text ?? '') : symbol.name;
  return (
    text.includes(owner) &&
    (module === 'index' ||
      new RegExp(`[/'"\`]${module.replace(/[^\w-]/g, '\\$&')}(?:\\.\\w+)?['"\`]`).test(text))
  );
}

type Named = ts.VariableDeclaration | ts.BindingElement | ts.PropertyDeclaration;

/** The same declaration in sources that were read for another entry. */
function counterpart(outside: Sources, sources: Sources, declaration: ts.Declaration): Named | undefined {
  const file = outside.files.get(sources.pathOf(declaration));
  const isNamed = (node: ts.Node): node is Named =>
    ts.isVariableDeclaration(node) || ts.isBindingElement(node) || ts.isPropertyDeclaration(node);
  return file && descendants(file, isNamed).find(({ pos }) => pos === declaration.pos);
}
