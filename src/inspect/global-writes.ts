import { rootOf, type Sources, ts, unwrap } from './source.js';
import type { ValueFlow } from './value-flow.js';

/** Writes to what the whole process shares, that happen for a client. */
export class GlobalWrites {
  /** @param isGivenByClient does a client have a say in a value? */
  constructor(
    private readonly sources: Sources,
    private readonly flow: ValueFlow,
    private readonly timing: { isPerClient(node: ts.Node): boolean },
    private readonly isGivenByClient: (value: ts.Expression) => boolean,
  ) {}

  /** Those of globals and packages' objects. */
  writes(): ts.Node[] {
    return this.ofClients().filter(
      (write) => !(isPackageSetting(this.sources, write) && !this.isGivenByClient(write.right)),
    );
  }

  /** Calls that tell a package something of one client's for all who use it. */
  settings(): ts.Node[] {
    return [...this.flow.packageSettings].filter(
      (call) => this.timing.isPerClient(call) && call.arguments.some((one) => this.isGivenByClient(one)),
    );
  }

  /** Are there any to `process.env`? Then the service gives each client an environment of its own. */
  changeEnvironment(): boolean {
    return this.ofClients().some(changesEnvironment);
  }

  private ofClients(): ts.Node[] {
    return [...this.flow.globalWrites].filter(
      (write) => this.timing.isPerClient(write) && !isConstantWrite(write),
    );
  }
}

/** A global that is given the same value every time, or a function: not a client's. */
function isConstantWrite(write: ts.Node): boolean {
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
function isPackageSetting(sources: Sources, write: ts.Node): write is ts.BinaryExpression {
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
