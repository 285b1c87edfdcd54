import { callsOf, functionOf } from './calls.js';
import type { ConnectSite } from './connect.js';
import { descendants, enclosingFunction, isInside, type Sources, ts, unwrap } from './source.js';

/** A condition on command line options that keeps a program from serving stdio when it is started without arguments. */
interface Unchosen {
  readonly condition: ts.Expression;
  /** What it would have to be. */
  readonly wanted: boolean;
}

/**
 * The conditions that keep a program from serving stdio when it is started without arguments: `if (options.stdio)`, where
 * the option is false unless given, or `if (process.argv.includes('--stdio'))`.
 */
export function findUnchosen(sources: Sources, site: ConnectSite): readonly Unchosen[] {
  const places = [site.transport, site.call, ...site.runners.map(({ use }) => use)];
  const seen = new Set<ts.Node>();
  const found = new Map<ts.Node, Unchosen>();
  for (let at = places.pop(); at; at = places.pop()) {
    let node: ts.Node = at;
    for (; node.parent; node = node.parent) {
      const branch = node.parent;
      if (!ts.isIfStatement(branch) || node === branch.expression) continue;
      const chosen = valueWithoutArguments(sources, branch.expression);
      const wanted = node === branch.thenStatement;
      if (chosen !== undefined && chosen !== wanted)
        found.set(branch, { condition: branch.expression, wanted });
    }
    const fn = enclosingFunction(at);
    const callers = fn && !seen.has(fn) ? callsOf(sources, fn).filter((call) => !isInside(call, fn)) : [];
    if (fn) seen.add(fn);
    if (callers.length === 1) places.push(callers[0]!);
  }
  return [...found.values()];
}

/** The switches that give a condition the value that it does not have without them; undefined where others decide. */
export function switchesFor(
  sources: Sources,
  { condition, wanted }: Unchosen,
  depth = 0,
): readonly string[] | undefined {
  const value = unwrap(condition);
  const of = (one: ts.Expression, its = wanted) =>
    switchesFor(sources, { condition: one, wanted: its }, depth + 1);
  const now = valueWithoutArguments(sources, value);
  if (now === wanted) return [];
  if (now === undefined || depth > 9) return undefined;
  if (ts.isPrefixUnaryExpression(value)) return of(value.operand, !wanted);
  if (ts.isBinaryExpression(value)) {
    const { left, right, operatorToken } = value;
    if (operatorToken.kind === ts.SyntaxKind.EqualsEqualsEqualsToken)
      return right.kind === ts.SyntaxKind.TrueKeyword ? of(left) : undefined;
    const both = [of(left), of(right)];
    const needsBoth = (operatorToken.kind === ts.SyntaxKind.AmpersandAmpersandToken) === wanted;
    if (!needsBoth) return both.find((one) => one !== undefined);
    return both.every((one) => one !== undefined) ? both.flat() : undefined;
  }
  const given = standsFor(sources, value);
  if (given) return of(given);
  const name = switchOf(sources, value);
  return wanted && name !== undefined ? [name] : undefined;
}

/** What a condition on command line options is when none is given; undefined where something else decides. */
function valueWithoutArguments(sources: Sources, expression: ts.Expression, depth = 0): boolean | undefined {
  const value = unwrap(expression);
  const of = (one: ts.Expression) => valueWithoutArguments(sources, one, depth + 1);
  if (depth > 9) return undefined;
  if (ts.isPrefixUnaryExpression(value) && value.operator === ts.SyntaxKind.ExclamationToken) {
    const operand = of(value.operand);
    return operand === undefined ? undefined : !operand;
  }
  if (ts.isBinaryExpression(value)) {
    const { left, right, operatorToken } = value;
    const [a, b] = [of(left), of(right)];
    switch (operatorToken.kind) {
      case ts.SyntaxKind.AmpersandAmpersandToken:
        return a === false || b === false ? false : a && b;
      case ts.SyntaxKind.BarBarToken:
        return a || b ? true : a === false ? b : undefined;
      case ts.SyntaxKind.EqualsEqualsEqualsToken:
        if (left.getText() === 'process.env.NODE_ENV') return isOfService(right) ? undefined : false;
        return right.kind === ts.SyntaxKind.TrueKeyword ? a : undefined;
      default:
        return undefined;
    }
  }
  if (switchOf(sources, value) !== undefined) return false;
  const given = standsFor(sources, value);
  return given && of(given);
}

/** The switch that an expression is true with, and false without. */
function switchOf(sources: Sources, value: ts.Expression): string | undefined {
  if (ts.isCallExpression(value)) return lookedFor(sources, value);
  return ts.isPropertyAccessExpression(value) && isUnsetSwitch(value) ? `--${value.name.text}` : undefined;
}

/** What a constant is initialized with, or a property set to. */
function standsFor(sources: Sources, value: ts.Expression): ts.Expression | undefined {
  if (ts.isPropertyAccessExpression(value))
    return isUnsetSwitch(value) ? undefined : memberOf(sources, value.expression, value.name.text);
  const declaration = ts.isIdentifier(value) ? sources.symbolOf(value)?.valueDeclaration : undefined;
  const isConstant =
    declaration &&
    ts.isVariableDeclaration(declaration) &&
    (declaration.parent.flags & ts.NodeFlags.Const) !== 0;
  return isConstant ? declaration.initializer : undefined;
}

/** What a service may run as: it is not what is developed or tested. */
const isOfService = (mode: ts.Expression): boolean => /^['"`]production['"`]$/.test(mode.getText());

/** What a property is set to where its object is written: in the caller's argument, or in what a function returns. */
function memberOf(
  sources: Sources,
  object: ts.Expression,
  name: string,
  depth = 0,
): ts.Expression | undefined {
  const value = unwrap(object);
  const of = (one: ts.Expression | undefined) => one && memberOf(sources, one, name, depth + 1);
  if (depth > 5) return undefined;
  if (ts.isObjectLiteralExpression(value)) {
    const property = value.properties.findLast((one) => one.name?.getText() === name);
    if (property && ts.isPropertyAssignment(property)) return property.initializer;
    return property && ts.isShorthandPropertyAssignment(property) ? property.name : undefined;
  }
  if (ts.isCallExpression(value)) {
    const fn = functionOf(sources, value.expression);
    const [returned, another] = fn
      ? descendants(fn, ts.isReturnStatement).filter((one) => enclosingFunction(one) === fn)
      : [];
    return another ? undefined : of(returned?.expression);
  }
  const declaration = ts.isIdentifier(value) ? sources.symbolOf(value)?.valueDeclaration : undefined;
  if (declaration && ts.isParameter(declaration)) {
    const fn = declaration.parent as ts.FunctionLikeDeclaration;
    const [call, another] = callsOf(sources, fn).filter((one) => !isInside(one, fn));
    return another ? undefined : of(call?.arguments[fn.parameters.indexOf(declaration)]);
  }
  return declaration && ts.isVariableDeclaration(declaration) ? of(declaration.initializer) : undefined;
}

/** `--stdio` of `process.argv.includes('--stdio')`, `args.includes('--stdio')` */
function lookedFor(
  sources: Sources,
  { expression, arguments: [flag] }: ts.CallExpression,
): string | undefined {
  if (!ts.isPropertyAccessExpression(expression) || expression.name.text !== 'includes') return undefined;
  if (!flag || !ts.isStringLiteralLike(flag) || !flag.text.startsWith('-')) return undefined;
  const list = unwrap(expression.expression);
  const declaration = ts.isIdentifier(list) ? sources.symbolOf(list)?.valueDeclaration : undefined;
  const source =
    declaration && ts.isVariableDeclaration(declaration)
      ? declaration.initializer?.getText()
      : list.getText();
  return source !== undefined && /^process\.argv(?:\.slice\(\d\))?$/.test(source) ? flag.text : undefined;
}

/**
 * `argv.stdio` of `.option('stdio', { type: 'boolean' })`, `options.stdio` of `.option('--stdio', '…')`, `values.stdio` of
 * `options: { stdio: { type: 'boolean' } }`, unless `default` is true.
 */
function isUnsetSwitch({ name, expression }: ts.PropertyAccessExpression): boolean {
  if (
    !/^(?:argv|args|opts|options|values|flags|(?:cli|argv)\.flags|program\.opts\(\))$/.test(
      unwrap(expression).getText(),
    )
  )
    return false;
  const file = name.getSourceFile();
  const declared = descendants(file, ts.isCallExpression).filter((call) => {
    const first = call.arguments[0];
    return (
      ts.isPropertyAccessExpression(call.expression) &&
      call.expression.name.text === 'option' &&
      first !== undefined &&
      ts.isStringLiteralLike(first) &&
      (first.text === name.text || new RegExp(`(?:^|, ?)--${name.text}$`).test(first.text))
    );
  });
  const listed = descendants(file, ts.isPropertyAssignment).filter((one) => {
    const list = one.parent.parent;
    return (
      one.name.getText().replace(/['"]/g, '') === name.text &&
      ts.isPropertyAssignment(list) &&
      /^(?:flags|options)$/.test(list.name.getText())
    );
  });
  return (
    declared.length + listed.length > 0 &&
    listed.every(({ initializer }) => isSwitch(initializer.getText())) &&
    declared.every(({ arguments: [first, second, third] }) =>
      /^-/.test((first as ts.StringLiteral).text)
        ? third === undefined || third.getText() === 'false'
        : isSwitch(second?.getText() ?? ''),
    )
  );
}

const isSwitch = (settings: string): boolean =>
  /\btype:\s*(?:['"]boolean['"]|Boolean\b)/.test(settings) && !/\bdefault:(?!\s*false\b)/.test(settings);
