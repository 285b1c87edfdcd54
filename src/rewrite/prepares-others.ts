import { functionOf } from '../inspect/calls.js';
import type { Effects } from '../inspect/effects.js';
import { CHANGES_COLLECTION } from '../inspect/packages.js';
import {
  descendants,
  enclosingFunction,
  forEachReference,
  isAssigned,
  isInside,
  rootOf,
  type Sources,
  ts,
} from '../inspect/source.js';

/**
 * `const loaded = dotenv.config()`, `const pool = openPool()`: what the statement declares may be the stdio program's only, and
 * yet others read the environment, or the variables, that it fills.
 */
export const preparesOthers = (sources: Sources, effects: Effects, statement: ts.Statement): boolean =>
  loadsEnvironment(sources, statement) ||
  [...effects.bodiesRunBy([statement])].some((body) => fillsVariables(sources, body));

function loadsEnvironment(sources: Sources, node: ts.Node, seen: Set<ts.Node> = new Set()): boolean {
  const loads = ({ expression }: ts.CallExpression): boolean => {
    if (expression.getText() === 'process.loadEnvFile') return true;
    if (/\bdotenv/.test(sources.externalOf(rootOf(expression))?.module ?? '')) return true;
    const body = functionOf(sources, expression)?.body;
    if (!body || seen.has(body)) return false;
    seen.add(body);
    return loadsEnvironment(sources, body, seen);
  };
  return (
    descendants(node, ts.isCallExpression).some(loads) ||
    [
      ...descendants(node, ts.isPropertyAccessExpression),
      ...descendants(node, ts.isElementAccessExpression),
    ].some((one) => one.expression.getText() === 'process.env' && isAssigned(one))
  );
}

/** Does the code of a function change variables of a module, which functions besides it use? */
function fillsVariables(sources: Sources, body: ts.Node): boolean {
  let fills = false;
  forEachReference(body, (name) => {
    const symbol = sources.symbolOf(name);
    const declaration = symbol?.valueDeclaration;
    if (fills || !symbol || !declaration || !ts.isVariableDeclaration(declaration)) return;
    if (enclosingFunction(declaration) || !isChanged(name)) return;
    fills = sources.referencesTo(symbol).some((use) => enclosingFunction(use) && !isInside(use, body));
  });
  return fills;
}

/** `pool = …`, `state.pool = …`, `pools.set(key, …)` */
function isChanged(name: ts.Identifier): boolean {
  let at: ts.Node = name;
  while (ts.isPropertyAccessExpression(at.parent) && at.parent.expression === at) at = at.parent;
  if (isAssigned(at)) return true;
  return (
    ts.isPropertyAccessExpression(at) &&
    ts.isCallExpression(at.parent) &&
    at.parent.expression === at &&
    CHANGES_COLLECTION.has(at.name.text)
  );
}
