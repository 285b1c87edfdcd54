import { forEachReference, ts, typeNamesIn } from '../inspect/source.js';

/** Names that a set of nodes uses, as values and as types. */
export function namesUsedIn(nodes: Iterable<ts.Node>): Set<string> {
  const names = new Set<string>();
  for (const node of nodes) {
    forEachReference(node, (identifier) => names.add(identifier.text));
    for (const name of typeNamesIn(node)) names.add(name);
    jsxNames(node, names);
  }
  return names;
}

function jsxNames(node: ts.Node, names: Set<string>): void {
  if (!/\.[jt]sx$/.test(node.getSourceFile().fileName)) return;
  const walk = (at: ts.Node): void => {
    if ((ts.isJsxOpeningElement(at) || ts.isJsxSelfClosingElement(at)) && ts.isIdentifier(at.tagName))
      names.add(at.tagName.text);
    ts.forEachChild(at, walk);
  };
  walk(node);
}

/** `import …`, `import x = require()`, `const … = require('…')` at the top of a module. */
export function isImport(statement: ts.Statement): boolean {
  if (ts.isImportDeclaration(statement) || ts.isImportEqualsDeclaration(statement)) return true;
  // In an ES module `require` is a variable of its own (createRequire).
  if (statement.getSourceFile().statements.some(ts.isImportDeclaration)) return false;
  return requireDeclaration(statement) !== undefined;
}

function requireDeclaration(statement: ts.Statement): ts.VariableDeclaration | undefined {
  if (!ts.isVariableStatement(statement) || statement.declarationList.declarations.length !== 1)
    return undefined;
  const declaration = statement.declarationList.declarations[0]!;
  let value = declaration.initializer;
  while (value && ts.isPropertyAccessExpression(value)) value = value.expression;
  const isRequire =
    value &&
    ts.isCallExpression(value) &&
    ts.isIdentifier(value.expression) &&
    value.expression.text === 'require' &&
    value.arguments[0] &&
    ts.isStringLiteral(value.arguments[0]);
  return isRequire && (ts.isIdentifier(declaration.name) || ts.isObjectBindingPattern(declaration.name))
    ? declaration
    : undefined;
}

export const isSideEffectImport = (statement: ts.Statement): boolean =>
  ts.isImportDeclaration(statement) && !statement.importClause;

/** The names an import brings into the module. */
function importedNames(statement: ts.Statement): string[] {
  if (ts.isImportEqualsDeclaration(statement)) return [statement.name.text];
  if (ts.isImportDeclaration(statement)) {
    const clause = statement.importClause;
    const bindings = clause?.namedBindings;
    return [
      ...(clause?.name ? [clause.name.text] : []),
      ...(bindings
        ? ts.isNamespaceImport(bindings)
          ? [bindings.name.text]
          : bindings.elements.map((element) => element.name.text)
        : []),
    ];
  }
  const name = requireDeclaration(statement)?.name;
  if (!name) return [];
  return ts.isIdentifier(name)
    ? [name.text]
    : (name as ts.ObjectBindingPattern).elements.map((element) => element.name.getText());
}

/** The import with only the names that are kept; undefined when none is. */
export function narrowImport(statement: ts.Statement, keep: (name: string) => boolean): string | undefined {
  const names = importedNames(statement);
  const kept = names.filter(keep);
  if (kept.length === 0) return undefined;
  if (kept.length === names.length) return statement.getText();
  if (ts.isImportDeclaration(statement)) return narrowEsm(statement, keep);
  const pattern = requireDeclaration(statement)!.name as ts.ObjectBindingPattern;
  const elements = pattern.elements
    .filter((element) => keep(element.name.getText()))
    .map((element) => element.getText());
  const text = statement.getText();
  const start = pattern.getStart() - statement.getStart();
  return `${text.slice(0, start)}{ ${elements.join(', ')} }${text.slice(start + pattern.getText().length)}`;
}

function narrowEsm(statement: ts.ImportDeclaration, keep: (name: string) => boolean): string {
  const clause = statement.importClause!;
  const parts: string[] = [];
  if (clause.name && keep(clause.name.text)) parts.push(clause.name.text);
  const bindings = clause.namedBindings;
  if (bindings && ts.isNamespaceImport(bindings) && keep(bindings.name.text)) parts.push(bindings.getText());
  if (bindings && ts.isNamedImports(bindings)) {
    const elements = bindings.elements
      .filter((element) => keep(element.name.text))
      .map((element) => element.getText());
    const inline = `{ ${elements.join(', ')} }`;
    if (elements.length > 0)
      parts.push(
        inline.length > 90 && bindings.getText().includes('\n')
          ? `{\n  ${elements.join(',\n  ')},\n}`
          : inline,
      );
  }
  const text = statement.getText();
  const clauseStart = clause.getStart() - statement.getStart();
  return `${text.slice(0, clauseStart)}${/^type\s/.test(clause.getText()) ? 'type ' : ''}${parts.join(', ')}${text.slice(clause.end - statement.getStart())}`;
}
