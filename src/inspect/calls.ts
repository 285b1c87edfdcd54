/** Who calls a function, and which function, class or field of the project an expression names, as the syntax tells. */

import { descendants, rootOf, type Sources, ts, unwrap } from './source.js';

/** Calls of a function: by name, `new C().method()`, IIFEs; methods are matched by name. */
export function callsOf(sources: Sources, fn: ts.FunctionLikeDeclaration): ts.CallExpression[] {
  const direct = directCall(fn);
  if (direct) return [direct];
  const name = declaredName(fn);
  if (!name) return [];
  if (
    ts.isClassElement(fn) ||
    ts.isObjectLiteralExpression(fn.parent) ||
    ts.isPropertyAssignment(fn.parent) ||
    ts.isPropertyDeclaration(fn.parent)
  ) {
    return methodCalls(sources, name.getText(), ts.isClassLike(fn.parent) ? fn.parent : undefined);
  }
  if (!ts.isIdentifier(name)) return [];
  const calls = referencesOf(sources, name).flatMap((reference) => {
    const callee = consumerCallee(reference);
    return callee ? [callee] : [];
  });
  return calls.length > 0
    ? calls
    : methodCalls(sources, name.text).filter((call) => {
        const member = memberFunction(sources, unwrap(call.expression));
        return member === undefined || member === fn;
      });
}

/** The function that `object.name` names, when the object is written as a constant: `export default { start }`. */
function memberFunction(sources: Sources, callee: ts.Expression): ts.FunctionLikeDeclaration | undefined {
  if (!ts.isPropertyAccessExpression(callee) || !ts.isIdentifier(callee.expression)) return undefined;
  const declaration = sources.symbolOf(callee.expression)?.declarations?.[0];
  const made =
    declaration && ts.isExportAssignment(declaration)
      ? declaration.expression
      : declaration && ts.isVariableDeclaration(declaration)
        ? declaration.initializer
        : undefined;
  const object = made && unwrap(made);
  if (!object || !ts.isObjectLiteralExpression(object)) return undefined;
  const property = object.properties.find((one) => one.name?.getText() === callee.name.text);
  if (!property) return undefined;
  if (ts.isMethodDeclaration(property)) return property;
  if (ts.isShorthandPropertyAssignment(property)) return functionOf(sources, property.name);
  return ts.isPropertyAssignment(property) ? functionOf(sources, property.initializer) : undefined;
}

function consumerCallee(reference: ts.Expression): ts.CallExpression | undefined {
  let at: ts.Node = reference;
  if (
    ts.isPropertyAccessExpression(at.parent) &&
    at.parent.expression === at &&
    ts.isCallExpression(at.parent.parent) === false
  )
    at = at.parent;
  return ts.isCallExpression(at.parent) && at.parent.expression === at ? at.parent : undefined;
}

function directCall(fn: ts.Node): ts.CallExpression | undefined {
  let at: ts.Node = fn;
  while (ts.isParenthesizedExpression(at.parent)) at = at.parent;
  return ts.isCallExpression(at.parent) && at.parent.expression === at ? at.parent : undefined;
}

/** Calls of a method by its name; those on what is known to be of another class are left out. */
function methodCalls(sources: Sources, name: string, owner?: ts.ClassLikeDeclaration): ts.CallExpression[] {
  const family = (one: ts.ClassLikeDeclaration): boolean =>
    owner === undefined || isRelated(sources, one, owner) || isRelated(sources, owner, one);
  const known = calledMethods.get(sources) ?? indexMethodCalls(sources);
  calledMethods.set(sources, known);
  return (known.get(name) ?? []).filter(({ expression }) => {
    if (sources.externalOf(rootOf(expression)) !== undefined) return false;
    if (isOfPackage(sources, expression.expression)) return false;
    const receiver = classOf(sources, expression.expression);
    return receiver === undefined || family(receiver);
  });
}

type MethodCall = ts.CallExpression & { readonly expression: ts.PropertyAccessExpression };

const isMethodCall = (node: ts.Node): node is MethodCall =>
  ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression);

const calledMethods = new WeakMap<Sources, ReadonlyMap<string, readonly MethodCall[]>>();

function indexMethodCalls(sources: Sources): ReadonlyMap<string, readonly MethodCall[]> {
  const index = new Map<string, MethodCall[]>();
  for (const file of sources.files.values())
    for (const call of descendants(file, isMethodCall)) {
      const name = call.expression.name.text;
      const known = index.get(name);
      if (known) known.push(call);
      else index.set(name, [call]);
    }
  return index;
}

/** Is the expression declared as, or made by, something of a package? */
function isOfPackage(sources: Sources, expression: ts.Expression): boolean {
  const value = unwrap(expression);
  if (ts.isNewExpression(value)) return isFromPackage(sources, value.expression);
  if (ts.isPropertyAccessExpression(value)) {
    const made = assignedToField(sources, value);
    if (made.length > 0) return made.every((one) => isOfPackage(sources, one));
  }
  const declaration = ts.isPropertyAccessExpression(value)
    ? fieldOf(sources, value)
    : ts.isIdentifier(value)
      ? sources.symbolOf(value)?.valueDeclaration
      : undefined;
  if (!declaration || !('type' in declaration || 'initializer' in declaration)) return false;
  const { type, initializer } = declaration as ts.PropertyDeclaration;
  const named = type ? namesIn(type) : [];
  if (named.length > 0) return named.every((name) => sources.externalOf(name) !== undefined);
  const made = initializer && unwrap(initializer);
  if (!made) return false;
  const called = unwrap(ts.isAwaitExpression(made) ? made.expression : made);
  const returned = ts.isCallExpression(called) ? functionOf(sources, called.expression)?.type : undefined;
  const given = returned ? namesIn(returned) : [];
  if (given.length > 0) return given.every((name) => sources.externalOf(name) !== undefined);
  return ts.isNewExpression(made) && sources.externalOf(made.expression) !== undefined;
}

/** What an annotation names, as far as its module knows it: `pdf` of `Promise<pdf.Page | null>`. */
function namesIn(type: ts.TypeNode): ts.Identifier[] {
  if (ts.isUnionTypeNode(type)) return type.types.flatMap(namesIn);
  if (!ts.isTypeReferenceNode(type)) return [];
  if (type.typeName.getText() === 'Promise') return (type.typeArguments ?? []).flatMap(namesIn);
  let name = type.typeName;
  while (ts.isQualifiedName(name)) name = name.left;
  return [name];
}

/** `Database`, `sqlite.Database`, also where `const sqlite = require('sqlite').verbose()`. */
function isFromPackage(sources: Sources, expression: ts.Expression): boolean {
  const root = rootOf(expression);
  if (sources.externalOf(expression) ?? sources.externalOf(root)) return true;
  const declaration = sources.symbolOf(root)?.valueDeclaration;
  const made = declaration && ts.isVariableDeclaration(declaration) ? declaration.initializer : undefined;
  return made !== undefined && /^require\(['"][^.'"]/.test(made.getText());
}

/** Is the class the other, or does it extend it? */
function isRelated(sources: Sources, one: ts.ClassLikeDeclaration, other: ts.ClassLikeDeclaration): boolean {
  if (one === other) return true;
  const base = one.heritageClauses?.find((clause) => clause.token === ts.SyntaxKind.ExtendsKeyword)?.types[0];
  const declaration = base && sources.symbolOf(base.expression)?.valueDeclaration;
  return declaration !== undefined && ts.isClassLike(declaration) && isRelated(sources, declaration, other);
}

/** The name a function is declared under: its own, its variable's, its property's. */
export function declaredName(fn: ts.FunctionLikeDeclaration): ts.PropertyName | ts.BindingName | undefined {
  if (fn.name) return fn.name;
  const parent = fn.parent;
  if (ts.isVariableDeclaration(parent) || ts.isPropertyDeclaration(parent) || ts.isPropertyAssignment(parent))
    return parent.name;
  return undefined;
}

/** The function an expression names, when it is one of the project. */
export function functionOf(
  sources: Sources,
  expression: ts.Expression,
): ts.FunctionLikeDeclaration | undefined {
  const callee = unwrap(expression);
  if (ts.isArrowFunction(callee) || ts.isFunctionExpression(callee)) return callee;
  const declaration = sources.symbolOf(callee)?.valueDeclaration;
  if (declaration) {
    if (ts.isFunctionDeclaration(declaration)) return declaration;
    const value =
      ts.isVariableDeclaration(declaration) && declaration.initializer
        ? unwrap(declaration.initializer)
        : undefined;
    return value && (ts.isArrowFunction(value) || ts.isFunctionExpression(value)) ? value : undefined;
  }
  if (!ts.isPropertyAccessExpression(callee)) return undefined;
  const constant = memberFunction(sources, callee);
  if (constant) return constant;
  const owner = classOf(sources, callee.expression);
  const member = owner?.members.find((one) => one.name?.getText() === callee.name.text);
  if (member && ts.isMethodDeclaration(member)) return member;
  if (member && ts.isPropertyDeclaration(member) && member.initializer) {
    const value = unwrap(member.initializer);
    return ts.isArrowFunction(value) || ts.isFunctionExpression(value) ? value : undefined;
  }
  return undefined;
}

/** The class of the project that an expression is an instance of, as far as the syntax tells. */
function classOf(sources: Sources, expression: ts.Expression): ts.ClassLikeDeclaration | undefined {
  const value = unwrap(expression);
  if (value.kind === ts.SyntaxKind.ThisKeyword) {
    for (let at: ts.Node = value; at; at = at.parent) if (ts.isClassLike(at)) return at;
    return undefined;
  }
  if (ts.isNewExpression(value)) {
    const declaration = sources.symbolOf(value.expression)?.valueDeclaration;
    return declaration && ts.isClassLike(declaration) ? declaration : undefined;
  }
  const declaration = ts.isPropertyAccessExpression(value)
    ? fieldOf(sources, value)
    : sources.symbolOf(value)?.valueDeclaration;
  if (!declaration) return undefined;
  if (ts.isVariableDeclaration(declaration) || ts.isPropertyDeclaration(declaration)) {
    const { initializer } = declaration;
    if (initializer && initializer !== value && unwrap(initializer).kind !== ts.SyntaxKind.NullKeyword)
      return classOf(sources, initializer);
    return classOfType(sources, declaration.type);
  }
  return ts.isParameter(declaration) ? classOfType(sources, declaration.type) : undefined;
}

/** The declaration of `this.field`. */
function fieldOf(sources: Sources, access: ts.PropertyAccessExpression): ts.Declaration | undefined {
  const owner =
    access.expression.kind === ts.SyntaxKind.ThisKeyword ? classOf(sources, access.expression) : undefined;
  return owner?.members.find(
    (member) => ts.isPropertyDeclaration(member) && member.name.getText() === access.name.text,
  );
}

/** What `this.field = new Thing()` in the class itself makes of a field that is not declared. */
function assignedToField(sources: Sources, access: ts.PropertyAccessExpression): ts.NewExpression[] {
  if (access.expression.kind !== ts.SyntaxKind.ThisKeyword || fieldOf(sources, access)) return [];
  return sameField(access).flatMap((field) => {
    const { parent } = field;
    const isTarget =
      ts.isBinaryExpression(parent) &&
      parent.left === field &&
      parent.operatorToken.kind === ts.SyntaxKind.EqualsToken;
    const made = isTarget ? unwrap(parent.right) : undefined;
    return made && ts.isNewExpression(made) ? [made] : [];
  });
}

/** The class of the project that a type annotation names, alone or beside null and undefined. */
function classOfType(sources: Sources, type: ts.TypeNode | undefined): ts.ClassLikeDeclaration | undefined {
  if (type && ts.isUnionTypeNode(type)) {
    const some = type.types.filter((one) => !/^(?:null|undefined)$/.test(one.getText()));
    return some.length === 1 ? classOfType(sources, some[0]) : undefined;
  }
  if (!type || !ts.isTypeReferenceNode(type) || !ts.isIdentifier(type.typeName)) return undefined;
  const symbol = sources.checker.getSymbolAtLocation(type.typeName);
  const declaration = symbol && sources.targetOf(symbol).valueDeclaration;
  return declaration && ts.isClassLike(declaration) ? declaration : undefined;
}

/** References to the variable that an identifier declares or names. */
export function referencesOf(sources: Sources, name: ts.Identifier): readonly ts.Identifier[] {
  const symbol = sources.symbolOf(name);
  return symbol ? sources.referencesTo(symbol) : [];
}

export function fieldUses(declaration: ts.PropertyDeclaration): ts.Expression[] {
  const name = declaration.name.getText();
  return descendants(declaration.parent, ts.isPropertyAccessExpression).filter(
    (node) => node.expression.kind === ts.SyntaxKind.ThisKeyword && node.name.text === name,
  );
}

export function sameField(left: ts.Expression): ts.Expression[] {
  const text = left.getText();
  const scope =
    ts.isPropertyAccessExpression(left) && left.expression.kind === ts.SyntaxKind.ThisKeyword
      ? classAround(left)
      : left.getSourceFile();
  return descendants(scope, ts.isPropertyAccessExpression).filter((node) => node.getText() === text);
}

function classAround(node: ts.Node): ts.Node {
  for (let at = node; at; at = at.parent) if (ts.isClassLike(at)) return at;
  return node.getSourceFile();
}
