// As CommonJS: importing it as a module would search nine megabytes for export names first (200 ms).
import tsMorph = require('ts-morph');

import ts = tsMorph.ts;

export { ts };

// A file is walked once, whoever asks for which part of it: in order of appearance, parents before their children.
const allNodes = new WeakMap<ts.SourceFile, readonly ts.Node[]>();
const allReferences = new WeakMap<ts.SourceFile, readonly ts.Identifier[]>();

/** Calls back for each identifier that reads or writes a value: no declarations, property names, labels or types. */
export function forEachReference(root: ts.Node, visit: (identifier: ts.Identifier) => void): void {
  const file = root.getSourceFile();
  const known = allReferences.get(file) ?? referencesOf(file);
  allReferences.set(file, known);
  let at = firstFrom(known, root.pos);
  for (let next = known[at]; next && next.pos < root.end; next = known[++at]) visit(next);
}

function referencesOf(file: ts.SourceFile): ts.Identifier[] {
  const found: ts.Identifier[] = [];
  const walk = (node: ts.Node): void => {
    if (ts.isTypeNode(node) && !ts.isExpressionWithTypeArguments(node)) return;
    if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node) || ts.isImportDeclaration(node))
      return;
    if (ts.isIdentifier(node) && isReference(node)) found.push(node);
    ts.forEachChild(node, walk);
  };
  walk(file);
  return found;
}

function isReference(node: ts.Identifier): boolean {
  const parent = node.parent;
  if (!parent) return false;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isShorthandPropertyAssignment(parent))
    return parent.name === node || parent.objectAssignmentInitializer === node;
  if (ts.isExportSpecifier(parent))
    return !parent.parent.parent.moduleSpecifier && (parent.propertyName ?? parent.name) === node;
  if (ts.isBindingElement(parent)) return parent.initializer === node;
  if (ts.isPropertyAssignment(parent) || ts.isPropertyDeclaration(parent) || ts.isEnumMember(parent))
    return parent.initializer === node;
  if (ts.isVariableDeclaration(parent) || ts.isParameter(parent)) return parent.initializer === node;
  if (ts.isLabeledStatement(parent) || ts.isBreakOrContinueStatement(parent) || ts.isMetaProperty(parent))
    return false;
  if (ts.isJsxAttribute(parent)) return false;
  return (
    !(
      ts.isFunctionLike(parent) ||
      ts.isClassLike(parent) ||
      ts.isEnumDeclaration(parent) ||
      ts.isModuleDeclaration(parent)
    ) || (parent as { name?: ts.Node }).name !== node
  );
}

/** The identifiers that stand in a type: `typeof x` queries and type references. */
export function typeNamesIn(root: ts.Node): Set<string> {
  const found = new Set<string>();
  const walk = (node: ts.Node): void => {
    if (ts.isTypeReferenceNode(node)) found.add(firstName(node.typeName));
    if (ts.isTypeQueryNode(node)) found.add(firstName(node.exprName));
    if (ts.isExpressionWithTypeArguments(node) && ts.isIdentifier(node.expression))
      found.add(node.expression.text);
    ts.forEachChild(node, walk);
  };
  walk(root);
  return found;
}

const firstName = (name: ts.EntityName): string => (ts.isIdentifier(name) ? name.text : firstName(name.left));

/** The function-like node whose body holds the node, or undefined at module level. */
export function enclosingFunction(node: ts.Node): ts.FunctionLikeDeclaration | undefined {
  for (let at = node.parent, inner = node; at; inner = at, at = at.parent) {
    // Decorators of a method run where the class is defined.
    if (ts.isFunctionLike(at) && 'body' in at && !ts.isDecorator(inner))
      return at as ts.FunctionLikeDeclaration;
    if (ts.isClassStaticBlockDeclaration(at)) return undefined;
  }
  return undefined;
}

/** Is a function run by decorating something: `@log`, or the call in `@log('a')`? */
export const isDecoration = (call: ts.Node): boolean =>
  ts.isDecorator(call) || (ts.isCallExpression(call) && ts.isDecorator(call.parent));

/** The statement of the source file that holds the node. */
export function topLevelStatement(node: ts.Node): ts.Statement {
  let at = node;
  while (at.parent && !ts.isSourceFile(at.parent)) at = at.parent;
  return at as ts.Statement;
}

/** Parentheses, `await`, `as T`, `!` and `satisfies` around an expression. */
const isWrapper = (
  node: ts.Node,
): node is
  | ts.ParenthesizedExpression
  | ts.AwaitExpression
  | ts.AsExpression
  | ts.NonNullExpression
  | ts.SatisfiesExpression
  | ts.TypeAssertion =>
  ts.isParenthesizedExpression(node) ||
  ts.isAwaitExpression(node) ||
  ts.isAsExpression(node) ||
  ts.isNonNullExpression(node) ||
  ts.isSatisfiesExpression(node) ||
  ts.isTypeAssertionExpression(node);

/** Strips parentheses, `await`, `as T`, `!` and `satisfies`. */
export function unwrap(expression: ts.Expression): ts.Expression {
  let at = expression;
  while (isWrapper(at)) at = at.expression;
  return at;
}

/** The outermost expression that `unwrap` would strip down to this one. */
export function wrapped(expression: ts.Node): ts.Node {
  let at = expression;
  while (isWrapper(at.parent)) at = at.parent;
  return at;
}

/** The leftmost expression of `a.b().c[0]`: `a`, or `this`. */
export function rootOf(expression: ts.Expression): ts.Expression {
  let at = unwrap(expression);
  while (ts.isPropertyAccessExpression(at) || ts.isElementAccessExpression(at) || ts.isCallExpression(at))
    at = unwrap(at.expression);
  return at;
}

/** Does an `await` of this very scope (not of a nested function) stand in the node? */
export function awaits(node: ts.Node): boolean {
  let found = false;
  const walk = (at: ts.Node): void => {
    if (found || (ts.isFunctionLike(at) && at !== node)) return;
    if (ts.isAwaitExpression(at) || (ts.isForOfStatement(at) && at.awaitModifier)) found = true;
    else ts.forEachChild(at, walk);
  };
  walk(node);
  return found;
}

/** The node and all its descendants that satisfy the guard, in order of appearance. */
export function descendants<T extends ts.Node>(root: ts.Node, guard: (node: ts.Node) => node is T): T[] {
  const file = root.getSourceFile();
  const known = allNodes.get(file) ?? nodesOf(file);
  allNodes.set(file, known);
  const found: T[] = [];
  // Nodes around the root may begin where it does.
  let at = known.indexOf(root, firstFrom(known, root.pos));
  for (let node = known[at]; node && (node === root || node.pos < root.end); node = known[++at])
    if (guard(node)) found.push(node);
  return found;
}

function nodesOf(file: ts.SourceFile): ts.Node[] {
  const found: ts.Node[] = [];
  const walk = (node: ts.Node): void => {
    found.push(node);
    ts.forEachChild(node, walk);
  };
  walk(file);
  return found;
}

/** Index of the first node that does not begin before the position. */
function firstFrom(nodes: readonly ts.Node[], pos: number): number {
  let low = 0;
  let high = nodes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (nodes[middle]!.pos < pos) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** `null`, `undefined` */
export const isNothing = (value: ts.Expression): boolean =>
  /^(?:null|undefined|void 0)$/.test(unwrap(value).getText());

/** Is the expression the target of an assignment, `++`, `delete` or a destructuring assignment? */
export function isAssigned(node: ts.Node): boolean {
  const at = wrapped(node);
  const parent = at.parent;
  if (ts.isBinaryExpression(parent)) return parent.left === at && isAssignment(parent.operatorToken.kind);
  if (ts.isPostfixUnaryExpression(parent)) return true;
  if (ts.isPrefixUnaryExpression(parent))
    return (
      parent.operator === ts.SyntaxKind.PlusPlusToken || parent.operator === ts.SyntaxKind.MinusMinusToken
    );
  if (ts.isDeleteExpression(parent)) return true;
  if (ts.isForOfStatement(parent) || ts.isForInStatement(parent)) return parent.initializer === at;
  return inAssignmentPattern(at);
}

function inAssignmentPattern(node: ts.Node): boolean {
  let at = node.parent;
  let child = node;
  while (
    ts.isArrayLiteralExpression(at) ||
    ts.isObjectLiteralExpression(at) ||
    ts.isSpreadElement(at) ||
    ts.isShorthandPropertyAssignment(at) ||
    (ts.isPropertyAssignment(at) && at.initializer === child)
  ) {
    child = at;
    at = at.parent;
  }
  return (
    at !== node.parent &&
    ts.isBinaryExpression(at) &&
    at.left === child &&
    at.operatorToken.kind === ts.SyntaxKind.EqualsToken
  );
}

const isAssignment = (kind: ts.SyntaxKind): boolean =>
  kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment;

export const isAsync = (fn: ts.FunctionLikeDeclaration): boolean =>
  ts.canHaveModifiers(fn) &&
  (fn.modifiers?.some((modifier) => modifier.kind === ts.SyntaxKind.AsyncKeyword) ?? false);

export const isInside = (node: ts.Node, outer: ts.Node): boolean =>
  node.getSourceFile() === outer.getSourceFile() && node.pos >= outer.pos && node.end <= outer.end;
