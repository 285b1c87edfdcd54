import { enclosingFunction, type Sources, ts, unwrap } from './source.js';
import { isNeverRun } from './timing.js';
import type { ValueFlow } from './value-flow.js';

/**
 * Is a variable only ever assigned: nothing reads it that runs, but what gives back the value it was assigned just before?
 * What it holds then makes no difference to anybody, whoever has assigned it.
 */
export function isNeverRead(sources: Sources, flow: ValueFlow, declaration: ts.VariableDeclaration): boolean {
  const { name } = declaration;
  const symbol = ts.isIdentifier(name) ? sources.symbolOf(name) : undefined;
  if (!symbol || ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Export) return false;
  const uses = sources.referencesTo(symbol).filter((use) => !isAssigned(use));
  return uses.every(
    (use) => givesBackAssigned(use) || (enclosingFunction(use) && isNeverRun(sources, flow, use)),
  );
}

/** `variable = value;` */
const isAssigned = (use: ts.Node): boolean =>
  ts.isBinaryExpression(use.parent) &&
  use.parent.left === use &&
  use.parent.operatorToken.kind === ts.SyntaxKind.EqualsToken &&
  ts.isExpressionStatement(use.parent.parent);

/** `variable = value; return variable;` */
function givesBackAssigned(use: ts.Node): boolean {
  const statement = use.parent;
  if (!ts.isReturnStatement(statement) || !ts.isBlock(statement.parent)) return false;
  const { statements } = statement.parent;
  const before = statements[statements.indexOf(statement) - 1];
  const assignment = before && ts.isExpressionStatement(before) ? unwrap(before.expression) : undefined;
  return (
    assignment !== undefined &&
    ts.isBinaryExpression(assignment) &&
    assignment.operatorToken.kind === ts.SyntaxKind.EqualsToken &&
    ts.isIdentifier(assignment.left) &&
    assignment.left.text === use.getText()
  );
}
