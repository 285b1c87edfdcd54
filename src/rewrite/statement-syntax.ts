import { functionOf } from '../inspect/calls.js';
import { descendants, isInside, type Sources, ts } from '../inspect/source.js';

/** `module.exports = …`, `exports.x = …` */
export const isExportsAssignment = (statement: ts.Statement): boolean =>
  ts.isExpressionStatement(statement) && /^(?:module\.)?exports\b[\w.]*\s*=/.test(statement.getText());

/** `console.log = console.error` and the like: stdout belongs to the protocol on stdio only. */
export const isConsoleHijack = (statement: ts.Statement): boolean =>
  ts.isExpressionStatement(statement) &&
  /^(?:console\.\w+|process\.stdout\.write)\s*=[^=]/.test(statement.getText());

/** `await new Promise(() => {})`, `setInterval(() => {}, …)`: they only keep the process alive. */
export const isKeepAlive = (statement: ts.Statement): boolean =>
  /^(?:await\s+)?new\s+Promise\b|^set(?:Interval|Timeout)\(\s*\(\)\s*=>\s*\{\s*\}/.test(statement.getText());

/** `'use strict'` */
export const isDirective = (statement: ts.Statement): boolean =>
  ts.isExpressionStatement(statement) && ts.isStringLiteral(statement.expression);

/** Does the statement ask or tell the client something? */
export function needsConnection(sources: Sources, node: ts.Node, seen: Set<ts.Node> = new Set()): boolean {
  if (
    /\b(?:send\w+|notification|request|listRoots|createMessage|elicitInput|getClient\w+|ping)\s*\(/.test(
      node.getText(),
    )
  )
    return true;
  return descendants(node, ts.isCallExpression).some((call) => {
    const body = functionOf(sources, call.expression)?.body;
    if (!body || seen.has(body)) return false;
    seen.add(body);
    return needsConnection(sources, body, seen);
  });
}

/** Has the declaration the modifier `export`? */
export const isExported = (statement: ts.Node): boolean =>
  ts.canHaveModifiers(statement) &&
  (ts.getModifiers(statement)?.some((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword) ?? false);

/** Has the declaration the modifier `default`? */
export const hasDefault = (statement: ts.Node): boolean =>
  ts.canHaveModifiers(statement) &&
  (ts.getModifiers(statement)?.some((modifier) => modifier.kind === ts.SyntaxKind.DefaultKeyword) ?? false);

/** `export … from '…'` */
export const isReexport = (statement: ts.Statement): statement is ts.ExportDeclaration =>
  ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined;

/** `declare const VERSION: string`: it says that something is there, and nothing of it runs. */
export const isAmbient = (statement: ts.Node): boolean =>
  ts.canHaveModifiers(statement) &&
  (ts.getModifiers(statement)?.some((modifier) => modifier.kind === ts.SyntaxKind.DeclareKeyword) ?? false);

/** `interface`, `type`: nothing of it runs. */
export const isTypeDeclaration = (statement: ts.Statement): boolean =>
  ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement);

/** The names a declaration brings into its scope, values and types. */
export function declaredNames(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.flatMap((declaration) => bindingNames(declaration.name));
  const named =
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isEnumDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement) ||
    ts.isModuleDeclaration(statement);
  return named && statement.name ? [statement.name.text] : [];
}

function bindingNames(name: ts.BindingName): string[] {
  if (ts.isIdentifier(name)) return [name.text];
  return name.elements.flatMap((element) => (ts.isBindingElement(element) ? bindingNames(element.name) : []));
}

/** The `return` statements of the function that the statement itself stands in. */
export function returnsIn(statement: ts.Statement): ts.ReturnStatement[] {
  const found: ts.ReturnStatement[] = [];
  const walk = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) || ts.isClassLike(node)) return;
    if (ts.isReturnStatement(node)) found.push(node);
    else ts.forEachChild(node, walk);
  };
  walk(statement);
  return found;
}

/** The nodes that remain of a tree when some of its statements and expressions are taken out. */
export function remainsOf(root: ts.Node, taken: ReadonlySet<ts.Node>): readonly ts.Node[] {
  const nodes: ts.Node[] = [];
  const walk = (node: ts.Node): void => {
    if (taken.has(node)) return;
    if (containsAny(node, taken)) {
      if (ts.isIdentifier(node)) nodes.push(node);
      ts.forEachChild(node, walk);
    } else nodes.push(node);
  };
  walk(root);
  return nodes;
}

function containsAny(node: ts.Node, taken: ReadonlySet<ts.Node>): boolean {
  for (const one of taken) if (isInside(one, node)) return true;
  return false;
}

/** The `'…'` of an import, a re-export, `import('…')` or `require('…')`. */
export function moduleSpecifierOf(node: ts.Node): ts.StringLiteral | undefined {
  if (
    (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) &&
    node.moduleSpecifier &&
    ts.isStringLiteral(node.moduleSpecifier)
  )
    return node.moduleSpecifier;
  if (ts.isCallExpression(node) && node.arguments.length > 0 && ts.isStringLiteral(node.arguments[0]!)) {
    const isLoad =
      node.expression.kind === ts.SyntaxKind.ImportKeyword ||
      (ts.isIdentifier(node.expression) && node.expression.text === 'require');
    return isLoad ? (node.arguments[0] as ts.StringLiteral) : undefined;
  }
  return undefined;
}

/** Length of the `#!` line. */
export const shebangEnd = (text: string): number => /^#!.*\r?\n/.exec(text)?.[0].length ?? 0;
