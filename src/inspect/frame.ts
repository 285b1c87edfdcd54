import type { ConnectSite } from './connect.js';
import { enclosingFunction, isInside, type Sources, topLevelStatement, ts, unwrap } from './source.js';
import { intersects, namesOf } from './statement-names.js';

/** The straight line of statements that leads to the connect: the module's, and those of the function it stands in. */
export interface Frame {
  readonly file: ts.SourceFile;
  /** The function around the connect; undefined when it stands at module level. */
  readonly fn: ts.FunctionLikeDeclaration | undefined;
  /** Statements before the one that connects, outermost block first. */
  readonly before: readonly ts.Statement[];
  /** The innermost statement that holds the connect. */
  readonly path: ts.Statement;
  /** Statements after it, innermost block first. */
  readonly after: readonly ts.Statement[];
  /** The statements that hold the nested blocks on the way, outermost first (`try`, `if`). */
  readonly holders: readonly ts.Statement[];
}

/** Follows the blocks from a body to the call: `try`, `if`, plain blocks, `switch` clauses. */
export function frameOf(sources: Sources, site: ConnectSite): Frame {
  const file = site.call.getSourceFile();
  const fn = site.scope;
  const before: ts.Statement[] = fn ? statementsBeside(sources, fn) : [];
  const levels: ts.Statement[][] = [];
  const holders: ts.Statement[] = [];
  let statements: readonly ts.Statement[] = fn
    ? fn.body && ts.isBlock(fn.body)
      ? fn.body.statements
      : []
    : file.statements;
  for (;;) {
    const index = statements.findIndex((statement) => isInside(site.call, statement));
    const path = statements[index]!;
    before.push(...statements.slice(0, index));
    // What ends a clause of a `switch` belongs to the branch, not to what comes after.
    levels.unshift(statements.slice(index + 1).filter((statement) => !ts.isBreakStatement(statement)));
    const inner = path && blockAround(path, site.call);
    if (!inner) return { file, fn, before, path, after: reached(levels), holders };
    holders.push(path);
    statements = inner;
  }
}

/** What comes after the connect, innermost block first, as far as a `return` or `throw` of these blocks. */
function reached(levels: readonly (readonly ts.Statement[])[]): ts.Statement[] {
  const last = levels.findIndex((one) =>
    one.some((statement) => ts.isReturnStatement(statement) || ts.isThrowStatement(statement)),
  );
  return (last < 0 ? levels : levels.slice(0, last + 1)).flat();
}

/** Statements of the blocks around a function, but for its calls: `if (isMain) { const cache = new Map();  async function main() { … }  main(); }`. */
function statementsBeside(sources: Sources, fn: ts.FunctionLikeDeclaration): ts.Statement[] {
  if (enclosingFunction(fn)) return [];
  const name = fn.name ?? (ts.isVariableDeclaration(fn.parent) ? fn.parent.name : undefined);
  const symbol = name && ts.isIdentifier(name) ? sources.symbolOf(name) : undefined;
  const uses = symbol ? sources.referencesTo(symbol) : [];
  const found: ts.Statement[] = [];
  for (let at: ts.Node = fn; !ts.isSourceFile(at); at = at.parent)
    if (ts.isBlock(at.parent))
      found.unshift(
        ...at.parent.statements.filter(
          (one) =>
            !isInside(fn, one) && (isFunctionStatement(one) || !uses.some((use) => isInside(use, one))),
        ),
      );
  return found;
}

function blockAround(statement: ts.Statement, node: ts.Node): readonly ts.Statement[] | undefined {
  const blocks: (readonly ts.Statement[])[] = [];
  const offer = (block: ts.Node | undefined): void => {
    if (!block) return;
    if (ts.isBlock(block)) blocks.push(block.statements);
    else if (ts.isIfStatement(block)) blocks.push([block]);
  };
  if (ts.isBlock(statement)) offer(statement);
  if (ts.isTryStatement(statement)) offer(statement.tryBlock);
  if (ts.isIfStatement(statement)) {
    offer(statement.thenStatement);
    offer(statement.elseStatement);
  }
  if (ts.isSwitchStatement(statement))
    for (const clause of statement.caseBlock.clauses) blocks.push(clause.statements);
  return blocks.find((block) => block.some((one) => isInside(node, one)));
}

/** The statements whose order and place the rewriter decides: the entry module's and the frame's. */
export function localStatements(sources: Sources, frame: Frame, site: ConnectSite): ts.Statement[] {
  const own = frame.fn ? topLevelStatement(frame.fn) : undefined;
  const moduleLevel = frame.file.statements.filter(
    (statement) =>
      statement !== own &&
      !(frame.fn === undefined && isInside(site.call, statement)) &&
      !callsFrame(sources, statement, frame) &&
      !leadsToFrame(sources, statement, frame),
  );
  if (!frame.fn) return [...new Set([...moduleLevel, ...frame.before, ...frame.after])];
  return [...moduleLevel, ...frame.before, ...frame.after];
}

/** Does the statement start the program: `main().catch(…)`, `if (isMain) main()`? */
export function callsFrame(sources: Sources, statement: ts.Statement, frame: Frame): boolean {
  if (!frame.fn || isFunctionStatement(statement)) return false;
  return isInside(frame.fn, statement) || refersTo(sources, statement, startersOf(sources, frame));
}

/** Is the statement one of the functions that lead to the connect: `main`, which calls `serve`? */
export const leadsToFrame = (sources: Sources, statement: ts.Statement, frame: Frame): boolean =>
  isFunctionStatement(statement) &&
  intersects(namesOf(sources, new Set([statement])), startersOf(sources, frame));

const starters = new WeakMap<Frame, ReadonlySet<ts.Symbol>>();

/** The function around the connect, and the functions of its module that call it, directly or through each other. */
function startersOf(sources: Sources, frame: Frame): ReadonlySet<ts.Symbol> {
  const known = starters.get(frame);
  if (known) return known;
  const found = new Set<ts.Symbol>();
  const name =
    frame.fn?.name ??
    (frame.fn && ts.isVariableDeclaration(frame.fn.parent) ? frame.fn.parent.name : undefined);
  const symbol = name && ts.isIdentifier(name) ? sources.symbolOf(name) : undefined;
  if (symbol) found.add(symbol);
  for (let size = -1; size !== found.size; ) {
    size = found.size;
    for (const statement of frame.file.statements)
      if (isFunctionStatement(statement) && refersTo(sources, statement, found))
        for (const one of namesOf(sources, new Set([statement]))) found.add(one);
  }
  starters.set(frame, found);
  return found;
}

/** `function main() {}`, `const main = async () => {}`, a class: nothing of it runs where it stands. */
export function isFunctionStatement(statement: ts.Statement): boolean {
  if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) return true;
  return (
    ts.isVariableStatement(statement) &&
    statement.declarationList.declarations.every(({ initializer }) => {
      const value = initializer && unwrap(initializer);
      return value !== undefined && (ts.isArrowFunction(value) || ts.isFunctionExpression(value));
    })
  );
}

const refersTo = (sources: Sources, statement: ts.Statement, symbols: ReadonlySet<ts.Symbol>): boolean =>
  [...symbols].some((symbol) =>
    sources
      .referencesTo(symbol)
      .some(
        (reference) =>
          isInside(reference, statement) &&
          !ts.isExportSpecifier(reference.parent) &&
          !ts.isExportAssignment(reference.parent),
      ),
  );
