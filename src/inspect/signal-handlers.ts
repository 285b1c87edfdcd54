import { declaredName, functionOf } from './calls.js';
import { descendants, enclosingFunction, isInside, rootOf, type Sources, ts, unwrap } from './source.js';

const SIGNAL = /^SIG(?:INT|TERM|HUP|QUIT|BREAK)$/;

/** The handler of `process.on('SIGINT', handler)` and its like. */
export function signalHandlerOf(node: ts.Node): ts.Expression | undefined {
  if (!ts.isCallExpression(node)) return undefined;
  const isRegistration = /^process\s*\.\s*(?:on|once|addListener|prependListener)$/.test(
    node.expression.getText(),
  );
  const [event, handler] = node.arguments;
  return isRegistration && event && isSignal(event) ? handler : undefined;
}

/** `'SIGINT'`, or what goes through a list of signals: `for (const signal of ['SIGINT', 'SIGTERM'])`. */
function isSignal(event: ts.Expression): boolean {
  const value = unwrap(event);
  if (ts.isStringLiteralLike(value)) return SIGNAL.test(value.text);
  const list = ts.isIdentifier(value) && listGoneThrough(value);
  const elements = list && ts.isArrayLiteralExpression(list) ? list.elements : [];
  return elements.length > 0 && elements.every((one) => ts.isStringLiteralLike(one) && SIGNAL.test(one.text));
}

/** The list that a name stands for the elements of, in a loop or in a function given to `forEach`. */
function listGoneThrough(name: ts.Identifier): ts.Expression | undefined {
  for (let at: ts.Node = name; at; at = at.parent) {
    if (ts.isForOfStatement(at) && ts.isVariableDeclarationList(at.initializer)) {
      if (at.initializer.declarations[0]?.name.getText() === name.text) return heldBy(at.expression);
    } else if (ts.isFunctionLike(at) && at.parameters.some((one) => one.name.getText() === name.text)) {
      const each = at.parent;
      return ts.isCallExpression(each) &&
        ts.isPropertyAccessExpression(each.expression) &&
        each.expression.name.text === 'forEach' &&
        at.parameters[0]?.name.getText() === name.text
        ? heldBy(each.expression.expression)
        : undefined;
    }
  }
  return undefined;
}

/** An expression, or what the constant of that name holds. */
function heldBy(expression: ts.Expression): ts.Expression {
  const value = unwrap(expression);
  if (!ts.isIdentifier(value)) return value;
  const isOfThatName = (node: ts.Node): node is ts.VariableDeclaration | ts.ParameterDeclaration =>
    (ts.isVariableDeclaration(node) || ts.isParameter(node)) && node.name.getText() === value.text;
  const [constant, another] = descendants(value.getSourceFile(), isOfThatName);
  return constant?.initializer && !another ? unwrap(constant.initializer) : value;
}

/** Does the function run only when the program is asked to end: as a signal handler, or called by one? */
export function runsAtEnd(
  sources: Sources,
  fn: ts.FunctionLikeDeclaration,
  seen: Set<ts.Node> = new Set(),
): boolean {
  if (seen.has(fn) || signalHandlerOf(fn.parent) === fn) return true;
  seen.add(fn);
  const name = declaredName(fn);
  const symbol = name && ts.isIdentifier(name) ? sources.symbolOf(name) : undefined;
  const uses = symbol ? sources.referencesTo(symbol).filter((use) => !isInside(use, fn)) : [];
  return (
    uses.length > 0 &&
    uses.every((use) => {
      if (signalHandlerOf(use.parent) === use) return true;
      const caller = enclosingFunction(use);
      const isCall = ts.isCallExpression(use.parent) && use.parent.expression === use;
      return isCall && caller !== undefined && runsAtEnd(sources, caller, seen);
    })
  );
}

/** What a program does when it is asked to end. */
export interface Ending {
  /** Does it more than close its connection, say so and exit? */
  readonly cleansUp: boolean;
  /** Does it use one of the names? */
  readonly uses: (names: ReadonlySet<ts.Symbol>) => boolean;
}

/** Does the statement call a function of the project that does nothing but install signal handlers? */
export function installsHandlers(sources: Sources, statement: ts.Statement): boolean {
  const body = calledBody(sources, statement);
  if (!body) return false;
  const rest = body.statements.filter((one) => !registeredBy(one));
  return rest.length < body.statements.length && rest.every(isFunction);
}

function calledBody(sources: Sources, statement: ts.Statement): ts.Block | undefined {
  const call = ts.isExpressionStatement(statement) && unwrap(statement.expression);
  const body = call && ts.isCallExpression(call) ? functionOf(sources, call.expression)?.body : undefined;
  return body && ts.isBlock(body) ? body : undefined;
}

/** The handler in a statement `process.on('SIGINT', …)`, or in a loop of nothing else. */
export function registeredBy(statement: ts.Statement): ts.Expression | undefined {
  if (ts.isForOfStatement(statement)) return onlyRegistered(statement.statement);
  const call = ts.isExpressionStatement(statement) ? unwrap(statement.expression) : undefined;
  if (!call || !ts.isCallExpression(call)) return undefined;
  const each = /\.forEach$/.test(call.expression.getText()) ? call.arguments[0] : undefined;
  return each && ts.isArrowFunction(each) ? onlyRegistered(each.body) : signalHandlerOf(call);
}

function onlyRegistered(body: ts.ConciseBody | ts.Statement): ts.Expression | undefined {
  if (!ts.isBlock(body)) {
    return ts.isExpression(body) ? signalHandlerOf(unwrap(body)) : registeredBy(body);
  }
  const [only, another] = body.statements;
  return only && !another ? registeredBy(only) : undefined;
}

/** A function declaration, or constants that are functions. */
const isFunction = (statement: ts.Statement): boolean =>
  ts.isFunctionDeclaration(statement) ||
  (ts.isVariableStatement(statement) &&
    statement.declarationList.declarations.every(
      ({ initializer }) => initializer !== undefined && ts.isFunctionLike(unwrap(initializer)),
    ));

/**
 * Follows the handlers of a statement `process.on('SIGINT', …)`, or of the function it calls to install them, through
 * the functions they call; undefined for other statements.
 */
export function endingOf(
  sources: Sources,
  statement: ts.Statement,
  servers: ReadonlySet<ts.Symbol>,
): Ending | undefined {
  const installing = installsHandlers(sources, statement)
    ? calledBody(sources, statement)!.statements
    : [statement];
  const handlers = installing
    .map(registeredBy)
    .map((handler) => handler && functionOf(sources, handler))
    .filter((handler) => handler !== undefined);
  if (handlers.length === 0) return undefined;
  const bodies = new Set<ts.Node>(handlers);
  let cleansUp = false;
  for (const body of bodies)
    for (const call of descendants(body, ts.isCallExpression)) {
      if (isFarewell(sources, call, servers)) continue;
      const called = functionOf(sources, call.expression);
      if (called) bodies.add(called);
      else cleansUp = true;
    }
  return {
    cleansUp,
    uses: (names) =>
      [...bodies].some((body) => [...sources.symbolsIn(body)].some((symbol) => names.has(symbol))),
  };
}

/** Calls that every handler makes: what is closed here the service closes by itself. */
function isFarewell(sources: Sources, call: ts.CallExpression, servers: ReadonlySet<ts.Symbol>): boolean {
  const text = call.expression.getText();
  if (
    /^(?:process\.(?:exit|kill|removeAllListeners|off)|(?:set|clear)(?:Timeout|Immediate)|clearInterval)$/.test(
      text,
    ) ||
    /^(?:console|process\.std(?:err|out|in)|(?:this\.)?_?(?:log(?:ger)?|debug|print\w*))\b/i.test(text) ||
    /\.(?:then|catch|finally|unref)$/.test(text)
  )
    return true;
  const symbol = sources.symbolOf(rootOf(call.expression));
  return symbol !== undefined && servers.has(symbol) && /\.close$/.test(text);
}
