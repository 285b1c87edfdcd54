import { basename } from 'node:path/posix';
import { usesOf } from './client-program.js';
import { enclosingFunction, type Sources, topLevelStatement, ts, unwrap } from './source.js';

/**
 * Does a top-level statement run only when its module is started by itself: `if (require.main === module) …` in a module
 * that is not the entry? It is of another program then. In a bundle it runs: all modules are the file that is started.
 */
export const isOfOtherProgram = (sources: Sources, statement: ts.Node): statement is ts.IfStatement =>
  !sources.isBundled &&
  ts.isIfStatement(statement) &&
  ts.isSourceFile(statement.parent) &&
  !statement.elseStatement &&
  sources.pathOf(statement) !== sources.entry &&
  isMainCheck(sources, statement.expression);

/** Is a node run by nothing but another program: in its statement, or in functions that only such statements use? */
export function runsInOtherProgram(sources: Sources, node: ts.Node, depth = 0): boolean {
  if (isOfOtherProgram(sources, topLevelStatement(node))) return true;
  const fn = enclosingFunction(node);
  const uses = fn && depth < 6 ? usesOf(sources, fn).filter((use) => use !== fn) : [];
  return uses.length > 0 && uses.every((use) => runsInOtherProgram(sources, use, depth + 1));
}

function isMainCheck(sources: Sources, expression: ts.Expression, depth = 0): boolean {
  const value = unwrap(expression);
  if (ts.isIdentifier(value)) {
    const kept = constantOf(sources.symbolOf(value));
    return kept !== undefined && depth < 4 && isMainCheck(sources, kept, depth + 1);
  }
  if (!ts.isBinaryExpression(value)) return value.getText() === 'import.meta.main';
  const { left, right, operatorToken } = value;
  switch (operatorToken.kind) {
    case ts.SyntaxKind.AmpersandAmpersandToken:
      return [left, right].some((one) => isMainCheck(sources, one, depth));
    case ts.SyntaxKind.BarBarToken:
      // Beside the comparison with its own path, a module may know names that it is started by.
      return (
        [left, right].some((one) => isMainCheck(sources, one, depth)) &&
        [left, right].every((one) => isMainCheck(sources, one, depth) || isNameCheck(sources, one))
      );
    case ts.SyntaxKind.EqualsEqualsEqualsToken:
    case ts.SyntaxKind.EqualsEqualsToken:
      return (
        /^(?:require\.main===?module|module===?require\.main)$/.test(value.getText().replace(/\s/g, '')) ||
        (names(sources, value, /\bprocess\.argv\[1\]/) &&
          names(sources, value, /\bimport\.meta\.(?:url|filename)\b|\b__filename\b/))
      );
    default:
      return false;
  }
}

/** Does an expression name something, itself or in the constants of the module that it compares? */
const names = (sources: Sources, expression: ts.Expression, what: RegExp): boolean =>
  what.test(expression.getText()) ||
  [...sources.symbolsIn(expression)].some((symbol) => {
    const made = constantOf(symbol);
    return made !== undefined && what.test(made.getText());
  });

/** What a constant is initialized with. */
function constantOf(symbol: ts.Symbol | undefined): ts.Expression | undefined {
  const kept = symbol?.valueDeclaration;
  const isConstant = kept && ts.isVariableDeclaration(kept) && kept.parent.flags & ts.NodeFlags.Const;
  return isConstant ? kept.initializer : undefined;
}

/** `process.argv[1].endsWith('device.js')`, which is not how the entry is called. */
function isNameCheck(sources: Sources, expression: ts.Expression): boolean {
  const value = unwrap(expression);
  if (ts.isBinaryExpression(value) && value.operatorToken.kind === ts.SyntaxKind.BarBarToken)
    return [value.left, value.right].every((one) => isNameCheck(sources, one));
  const stem = (path: string): string => basename(path).replace(/\.[^.]+$/, '');
  const [name] = ts.isCallExpression(value) ? value.arguments : [];
  return (
    ts.isCallExpression(value) &&
    /^process\.argv\[1\]\??\.endsWith$/.test(value.expression.getText()) &&
    name !== undefined &&
    ts.isStringLiteralLike(name) &&
    stem(name.text) !== stem(sources.entry)
  );
}
