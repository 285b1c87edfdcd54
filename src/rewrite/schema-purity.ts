import { CHANGES_COLLECTION } from '../inspect/packages.js';
import { descendants, forEachReference, isAssigned, rootOf, ts, unwrap } from '../inspect/source.js';

const GLOBALS = new Set([
  'undefined',
  'Infinity',
  'NaN',
  'Number',
  'Math',
  'Object',
  'Array',
  'String',
  'Boolean',
  'RegExp',
]);

type Test = (expression: ts.Expression) => boolean;

/**
 * Tells expressions of a module that give the same whenever they are evaluated: made of zod, literals, and constants
 * that stand at module level in front of `home` and are of the same kind.
 *
 * @param home the statement that the expressions would be lifted out of
 * @param isImported is a name imported that stands for such a constant of another module?
 */
export function schemaPurity(
  file: ts.SourceFile,
  home: ts.Statement | undefined,
  isImported: (name: string) => boolean,
): Test {
  const constants = constantsBefore(file, home);
  const zod = new Set(file.statements.flatMap(zodNames));
  const local = new Set(home ? descendants(home, isDeclaration).flatMap((node) => namesIn(node.name)) : []);
  const known = new Map<string, boolean>();

  const isConstant = (name: string): boolean => {
    const answer = known.get(name);
    if (answer !== undefined) return answer;
    known.set(name, false);
    const declaration = constants.get(name);
    const pure =
      (declaration === undefined && isImported(name)) ||
      (declaration !== undefined &&
        (ts.isEnumDeclaration(declaration) ||
          (declaration.initializer !== undefined &&
            isPure(declaration.initializer) &&
            !isChanged(file, declaration))));
    known.set(name, pure);
    return pure;
  };

  /** A name used at once stands for something unchanging; one used in a function is looked up when that is called. */
  const isAllowed = (identifier: ts.Identifier, root: ts.Node): boolean => {
    const { text } = identifier;
    const within = functionAround(identifier, root);
    if (within && boundInside(identifier, root)) return true;
    if (within) return !local.has(text);
    if (local.has(text)) return false;
    return zod.has(text) || (GLOBALS.has(text) && !constants.has(text)) || isConstant(text);
  };

  const isPure: Test = (expression) => {
    let pure = !/\b(?:await|yield|this)\b/.test(expression.getText()) || !hasEagerKeyword(expression);
    forEachReference(expression, (identifier) => {
      pure &&= isAllowed(identifier, expression);
    });
    for (const call of descendants(expression, isCall)) {
      if (functionAround(call, expression)) continue;
      pure &&= isHarmless(call, zod, isConstant);
    }
    return (
      pure &&
      !descendants(expression, ts.isTaggedTemplateExpression).some((one) => !functionAround(one, expression))
    );
  };
  return isPure;
}

const isCall = (node: ts.Node): node is ts.CallExpression | ts.NewExpression =>
  ts.isCallExpression(node) || ts.isNewExpression(node);

/** A call of zod, or one of a constant or a global that neither changes it nor depends on the time. */
function isHarmless(
  call: ts.CallExpression | ts.NewExpression,
  zod: ReadonlySet<string>,
  isConstant: (name: string) => boolean,
): boolean {
  const root = rootOf(call.expression);
  const callee = unwrap(call.expression);
  const method = ts.isPropertyAccessExpression(callee) ? callee.name.text : '';
  if (ts.isNewExpression(call)) return call.expression.getText() === 'RegExp';
  if (method === 'random' || method === 'assign') return false;
  if (ts.isIdentifier(root) && zod.has(root.text)) return true;
  if (method === '' || CHANGES_COLLECTION.has(method)) return false;
  return !ts.isIdentifier(root) || GLOBALS.has(root.text) || isConstant(root.text);
}

function hasEagerKeyword(expression: ts.Expression): boolean {
  return (
    descendants(
      expression,
      (node): node is ts.Node =>
        (ts.isAwaitExpression(node) ||
          ts.isYieldExpression(node) ||
          node.kind === ts.SyntaxKind.ThisKeyword) &&
        !(functionAround(node, expression) && node.kind !== ts.SyntaxKind.ThisKeyword),
    ).length > 0
  );
}

/** The function inside `root` that the node stands in. */
function functionAround(node: ts.Node, root: ts.Node): ts.Node | undefined {
  for (let at = node.parent; at && node !== root && at !== root.parent; at = at.parent)
    if (ts.isFunctionLike(at)) return at;
  return undefined;
}

/** Is the name a parameter or variable of a function inside `root`? */
const boundInside = (identifier: ts.Identifier, root: ts.Node): boolean =>
  descendants(root, isDeclaration).some((node) => namesIn(node.name).includes(identifier.text));

type Declaration =
  | ts.VariableDeclaration
  | ts.ParameterDeclaration
  | ts.FunctionDeclaration
  | ts.ClassDeclaration
  | ts.FunctionExpression;

const isDeclaration = (node: ts.Node): node is Declaration =>
  ts.isVariableDeclaration(node) ||
  ts.isParameter(node) ||
  ts.isFunctionDeclaration(node) ||
  ts.isClassDeclaration(node) ||
  ts.isFunctionExpression(node);

function namesIn(name: ts.BindingName | undefined): string[] {
  if (!name) return [];
  if (ts.isIdentifier(name)) return [name.text];
  return name.elements.flatMap((element) => (ts.isBindingElement(element) ? namesIn(element.name) : []));
}

/** Constants and enumerations that are there before the statement is evaluated. */
function constantsBefore(
  file: ts.SourceFile,
  home: ts.Statement | undefined,
): Map<string, ts.VariableDeclaration | ts.EnumDeclaration> {
  const found = new Map<string, ts.VariableDeclaration | ts.EnumDeclaration>();
  for (const statement of file.statements) {
    if (statement === home) break;
    if (ts.isEnumDeclaration(statement)) found.set(statement.name.text, statement);
    if (!ts.isVariableStatement(statement) || !(statement.declarationList.flags & ts.NodeFlags.Const))
      continue;
    for (const declaration of statement.declarationList.declarations)
      if (ts.isIdentifier(declaration.name)) found.set(declaration.name.text, declaration);
  }
  return found;
}

/** Is something of the constant changed in this module, or could another one change it? */
function isChanged(file: ts.SourceFile, declaration: ts.VariableDeclaration): boolean {
  const name = declaration.name.getText();
  return descendants(file, ts.isIdentifier).some((identifier) => {
    if (identifier.text !== name || identifier === declaration.name) return false;
    let at: ts.Expression = identifier;
    while (
      (ts.isPropertyAccessExpression(at.parent) || ts.isElementAccessExpression(at.parent)) &&
      at.parent.expression === at
    )
      at = at.parent;
    const calls = ts.isCallExpression(at.parent) && at.parent.expression === at;
    const method = ts.isPropertyAccessExpression(at) ? at.name.text : '';
    return at !== identifier && (isAssigned(at) || (calls && CHANGES_COLLECTION.has(method)));
  });
}

/** The names that a module has zod under. */
function zodNames(statement: ts.Statement): string[] {
  const isZod = (specifier: ts.Node | undefined): boolean =>
    specifier !== undefined && ts.isStringLiteral(specifier) && /^zod(?:\/|$)/.test(specifier.text);
  if (ts.isImportDeclaration(statement)) {
    const bindings = statement.importClause?.namedBindings;
    if (!isZod(statement.moduleSpecifier)) return [];
    const named = bindings
      ? ts.isNamespaceImport(bindings)
        ? [bindings.name.text]
        : bindings.elements.map((element) => element.name.text)
      : [];
    return [...(statement.importClause?.name ? [statement.importClause.name.text] : []), ...named];
  }
  if (!ts.isVariableStatement(statement)) return [];
  return statement.declarationList.declarations.flatMap(({ name, initializer }) => {
    let at = initializer;
    while (at && ts.isPropertyAccessExpression(at)) at = at.expression;
    const loads = at && ts.isCallExpression(at) && at.expression.getText() === 'require';
    return loads && isZod((at as ts.CallExpression).arguments[0]) ? namesIn(name) : [];
  });
}
