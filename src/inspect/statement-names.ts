import { descendants, enclosingFunction, isAssigned, isInside, type Sources, ts } from './source.js';

export const isDeclaration = (statement: ts.Statement): boolean =>
  ts.isFunctionDeclaration(statement) ||
  ts.isClassDeclaration(statement) ||
  ts.isImportDeclaration(statement) ||
  ts.isInterfaceDeclaration(statement) ||
  ts.isTypeAliasDeclaration(statement) ||
  ts.isEnumDeclaration(statement);

/** `if (!token) { …; process.exit(1); }` */
export const isExitingCheck = (statement: ts.Statement): statement is ts.IfStatement =>
  ts.isIfStatement(statement) && /\bprocess\.exit\(|\bthrow\b/.test(statement.thenStatement.getText());

export function intersects<T>(a: Iterable<T>, b: { has(value: T): boolean }): boolean {
  for (const one of a) if (b.has(one)) return true;
  return false;
}

/** Symbols of the variables, functions and classes that statements declare. */
export function namesOf(sources: Sources, statements: ReadonlySet<ts.Statement>): Set<ts.Symbol> {
  const names = new Set<ts.Symbol>();
  const add = (name: ts.Node | undefined): void => {
    if (!name) return;
    if (ts.isIdentifier(name)) {
      const symbol = sources.checker.getSymbolAtLocation(name);
      if (symbol) names.add(symbol);
    } else if (ts.isObjectBindingPattern(name) || ts.isArrayBindingPattern(name)) {
      for (const element of name.elements) if (ts.isBindingElement(element)) add(element.name);
    }
  };
  for (const statement of statements) {
    if (ts.isVariableStatement(statement))
      for (const declaration of statement.declarationList.declarations) add(declaration.name);
    if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) add(statement.name);
  }
  return names;
}

/** Variables of the same scopes that a statement assigns: `let app; if (x) app = make(server)`. */
export function assignedIn(sources: Sources, statement: ts.Statement): ts.Symbol[] {
  if (isDeclaration(statement)) return [];
  return descendants(statement, ts.isIdentifier)
    .filter(
      (identifier) =>
        isAssigned(identifier) && enclosingFunction(identifier) === enclosingFunction(statement),
    )
    .map((identifier) => sources.symbolOf(identifier))
    .filter(
      (symbol): symbol is ts.Symbol =>
        symbol?.valueDeclaration !== undefined && !isInside(symbol.valueDeclaration, statement),
    );
}
