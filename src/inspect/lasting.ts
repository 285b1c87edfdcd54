import { isOfOtherProgram } from './other-program.js';
import { descendants, enclosingFunction, isInside, type Sources, ts, unwrap } from './source.js';

/** A declaration whose value outlives a call. */
export type StateDeclaration = ts.VariableDeclaration | ts.PropertyDeclaration | ts.ExportAssignment;

/** Every declaration whose value outlives a call: module-level variables, static fields, default exports, file by file. */
export function lastingDeclarations(sources: Sources): StateDeclaration[] {
  const found: StateDeclaration[] = [];
  for (const file of sources.files.values()) {
    for (const statement of file.statements) {
      if (ts.isVariableStatement(statement)) found.push(...statement.declarationList.declarations);
      if (
        ts.isExportAssignment(statement) &&
        !statement.isExportEquals &&
        makesSomething(statement.expression)
      )
        found.push(statement);
    }
    for (const owner of descendants(file, ts.isClassLike))
      for (const member of owner.members)
        if (
          ts.isPropertyDeclaration(member) &&
          member.modifiers?.some((m) => m.kind === ts.SyntaxKind.StaticKeyword)
        )
          found.push(member);
  }
  return found;
}

const makesSomething = (expression: ts.Expression): boolean => {
  const value = unwrap(expression);
  return !ts.isIdentifier(value) && !ts.isFunctionLike(value) && !ts.isClassLike(value);
};

/**
 * Variables of blocks and namespaces outside any function that are named in functions, or elsewhere: they last, but cannot
 * be made anew where they stand. Others are gone when their block has run.
 */
export const nestedDeclarations = (sources: Sources): ts.VariableDeclaration[] =>
  [...sources.files.values()].flatMap((file) =>
    file.statements
      .filter((statement) => !ts.isVariableStatement(statement) && !ts.isFunctionDeclaration(statement))
      .filter((statement) => !isOfOtherProgram(sources, statement))
      .flatMap((statement) => descendants(statement, ts.isVariableDeclaration))
      .filter(
        (declaration) =>
          !enclosingFunction(declaration) &&
          ts.isVariableStatement(declaration.parent.parent) &&
          outlivesItsBlock(sources, declaration),
      ),
  );

function outlivesItsBlock(sources: Sources, declaration: ts.VariableDeclaration): boolean {
  const block = declaration.parent.parent.parent;
  const names = descendants(declaration.name, ts.isIdentifier);
  return (
    ts.isModuleBlock(block) ||
    names.some((name) => {
      const symbol = sources.symbolOf(name);
      return (
        symbol && sources.referencesTo(symbol).some((use) => enclosingFunction(use) || !isInside(use, block))
      );
    })
  );
}

/** The value that a lasting declaration starts with. */
export const initializerOf = (declaration: StateDeclaration): ts.Expression | undefined =>
  ts.isExportAssignment(declaration) ? declaration.expression : declaration.initializer;

/** The symbol that references to a lasting declaration resolve to. */
export const symbolOfDeclaration = (
  sources: Sources,
  declaration: StateDeclaration,
): ts.Symbol | undefined =>
  ts.isExportAssignment(declaration)
    ? (declaration as { symbol?: ts.Symbol }).symbol
    : sources.checker.getSymbolAtLocation(declaration.name);

/** The names of a destructuring pattern, those of patterns inside it included. */
export const patternNames = (declaration: StateDeclaration): ts.BindingElement[] =>
  ts.isVariableDeclaration(declaration) && !ts.isIdentifier(declaration.name)
    ? descendants(declaration.name, ts.isBindingElement).filter((element) => ts.isIdentifier(element.name))
    : [];

/** Can `const { a, b: c } = source` be written as one declaration for each name? */
export function isSeparable(declaration: StateDeclaration): boolean {
  if (!ts.isVariableDeclaration(declaration) || !ts.isObjectBindingPattern(declaration.name)) return false;
  return (
    declaration.initializer !== undefined &&
    /^[\w$.]+$/.test(unwrap(declaration.initializer).getText()) &&
    ts.isVariableDeclarationList(declaration.parent) &&
    declaration.parent.declarations.length === 1 &&
    declaration.name.elements.every(
      ({ name, propertyName, initializer, dotDotDotToken }) =>
        ts.isIdentifier(name) &&
        (propertyName === undefined || ts.isIdentifier(propertyName)) &&
        !initializer &&
        !dotDotDotToken,
    )
  );
}

/** `Owner.field`, and `this.field` in static members, of a static field. */
export function staticFieldUses(
  sources: Sources,
  declaration: ts.PropertyDeclaration,
): ts.PropertyAccessExpression[] {
  const owner = declaration.parent;
  const name = declaration.name.getText();
  const symbol = ts.isClassLike(owner) && owner.name ? sources.symbolOf(owner.name) : undefined;
  const viaName = symbol ? sources.referencesTo(symbol).map((reference) => reference.parent) : [];
  const viaThis = descendants(owner, isThisAccess).filter((node) => inStaticMember(node, owner));
  return [...viaName, ...viaThis].filter(
    (node): node is ts.PropertyAccessExpression =>
      ts.isPropertyAccessExpression(node) && node.name.text === name.replace(/^#/, '#'),
  );
}

function inStaticMember(node: ts.Node, owner: ts.Node): boolean {
  for (let at = node.parent; at && at !== owner; at = at.parent) {
    if (at.parent === owner)
      return (
        ts.canHaveModifiers(at) &&
        (at.modifiers?.some((m) => m.kind === ts.SyntaxKind.StaticKeyword) ?? false)
      );
  }
  return false;
}

const isThisAccess = (node: ts.Node): node is ts.PropertyAccessExpression =>
  ts.isPropertyAccessExpression(node) && node.expression.kind === ts.SyntaxKind.ThisKeyword;
