import { functionOf } from '../inspect/calls.js';
import { descendants, isAssigned, rootOf, type Sources, ts } from '../inspect/source.js';

/**
 * `const loaded = dotenv.config()`: what the statement declares may be the stdio program's only, and yet everything reads
 * the environment that it fills.
 */
export function loadsEnvironment(sources: Sources, node: ts.Node, seen: Set<ts.Node> = new Set()): boolean {
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
