import { rootOf, type Sources, ts, unwrap } from '../source.js';

export const literalName = (node: ts.Expression): string | undefined =>
  ts.isStringLiteralLike(node) ? node.text : undefined;

export function propertyName(name: ts.Node): string | undefined {
  if (ts.isIdentifier(name) || ts.isPrivateIdentifier(name) || ts.isStringLiteralLike(name)) return name.text;
  if (ts.isComputedPropertyName(name)) return literalName(name.expression);
  return undefined;
}

export const isStaticMember = (member: ts.Node): boolean =>
  ts.isClassStaticBlockDeclaration(member) ||
  (ts.canHaveModifiers(member) &&
    (member.modifiers?.some((modifier) => modifier.kind === ts.SyntaxKind.StaticKeyword) ?? false));

export const staticField = (
  owner: ts.ClassLikeDeclaration,
  name: string,
): ts.PropertyDeclaration | undefined =>
  owner.members.find(
    (member): member is ts.PropertyDeclaration =>
      ts.isPropertyDeclaration(member) && isStaticMember(member) && propertyName(member.name) === name,
  );

export const baseOf = (owner: ts.ClassLikeDeclaration): ts.Expression | undefined =>
  owner.heritageClauses?.find((clause) => clause.token === ts.SyntaxKind.ExtendsKeyword)?.types[0]
    ?.expression;

export function ownerOf(node: ts.Node): ts.ClassLikeDeclaration | undefined {
  for (let at = node.parent; at; at = at.parent) if (ts.isClassLike(at)) return at;
  return undefined;
}

/** Does the node run while its instance is made: in a constructor, not in a function that is called later? */
export function isConstruction(node: ts.Node): boolean {
  for (let at = node.parent; at; at = at.parent) {
    if (ts.isConstructorDeclaration(at)) return true;
    if (ts.isFunctionLike(at)) return false;
  }
  return false;
}

/** What a CommonJS module exports, or the module itself: not a variable of the project's own that is called so. */
export function isModuleExportsObject(sources: Sources, base: ts.Expression): boolean {
  if (!/^(?:module|exports|module\.exports)$/.test(base.getText())) return false;
  const declarations = sources.symbolOf(rootOf(base))?.declarations ?? [];
  return !declarations.some(
    (one) =>
      (ts.isVariableDeclaration(one) || ts.isParameter(one) || ts.isBindingElement(one)) &&
      !(ts.getCombinedModifierFlags(one) & ts.ModifierFlags.Ambient),
  );
}

/** Does the project declare the name? In JavaScript, `global.x = …` gives `global` a symbol too. */
export const isDeclared = (symbol: ts.Symbol | undefined): boolean =>
  symbol?.declarations?.some(
    (declaration) =>
      !ts.isExpression(declaration) || ts.isFunctionLike(declaration) || ts.isClassLike(declaration),
  ) ?? false;

/** The name at the beginning of the expression, when it is one of the language's or the environment's. */
export function globalName(sources: Sources, expression: ts.Expression): string | undefined {
  const root = rootOf(expression);
  return ts.isIdentifier(root) && !isDeclared(sources.symbolOf(root)) ? root.text : undefined;
}

const GLOBAL_OBJECT = /^(?:globalThis|global|process\.env|process|[A-Z]\w*\.prototype)$/;

/** Does the expression name what every module of the process can see? */
export const isGlobalObject = (sources: Sources, base: ts.Expression): boolean =>
  GLOBAL_OBJECT.test(unwrap(base).getText()) && globalName(sources, base) !== undefined;

/** A regular expression: `/a+/g`, `new RegExp(…)`. */
export const isPattern = (node: ts.Node): boolean =>
  ts.isRegularExpressionLiteral(node) || (ts.isNewExpression(node) && node.expression.getText() === 'RegExp');

/** `word.lastIndex = 0`: where every search begins that was not left half-way. */
export const startsAnew = (assignment: ts.Node): boolean =>
  ts.isBinaryExpression(assignment) &&
  ts.isNumericLiteral(assignment.right) &&
  assignment.right.text === '0' &&
  ts.isPropertyAccessExpression(assignment.left) &&
  assignment.left.name.text === 'lastIndex';
