import type { ConnectSite } from './connect.js';
import type { Lifetimes } from './lifetimes.js';
import { isOnlyOfStdio } from './only-of-stdio.js';
import { descendants, isInside, type Sources, ts, unwrap } from './source.js';
import { isBanner } from './transport-statements.js';

/** `send(message) { log(message); last = Date.now(); return super.send(message); }`: messages stay as they are. */
export function passesOn(value: ts.Expression | ts.MethodDeclaration, notes: StdioNotes): boolean {
  const fn = ts.isMethodDeclaration(value) ? value : unwrap(value);
  if (!ts.isMethodDeclaration(fn) && !ts.isArrowFunction(fn) && !ts.isFunctionExpression(fn)) return false;
  const { body } = fn;
  if (body && !ts.isBlock(body)) return handsOn(body, fn, notes);
  const statements = body?.statements ?? [];
  const isHandingOn = (statement: ts.Statement): boolean =>
    (ts.isReturnStatement(statement) || ts.isExpressionStatement(statement)) &&
    statement.expression !== undefined &&
    handsOn(statement.expression, fn, notes);
  return (
    statements.filter(isHandingOn).length === 1 &&
    statements.every((one) => isHandingOn(one) || isBanner(one) || notes.has(one, fn))
  );
}

/** `super.send(message)`, `originalSend(message)`, `originalSend.call(transport, message)` */
function handsOn(
  expression: ts.Expression,
  { parameters }: ts.SignatureDeclaration,
  notes: StdioNotes,
): boolean {
  const value = unwrap(expression);
  const call = ts.isAwaitExpression(value) ? unwrap(value.expression) : value;
  if (!ts.isCallExpression(call)) return false;
  const callee = unwrap(call.expression);
  const isThrough = ts.isPropertyAccessExpression(callee) && callee.name.text === 'call';
  const given = isThrough ? call.arguments.slice(1) : call.arguments;
  const taken = parameters.map(
    ({ name, dotDotDotToken }) => `${dotDotDotToken ? '...' : ''}${name.getText()}`,
  );
  return (
    (callee.getText() === 'super.send' || notes.isSend(isThrough ? callee.expression : callee)) &&
    given.length === taken.length &&
    given.every((argument, index) => argument.getText() === taken[index])
  );
}

/** What the stdio program notes for itself. */
export class StdioNotes {
  constructor(
    private readonly sources: Sources,
    private readonly site: ConnectSite,
    private readonly lifetimes: Lifetimes,
  ) {}

  /** Is it what `transport.send` was: `const send = transport.send.bind(transport)`? */
  isSend(expression: ts.Expression): boolean {
    const kept = this.sources.symbolOf(unwrap(expression))?.valueDeclaration;
    const value = kept && ts.isVariableDeclaration(kept) && kept.initializer && unwrap(kept.initializer);
    return value ? /^[\w.]+\.send(?:\.bind\([\w.]+\))?$/.test(value.getText()) : false;
  }

  /** `last = Date.now()`, `count += 1`, `this.count++`, of what nothing but the stdio program reads. */
  has(statement: ts.Statement, writer: ts.SignatureDeclaration): boolean {
    const change = ts.isExpressionStatement(statement) ? unwrap(statement.expression) : undefined;
    if (!change) return false;
    if (ts.isPostfixUnaryExpression(change) || ts.isPrefixUnaryExpression(change))
      return this.isOwn(change.operand, writer);
    return (
      ts.isBinaryExpression(change) &&
      /^(?:=|[-+]=)$/.test(change.operatorToken.getText()) &&
      isQuiet(change.right) &&
      this.isOwn(change.left, writer)
    );
  }

  private isOwn(target: ts.Expression, writer: ts.SignatureDeclaration): boolean {
    const field = unwrap(target);
    if (ts.isPropertyAccessExpression(field)) return this.isOwnField(field, writer);
    const symbol = ts.isIdentifier(field) ? this.sources.symbolOf(field) : undefined;
    const declaration = symbol?.valueDeclaration;
    return (
      declaration !== undefined &&
      ts.isVariableDeclaration(declaration) &&
      !isInside(declaration, writer) &&
      isOnlyOfStdio(this.sources, this.site, this.lifetimes, declaration)
    );
  }

  /** A field of the transport's class that is named nowhere else. */
  private isOwnField(field: ts.PropertyAccessExpression, writer: ts.SignatureDeclaration): boolean {
    const owner = writer.parent;
    return (
      ts.isClassLike(owner) &&
      field.expression.kind === ts.SyntaxKind.ThisKeyword &&
      owner.members.some((member) => member.name?.getText() === field.name.text) &&
      [...this.sources.files.values()]
        .flatMap((file) => descendants(file, ts.isPropertyAccessExpression))
        .every((use) => use.name.text !== field.name.text || isInside(use, owner))
    );
  }
}

/** Is a value what time it is, or a number? */
const isQuiet = (value: ts.Expression): boolean =>
  /^(?:Date\.now\(\)|performance\.now\(\)|process\.uptime\(\)|new Date\(\)|\d+)$/.test(
    unwrap(value).getText(),
  );
