import { rootOf, type Sources, ts, unwrap } from './source.js';

/** A global that is given the same value every time, or a function: not a client's. */
export function isConstantWrite(write: ts.Node): boolean {
  if (ts.isDeleteExpression(write)) return true;
  if (!ts.isBinaryExpression(write)) return false;
  // Output that a stdio server keeps away from stdout is the service's log.
  if (/^(?:process\.(?:exitCode|title)|(?:globalThis|global)\.console)$/.test(write.left.getText()))
    return true;
  const value = unwrap(write.right);
  return (
    ts.isLiteralExpression(value) ||
    ts.isFunctionLike(value) ||
    /^(?:true|false|null|undefined|process\.env\b.*)$/s.test(value.getText())
  );
}

/** `env.cacheDir = config.cacheDir` of a package's object, whatever it was before. */
export function isPackageSetting(sources: Sources, write: ts.Node): write is ts.BinaryExpression {
  if (!ts.isBinaryExpression(write) || write.operatorToken.kind !== ts.SyntaxKind.EqualsToken) return false;
  const root = rootOf(write.left);
  const symbol = ts.isIdentifier(root) ? sources.symbolOf(root) : undefined;
  return sources.externalOf(root) !== undefined && !(symbol && sources.symbolsIn(write.right).has(symbol));
}

/** Is it a write to `process.env` by this name, which the service can give each client for itself? */
export function changesEnvironment(write: ts.Node): boolean {
  const target = ts.isCallExpression(write) ? write.arguments[0]?.getText() : targetOfWrite(write);
  return /^process\.env\b/.test(target ?? '');
}

/** What a write changes, as it stands in the source. */
export function targetOfWrite(write: ts.Node): string {
  if (ts.isBinaryExpression(write)) return write.left.getText();
  if (ts.isPrefixUnaryExpression(write) || ts.isPostfixUnaryExpression(write)) return write.operand.getText();
  return ts.isCallExpression(write) ? write.expression.getText() : write.getText();
}
