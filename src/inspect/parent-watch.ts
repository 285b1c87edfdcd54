import { functionOf } from './calls.js';
import { descendants, enclosingFunction, type Sources, ts, unwrap } from './source.js';
import { isTimer } from './timing.js';

/** What a program that is started over stdio looks at to see whether whoever started it is still there. */
const PARENT = /\bprocess\s*\.\s*(?:ppid|stdin)\b/;

/** What a function that does nothing else may do beside: unreference its timer, listen for the end, say so. */
const BESIDE = /\.unref$|^process\s*\.\s*(?:stdin\s*\.\s*)?(?:on|once)$|^console\b/;

/**
 * Does a statement have a timer look after the program's parent, by itself or through a function that does nothing else?
 * A service has no parent to end with: in a container it is started by process 1, with its stdin closed.
 */
export function watchesParent(sources: Sources, statement: ts.Statement): boolean {
  const call = ts.isExpressionStatement(statement) ? unwrap(statement.expression) : undefined;
  const called = call && ts.isCallExpression(call) ? functionOf(sources, call.expression) : undefined;
  if (!called?.body) {
    return callsIn(statement, enclosingFunction(statement)).some((one) => looksAtParent(sources, one));
  }
  const calls = callsIn(called.body, called);
  return (
    calls.some((one) => looksAtParent(sources, one)) &&
    calls.every((one) => looksAtParent(sources, one) || BESIDE.test(one.expression.getText()))
  );
}

/** Calls that a function makes itself in a part of its code, not those in functions that it hands on. */
const callsIn = (code: ts.Node, fn: ts.Node | undefined): ts.CallExpression[] =>
  descendants(code, ts.isCallExpression).filter((call) => enclosingFunction(call) === fn);

/** `setInterval(() => { if (process.ppid === 1) process.exit(); }, 1000)` */
function looksAtParent(sources: Sources, call: ts.CallExpression): boolean {
  const [callback] = call.arguments;
  const fn = callback && isTimer(call) ? functionOf(sources, callback) : undefined;
  if (!fn) return false;
  if (PARENT.test(fn.getText())) return true;
  // `const parent = process.ppid`, which is asked for with `process.kill(parent, 0)`
  return [...sources.symbolsIn(fn)].some(
    ({ valueDeclaration: kept }) =>
      kept !== undefined && ts.isVariableDeclaration(kept) && PARENT.test(kept.initializer?.getText() ?? ''),
  );
}
