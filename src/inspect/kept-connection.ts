import type { ConnectSite } from './connect.js';
import { descendants, enclosingFunction, type Sources, ts, unwrap } from './source.js';
import type { StateFinding } from './state.js';
import { ValueFlow } from './value-flow.js';

/**
 * Is all that changes of an object a field that keeps the transport until it is closed?
 * `this.transport = new StdioServerTransport(); …; this.transport?.close(); this.transport = null;`
 * A service closes each client's connection by itself.
 */
export function keepsConnectionOnly(
  sources: Sources,
  { transport }: ConnectSite,
  { writes }: StateFinding,
): boolean {
  const flow = ValueFlow.of(sources);
  return writes.every((write) => {
    const field = ts.isBinaryExpression(write) ? unwrap(write.left) : write;
    const owner = ts.findAncestor(field, ts.isClassLike);
    if (!owner || !ts.isPropertyAccessExpression(field) || !isOfThis(field)) return false;
    return [...sources.files.values()]
      .flatMap((file) => descendants(file, ts.isPropertyAccessExpression))
      .filter(({ name }) => name.text === field.name.text)
      .filter(
        (use) =>
          (isOfThis(use) && ts.findAncestor(use, ts.isClassLike) === owner) ||
          [...flow.valuesOf(use.expression)].some((thing) => thing.owner === owner),
      )
      .every((use) => isOfThis(use) && isOnlyKept(use, transport));
  });
}

const isOfThis = ({ expression }: ts.PropertyAccessExpression): boolean =>
  expression.kind === ts.SyntaxKind.ThisKeyword;

/** Is the field given the transport, or nothing; asked whether there is one; closed; or used where it is connected? */
function isOnlyKept(use: ts.PropertyAccessExpression, transport: ts.Expression): boolean {
  const { parent } = use;
  if (ts.isBinaryExpression(parent) && parent.left === use) {
    const value = unwrap(parent.right);
    return value === transport || /^(?:null|undefined)$/.test(value.getText());
  }
  if (ts.isIfStatement(parent) || ts.isPrefixUnaryExpression(parent)) return true;
  if (ts.isPropertyAccessExpression(parent)) return parent.name.text === 'close';
  return ts.isCallExpression(parent) && enclosingFunction(use) === enclosingFunction(transport);
}
