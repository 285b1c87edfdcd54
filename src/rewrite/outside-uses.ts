import { basename } from 'node:path/posix';

import { type StateDeclaration, staticFieldUses } from '../inspect/lasting.js';
import { SOURCE } from '../inspect/resolver.js';
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
  const names = [...isolated].filter(([symbol]) => symbol.valueDeclaration !== undefined);
  return [...project.files].flatMap(([path, before]): Change[] => {
    if (!SOURCE.test(path) || sources.files.has(path) || project.outputs?.has(path)) return [];
    const named = names.filter(([symbol]) => mentions(before, sources, symbol));
    if (named.length === 0) return [];
    const outside = new Sources(project, path, sources.resolver);
    const edits = new Map([...outside.files.values()].map((file) => [file, new FileEdits(file)]));
    const editsOf = (file: ts.SourceFile): FileEdits => edits.get(file)!;
    for (const [symbol] of named) {
      const same = counterpart(outside, sources, symbol.valueDeclaration!);
      if (!same) continue;
      if (ts.isPropertyDeclaration(same))
        for (const use of staticFieldUses(outside, same))
          editsOf(use.getSourceFile()).insert(use.end, '.value');
      else scopeUses(outside, outside.checker.getSymbolAtLocation(same.name)!, editsOf);
    }
    const after = editsOf(outside.files.get(path)!).whole();
    const why = 'reads what each client has for itself now';
    return after === before ? [] : [{ path, before, after, why }];
  });
}

/** Does the text name the variable, and a module called like the one that declares it? */
function mentions(text: string, sources: Sources, symbol: ts.Symbol): boolean {
  const declaration = symbol.valueDeclaration!;
  const module = basename(sources.pathOf(declaration)).replace(/\.[^.]+$/, '');
  const owner = ts.isPropertyDeclaration(declaration) ? (declaration.parent.name?.text ?? '') : symbol.name;
  return text.includes(owner) && (module === 'index' || text.includes(module));
}

type Named = ts.VariableDeclaration | ts.BindingElement | ts.PropertyDeclaration;

/** The same declaration in sources that were read for another entry. */
function counterpart(outside: Sources, sources: Sources, declaration: ts.Declaration): Named | undefined {
  const file = outside.files.get(sources.pathOf(declaration));
  const isNamed = (node: ts.Node): node is Named =>
    ts.isVariableDeclaration(node) || ts.isBindingElement(node) || ts.isPropertyDeclaration(node);
  return file && descendants(file, isNamed).find(({ pos }) => pos === declaration.pos);
}
