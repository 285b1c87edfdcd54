import { commandOf, commandsOf } from './client-program.js';
import { Effects } from './effects.js';
import { lastingDeclarations, patternNames, symbolOfDeclaration } from './lasting.js';
import { descendants, enclosingFunction, type Sources, topLevelStatement, ts } from './source.js';
import { isDeclaration } from './statement-names.js';
import { immediateCaller } from './timing.js';
import { ValueFlow } from './value-flow.js';

/**
 * What a program has changed when it comes to a function that serves, of that which the function's code reads: a service
 * that called the function only would miss it.
 */
export class OnTheWay {
  private readonly effects: Effects;
  /** Every node that runs one of the places where something changes. */
  private readonly changing: ReadonlySet<ts.Node>;
  /** The commands that the function runs for: what another command does, a process that serves never does. */
  private readonly commands: ReadonlySet<string>;

  /** @param read the variables whose changes count: those that the function's code names, if not given */
  constructor(
    sources: Sources,
    private readonly serving: ts.FunctionLikeDeclaration,
    read: ReadonlySet<ts.Symbol> = readBy(sources, serving),
  ) {
    this.effects = new Effects(sources, new Set());
    this.changing = new Set(changesOf(sources, read).flatMap(runningOf));
    this.commands = new Set(commandsOf(sources, serving).map(({ name }) => name));
  }

  /** Does something change before this node is evaluated, inside the function (or module) that it stands in? */
  changesBefore(node: ts.Node): boolean {
    return before(node, node.getSourceFile() !== this.serving.getSourceFile()).some((one) =>
      this.changes(one),
    );
  }

  /** Does running this change something, in functions that it hands on as well, before it comes to the function? */
  changes(root: ts.Node): boolean {
    const { body } = this.serving;
    const seen = new Set<ts.Node | undefined>([body]);
    for (let roots: ts.Node[] = this.changing.size > 0 ? [root] : []; roots.length > 0; ) {
      const run = [...roots, ...this.effects.bodiesRunBy(roots, body)];
      if (run.some((one) => this.changing.has(one))) return true;
      for (const one of run) seen.add(one);
      roots = run.flatMap(handedOnIn).filter((one) => !seen.has(one) && !this.isOfAnotherCommand(one));
    }
    return false;
  }

  private isOfAnotherCommand(body: ts.Node): boolean {
    const command = this.commands.size > 0 ? commandOf(body.parent) : undefined;
    return command !== undefined && !this.commands.has(command.name);
  }
}

/** A node, and what it is a part of, up to the function that is not called where it is written. */
function runningOf(node: ts.Node): ts.Node[] {
  const found: ts.Node[] = [];
  for (let at: ts.Node | undefined = node; at; at = at.parent) {
    found.push(at);
    if (ts.isFunctionLike(at) && !immediateCaller(at)) break;
  }
  return found;
}

/** Bodies of functions that are written as arguments, but for what is called on an event or a failure. */
const handedOnIn = (root: ts.Node): ts.Node[] =>
  descendants(root, ts.isCallExpression)
    .filter(
      (call) =>
        runningOf(call).includes(root) &&
        !/\.(?:on|once|add\w*Listener|catch)$/.test(call.expression.getText()),
    )
    .flatMap((call) => call.arguments)
    .flatMap((argument) =>
      ts.isArrowFunction(argument) || ts.isFunctionExpression(argument) ? [argument.body] : [],
    );

/** What is evaluated before a node, inside the function around it; at the top level of its module only when asked for. */
function before(node: ts.Node, alsoAtTop: boolean): ts.Node[] {
  const found: ts.Node[] = ts.isCallExpression(node) ? [...node.arguments] : [];
  for (let at = node; at.parent && !ts.isFunctionLike(at.parent); at = at.parent) {
    const { parent } = at;
    if (ts.isSourceFile(parent) && !alsoAtTop) break;
    if (ts.isCaseBlock(parent)) continue;
    ts.forEachChild(parent, (child) => {
      if (child.pos >= at.pos || (ts.isIfStatement(parent) && child !== parent.expression)) return;
      found.push(...goingOn(child));
    });
  }
  return found;
}

/** The parts of a statement after which the program goes on: not `if (args.help) { …; return; }`. */
function goingOn(node: ts.Node): ts.Node[] {
  if (isDeclaration(node as ts.Statement)) return [];
  if (!ts.isIfStatement(node)) return [node];
  const arms = [node.thenStatement, node.elseStatement].filter((arm) => arm !== undefined);
  return [node.expression, ...arms.filter((arm) => !leaves(arm)).flatMap(goingOn)];
}

function leaves(arm: ts.Statement): boolean {
  const last = ts.isBlock(arm) ? arm.statements.at(-1) : arm;
  return (
    last !== undefined &&
    (ts.isReturnStatement(last) ||
      ts.isThrowStatement(last) ||
      /^(?:await\s+)?process\.exit\(/.test(last.getText()))
  );
}

/** Lasting variables that a function's code names, directly or through what it names, and what is registered on those. */
function readBy(sources: Sources, serving: ts.FunctionLikeDeclaration): ReadonlySet<ts.Symbol> {
  const found = new Set<ts.Symbol>();
  const add = (node: ts.Node): void => {
    for (const symbol of sources.symbolsIn(node)) found.add(symbol);
  };
  add(serving);
  for (const symbol of found) {
    const declaration = symbol.valueDeclaration;
    if (!declaration || declaration === serving || sources.pathOf(declaration) === '') continue;
    add(declaration);
    if (!ts.isVariableDeclaration(declaration) || enclosingFunction(declaration)) continue;
    for (const use of sources.referencesTo(symbol)) {
      const statement = topLevelStatement(use);
      if (!enclosingFunction(use) && !isDeclaration(statement) && !ts.isVariableStatement(statement))
        add(statement);
    }
  }
  return found;
}

/** Where the variables are assigned, and what they hold is changed. */
function changesOf(sources: Sources, read: ReadonlySet<ts.Symbol>): readonly ts.Node[] {
  const flow = ValueFlow.of(sources);
  const symbols = lastingDeclarations(sources)
    .flatMap((declaration) => [
      symbolOfDeclaration(sources, declaration),
      ...patternNames(declaration).map(({ name }) => sources.checker.getSymbolAtLocation(name)),
    ])
    .filter((symbol) => symbol !== undefined && read.has(symbol));
  const held = flow.reach(symbols.flatMap((symbol) => [...flow.heldBy(symbol!)]));
  return [
    ...symbols.flatMap((symbol) => [...flow.assignmentsOf(symbol!)]),
    ...[...held].flatMap((thing) => flow.changesTo(thing)),
  ];
}
