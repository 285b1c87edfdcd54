import type { ConnectSite } from './connect.js';
import { enclosingFunction, type Sources, ts } from './source.js';
import { immediateCaller } from './timing.js';
import { ValueFlow } from './value-flow.js';

/**
 * Code that a program does not run when it comes to where it connects over stdio: the branches beside its way,
 * `case 'sse': await startSse()`, with the functions and classes that only those use.
 */
export class OtherBranches {
  private readonly left = new Set<ts.Node>();
  private readonly followed = new Set<ts.Node>();
  private readonly flow: ValueFlow;

  constructor(
    private readonly sources: Sources,
    { call, program, transport }: ConnectSite,
  ) {
    this.flow = ValueFlow.of(sources);
    this.leaveBeside(call);
    for (const fn of [program, enclosingFunction(transport)]) if (fn) this.follow(fn);
  }

  /** Does the node stand in a branch that is left aside? */
  holds(node: ts.Node): boolean {
    for (let at = node; at; at = at.parent) if (this.left.has(at)) return true;
    return false;
  }

  /** Is the node in code that is left aside, or in what only that code uses? */
  has(node: ts.Node, seen: ReadonlySet<ts.Node> = new Set()): boolean {
    for (let at = node; at; at = at.parent) {
      if (this.left.has(at)) return true;
      if (!ts.isFunctionLike(at) || seen.has(at)) continue;
      const uses = usesOf(this.sources, this.flow, at);
      if (uses.length > 0 && uses.every((use) => this.has(use, new Set([...seen, at])))) return true;
    }
    return false;
  }

  /** Leaves aside what is beside the one way to a function, and to that way in turn. */
  private follow(fn: ts.Node): void {
    if (this.followed.has(fn)) return;
    this.followed.add(fn);
    const [use, another] = usesOf(this.sources, this.flow, fn);
    if (!use || another) return;
    this.leaveBeside(use);
    const around = enclosingFunction(use);
    if (around) this.follow(around);
  }

  /** Leaves aside the branches beside a node, up to the function around it. */
  private leaveBeside(node: ts.Node): void {
    const around = enclosingFunction(node);
    let beside: ts.Node[] = [];
    for (let at = node; at.parent && at !== around; at = at.parent) {
      beside.push(...besides(at));
      // What is repeated may come by the other branches as well.
      if (ts.isIterationStatement(at, false)) beside = [];
    }
    const isRepeated = around && immediateCaller(around)?.arguments.includes(around as ts.Expression);
    for (const branch of isRepeated ? [] : beside) this.left.add(branch);
  }
}

/** Calls of a function; for a member of a class, where instances are made. */
function usesOf(sources: Sources, flow: ValueFlow, fn: ts.Node): readonly ts.Node[] {
  const owner = fn.parent;
  if (!ts.isClassLike(owner)) return [...flow.callsOf(fn)];
  const symbol = owner.name && sources.symbolOf(owner.name);
  const uses = (symbol ? sources.referencesTo(symbol) : [])
    .filter(({ parent }) => !ts.isExportSpecifier(parent))
    .map(({ parent }) => parent);
  // A class that is handed on may be used anywhere.
  return uses.every((use) => ts.isNewExpression(use) || ts.isHeritageClause(use.parent)) ? uses : [];
}

/** What does not run when a part of a statement does. */
function besides(part: ts.Node): readonly ts.Node[] {
  const { parent } = part;
  if (ts.isIfStatement(parent)) return othersOf(part, [parent.thenStatement, parent.elseStatement]);
  if (ts.isConditionalExpression(parent)) return othersOf(part, [parent.whenTrue, parent.whenFalse]);
  if (ts.isCaseBlock(parent)) {
    const at = parent.clauses.indexOf(part as ts.CaseOrDefaultClause);
    return parent.clauses.filter(
      (clause, index) =>
        index !== at && (leaves(clause.statements) || (index > at && leaves(parent.clauses[at]!.statements))),
    );
  }
  if (!ts.isBlock(parent) && !ts.isSourceFile(parent) && !ts.isCaseOrDefaultClause(parent)) return [];
  const before = parent.statements.slice(0, Math.max(0, parent.statements.indexOf(part as ts.Statement)));
  return before
    .filter(ts.isIfStatement)
    .map(({ thenStatement }) => thenStatement)
    .filter((arm) => leaves([arm]) && !endsIn(arm, ts.isBreakStatement));
}

const othersOf = (part: ts.Node, arms: readonly (ts.Node | undefined)[]): ts.Node[] =>
  arms.includes(part) ? (arms.filter((arm) => arm !== undefined && arm !== part) as ts.Node[]) : [];

/** Does nothing that comes after the statements, in their `switch` or their function, run? */
const leaves = (statements: readonly ts.Statement[]): boolean =>
  [ts.isReturnStatement, ts.isThrowStatement, ts.isBreakStatement].some((kind) =>
    statements.some((one, index) => index === statements.length - 1 && endsIn(one, kind)),
  );

function endsIn(statement: ts.Statement, kind: (node: ts.Node) => boolean): boolean {
  const last = ts.isBlock(statement) ? statement.statements.at(-1) : undefined;
  return last ? endsIn(last, kind) : kind(statement);
}
