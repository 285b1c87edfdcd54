import { type Sources, ts } from '../inspect/source.js';
import { schemaPurity } from './schema-purity.js';

/**
 * Tells names that a module imports from others of the project and that stand for a constant which is there, unchanged,
 * as soon as the module is evaluated.
 */
export function importedConstants(sources: Sources, file: ts.SourceFile): (name: string) => boolean {
  const path = sources.pathOf(file);
  return (name) => {
    const specifier = file.statements
      .filter(ts.isImportDeclaration)
      .flatMap((statement) => {
        const bindings = statement.importClause?.namedBindings;
        return bindings && ts.isNamedImports(bindings) ? [...bindings.elements] : [];
      })
      .find((element) => element.name.text === name);
    const declaration = specifier && sources.symbolOf(specifier.name)?.valueDeclaration;
    if (!declaration || !ts.isVariableDeclaration(declaration) || !ts.isIdentifier(declaration.name))
      return false;
    const home = declaration.getSourceFile();
    if (home === file || !sources.files.has(sources.pathOf(home)) || importsBack(sources, home, path))
      return false;
    const isPure = schemaPurity(home, undefined, () => false);
    return isPure(declaration.name);
  };
}

/** Does evaluating the module evaluate the one at `path`? Then neither can rely on the other at once. */
function importsBack(sources: Sources, from: ts.SourceFile, path: string): boolean {
  const reached = new Set<string>();
  const queue = [sources.pathOf(from)];
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    if (at === path) return true;
    if (reached.has(at)) continue;
    reached.add(at);
    for (const { fileName } of ts.preProcessFile(sources.files.get(at)?.text ?? '', true, true)
      .importedFiles) {
      const target = sources.resolver.resolve(at, fileName);
      if (target !== undefined) queue.push(target);
    }
  }
  return false;
}
