import type { Effects } from './effects.js';
import {
  descendants,
  enclosingFunction,
  forEachReference,
  isInside,
  isNothing,
  type Sources,
  ts,
  unwrap,
} from './source.js';

/**
 * Tells the memory of a function that works something out when it is first called: `if (!config) config = read();
 * return config;`. What the process alone decides, by its environment and its arguments, is the same whoever comes first.
 */
export class Memos {
  private readonly known = new Map<ts.Symbol, boolean>();

  /** @param isOfClient does a variable, or what it holds, become each client's own? */
  constructor(
    private readonly sources: Sources,
    private readonly effects: Effects,
    private readonly isOfClient: (symbol: ts.Symbol) => boolean,
  ) {}

  /** Does nobody notice whether the variable is still empty, and is it filled with the same whoever fills it? */
  isMemo(symbol: ts.Symbol): boolean {
    const known = this.known.get(symbol);
    if (known !== undefined) return known;
    this.known.set(symbol, false);
    const answer = this.judge(symbol);
    this.known.set(symbol, answer);
    return answer;
  }

  private judge(symbol: ts.Symbol): boolean {
    const declaration = symbol.valueDeclaration;
    if (!declaration || !ts.isVariableDeclaration(declaration)) return false;
    if (declaration.initializer && !isNothing(declaration.initializer)) return false;
    if (ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Export) return false;
    const uses = this.sources.referencesTo(symbol).filter((use) => !isEmptied(use));
    const fn = uses[0] && enclosingFunction(uses[0]);
    if (!fn || !(ts.isFunctionDeclaration(fn) || ts.isArrowFunction(fn) || ts.isFunctionExpression(fn)))
      return false;
    return (
      uses.every((use) => enclosingFunction(use) === fn && isSafe(use, symbol.name)) &&
      this.isOfProcess(fn, symbol)
    );
  }

  /** Does the process alone decide what the function does, but for its tests whether the memory is empty? */
  private isOfProcess(fn: ts.FunctionLikeDeclaration, memo: ts.Symbol): boolean {
    const parts = new Set<ts.Node>([fn.body!]);
    for (const part of parts) {
      const runs = descendants(part, isCall).filter((call) => !isLogged(call));
      for (const body of [part, ...this.effects.bodiesRunBy(runs)]) {
        if (isTimed(body)) return false;
        let isOfProcess = true;
        forEachReference(body, (name) => {
          const isAside = isLogged(name) || (isInside(name, fn) && isInTest(name, memo.name));
          isOfProcess &&= isAside || this.isKnown(name, fn, memo, parts);
        });
        if (!isOfProcess) return false;
      }
    }
    return true;
  }

  /** Does a name stand for something of the process? What it is made from is added to the parts to look at. */
  private isKnown(
    name: ts.Identifier,
    fn: ts.FunctionLikeDeclaration,
    memo: ts.Symbol,
    parts: Set<ts.Node>,
  ): boolean {
    const from = this.sources.externalOf(name);
    if (from) return COMPUTES.test(from.module);
    const symbol = this.sources.symbolOf(name);
    const declaration = symbol?.valueDeclaration;
    if (!symbol || !declaration) return isLasting(name);
    if (symbol === memo) return true;
    const owner = ts.findAncestor(declaration, ts.isParameter)?.parent ?? enclosingFunction(declaration);
    // What functions around it have is a client's, perhaps; what those are given that it calls is written where it does.
    if (owner && owner !== fn) return !isInside(fn, owner);
    if (owner) return !ts.findAncestor(declaration, ts.isParameter);
    if (this.isMemo(symbol)) return true;
    if (this.isOfClient(symbol)) return false;
    const variable = ts.findAncestor(declaration, ts.isVariableDeclaration);
    if (!variable) return ts.isFunctionDeclaration(declaration) || ts.isEnumDeclaration(declaration);
    if (!(variable.parent.flags & ts.NodeFlags.Const) || !variable.initializer) return false;
    parts.add(variable.initializer);
    return true;
  }
}

/** Packages that only compute. */
const COMPUTES = /^(?:zod(?:\/.*)?|(?:node:)?(?:path|url|os))$/;

/** Globals that give the same at any time. */
const LASTING =
  /^(?:undefined|NaN|Infinity|JSON|Object|Array|String|Number|Boolean|Map|Set|URL|RegExp|(?:Type|Range)?Error|parse(?:Int|Float)|isNaN|(?:en|de)codeURI(?:Component)?|console)$/;

function isLasting({ text, parent }: ts.Identifier): boolean {
  const member = ts.isPropertyAccessExpression(parent) ? parent.name.text : '';
  if (text === 'process') return /^(?:env|argv|platform|cwd|exit)$/.test(member);
  return text === 'Math' ? member !== 'random' : LASTING.test(text);
}

/** Does it wait for something, or depend on an object that it is called on? */
const isTimed = (body: ts.Node): boolean =>
  descendants(
    body,
    (node): node is ts.Node =>
      ts.isAwaitExpression(node) || ts.isYieldExpression(node) || node.kind === ts.SyntaxKind.ThisKeyword,
  ).length > 0;

const isCall = (node: ts.Node): node is ts.CallExpression | ts.NewExpression =>
  ts.isCallExpression(node) || ts.isNewExpression(node);

/** Is it part of a statement that only logs? */
function isLogged(node: ts.Node): boolean {
  const statement = ts.findAncestor(node, ts.isExpressionStatement)?.expression;
  return (
    statement !== undefined &&
    ts.isCallExpression(statement) &&
    /^(?:console\.\w+|_?log(?:ger)?(?:\.\w+)?|log(?:Info|Warn(?:ing)?|Error|Debug|Message)|debug|info|warn)$/.test(
      statement.expression.getText(),
    )
  );
}

/** The assignment whose target a name is. */
function assignmentTo(name: ts.Node): ts.BinaryExpression | undefined {
  const { parent } = name;
  const isTarget =
    ts.isBinaryExpression(parent) &&
    parent.left === name &&
    /^(?:=|\?\?=|\|\|=)$/.test(parent.operatorToken.getText());
  return isTarget ? parent : undefined;
}

function isEmptied(use: ts.Node): boolean {
  const value = assignmentTo(use)?.right;
  return value !== undefined && isNothing(value);
}

/** Does a use fill the memory, test whether it is empty, or come where it has been filled? */
function isSafe(use: ts.Node, memo: string): boolean {
  if (assignmentTo(use) || isInTest(use, memo)) return true;
  for (let at: ts.Node = use; !ts.isFunctionLike(at); at = at.parent) {
    const block = at.parent;
    if (!ts.isBlock(block)) continue;
    const before = block.statements.slice(0, block.statements.indexOf(at as ts.Statement));
    if (before.some((one) => fills(one, memo))) return true;
  }
  return false;
}

/** `memo = value;`, `if (!memo) memo = value;` */
function fills(statement: ts.Statement, memo: string): boolean {
  if (ts.isIfStatement(statement))
    return !statement.elseStatement && isEmptyTest(statement.expression, memo) && fillsIn(statement, memo);
  const assignment = ts.isExpressionStatement(statement) ? unwrap(statement.expression) : undefined;
  return (
    assignment !== undefined &&
    ts.isBinaryExpression(assignment) &&
    assignment.left.getText() === memo &&
    assignmentTo(assignment.left) !== undefined &&
    !isNothing(assignment.right)
  );
}

const fillsIn = ({ thenStatement: then }: ts.IfStatement, memo: string): boolean =>
  (ts.isBlock(then) ? [...then.statements] : [then]).some((one) => fills(one, memo));

/** `!memo`, `memo === null` */
function isEmptyTest(condition: ts.Expression, memo: string): boolean {
  const test = unwrap(condition);
  if (ts.isPrefixUnaryExpression(test)) return test.operand.getText() === memo;
  return (
    ts.isBinaryExpression(test) &&
    /^={2,3}$/.test(test.operatorToken.getText()) &&
    test.left.getText() === memo &&
    isNothing(test.right)
  );
}

/**
 * Is it part of a test after which the memory is given back or filled: `if (memo) return memo;`, `if (!memo) memo = value;`? Of
 * the first kind it does not matter what else is asked: who is not given the memory works the same out again.
 */
function isInTest(node: ts.Node, memo: string): boolean {
  for (let at = node; !ts.isFunctionLike(at) && !ts.isSourceFile(at); at = at.parent) {
    const { parent } = at;
    if (!ts.isIfStatement(parent)) continue;
    if (givesBack(parent.thenStatement, memo) && parent.elseStatement === undefined) return true;
    if (at === parent.expression && fills(parent, memo)) return true;
  }
  return false;
}

function givesBack(then: ts.Statement, memo: string): boolean {
  const [only, another] = ts.isBlock(then) ? then.statements : [then];
  return !another && only !== undefined && ts.isReturnStatement(only) && only.expression?.getText() === memo;
}
