import { callsOf, functionOf } from './calls.js';
import { descendants, enclosingFunction, isAssigned, type Sources, ts, unwrap } from './source.js';
import { immediateCaller } from './timing.js';

/** A port that every server opens for itself while it is built: the second client's server cannot. */
export interface TakenPort {
  readonly node: ts.Node;
  readonly port: string;
}

/**
 * Ports that are the same for every server and opened by each without a condition. What may go another way is left to
 * the program: a listener for the error, a port that is asked for, a condition on the way.
 *
 * @param roots the code that builds a server
 */
export function takenPorts(sources: Sources, roots: readonly ts.Node[]): TakenPort[] {
  const way = new Way(sources, new Set(roots));
  return [...sources.files.values()]
    .filter((file) => !/\.(?:on|once|addListener)\(\s*['"`]error/.test(file.text))
    .flatMap((file) => [...descendants(file, ts.isCallExpression), ...descendants(file, ts.isNewExpression)])
    .flatMap((node) => {
      const given = portGiven(sources, node);
      const port = given && fixedPort(sources, given);
      return port !== undefined && way.isTaken(node) ? [{ node, port }] : [];
    });
}

/** What a call that opens a port says about it: `server.listen(…)`, `new WebSocketServer({ port })`, `Bun.serve({ port })`. */
function portGiven(sources: Sources, node: ts.CallExpression | ts.NewExpression): ts.Expression | undefined {
  const first = node.arguments?.[0] && unwrap(node.arguments[0]);
  const callee = node.expression;
  if (!first) return undefined;
  if (ts.isNewExpression(node)) {
    const module = sources.externalOf(callee)?.module;
    return module === 'ws' || module === 'socket.io' ? (portIn(first) ?? literal(first)) : undefined;
  }
  if (callee.getText() === 'Bun.serve') return portIn(first);
  if (!ts.isPropertyAccessExpression(callee) || callee.name.text !== 'listen') return undefined;
  // What the project itself calls so may be anything; what that opens is seen there.
  const own =
    sources.checker.getSymbolAtLocation(callee.name)?.valueDeclaration ?? functionOf(sources, callee);
  if (own && [...sources.files.values()].includes(own.getSourceFile())) return undefined;
  return ts.isObjectLiteralExpression(first) ? portIn(first) : first;
}

const literal = (node: ts.Expression): ts.Expression | undefined =>
  ts.isNumericLiteral(node) ? node : undefined;

function portIn(options: ts.Expression): ts.Expression | undefined {
  if (!ts.isObjectLiteralExpression(options)) return undefined;
  const property = options.properties.find((one) => one.name?.getText() === 'port');
  if (property && ts.isPropertyAssignment(property)) return property.initializer;
  return property && ts.isShorthandPropertyAssignment(property) ? property.name : undefined;
}

/** The port that an expression gives unless the environment says another, when it is always the same. */
function fixedPort(sources: Sources, given: ts.Expression): string | undefined {
  const node = unwrap(given);
  if (ts.isNumericLiteral(node) || ts.isStringLiteralLike(node))
    return /^[1-9]\d*$/.test(node.text) ? node.text : undefined;
  if (ts.isBinaryExpression(node) && /^(?:\|\||\?\?)$/.test(node.operatorToken.getText()))
    return /^(?:\w+(?:\.\w+)?\()?process\.env\b/.test(node.left.getText())
      ? fixedPort(sources, node.right)
      : undefined;
  if (ts.isConditionalExpression(node))
    return /\bprocess\.env\b/.test(node.condition.getText())
      ? (fixedPort(sources, node.whenFalse) ?? fixedPort(sources, node.whenTrue))
      : undefined;
  if (ts.isCallExpression(node) && /^(?:Number|(?:Number\.)?parseInt)$/.test(node.expression.getText()))
    return node.arguments[0] && fixedPort(sources, node.arguments[0]);
  const symbol = sources.symbolOf(node);
  const declaration = symbol?.valueDeclaration;
  const isValue =
    declaration && (ts.isVariableDeclaration(declaration) || ts.isPropertyDeclaration(declaration));
  if (!symbol || !isValue || !declaration.initializer || isReplaced(sources, symbol)) return undefined;
  return fixedPort(sources, declaration.initializer);
}

const isReplaced = (sources: Sources, symbol: ts.Symbol): boolean =>
  sources
    .referencesTo(symbol)
    .some((name) => isAssigned(ts.isPropertyAccessExpression(name.parent) ? name.parent : name));

/** Ways to a node on which nothing decides whether it is reached. */
class Way {
  private readonly known = new Map<ts.Node, boolean>();

  constructor(
    private readonly sources: Sources,
    private readonly roots: ReadonlySet<ts.Node>,
  ) {}

  isTaken(node: ts.Node): boolean {
    for (let at = node; !ts.isSourceFile(at); at = at.parent) {
      if (ts.isFunctionLike(at)) return this.isCalled(at as ts.FunctionLikeDeclaration);
      if (ts.isBlock(at) && ts.isFunctionLike(at.parent) && mayLeaveBefore(at, node)) return false;
      if (this.roots.has(at)) return true;
      if (isConditional(at)) return false;
      if (ts.isPropertyDeclaration(at)) return this.isConstructed(at.parent);
    }
    return false;
  }

  private isCalled(fn: ts.FunctionLikeDeclaration): boolean {
    const known = this.known.get(fn);
    if (known !== undefined) return known;
    this.known.set(fn, false);
    const immediate = immediateCaller(fn) ?? promiseOf(fn);
    const answer = immediate
      ? this.isTaken(immediate)
      : ts.isConstructorDeclaration(fn)
        ? this.isConstructed(fn.parent)
        : callsOf(this.sources, fn).some((call) => this.isTaken(call));
    this.known.set(fn, answer);
    return answer;
  }

  private isConstructed(owner: ts.ClassLikeDeclaration): boolean {
    const symbol = owner.name && this.sources.symbolOf(owner.name);
    if (!symbol) return false;
    return this.sources
      .referencesTo(symbol)
      .some(
        ({ parent }) =>
          ts.isNewExpression(parent) &&
          this.sources.symbolOf(parent.expression) === symbol &&
          this.isTaken(parent),
      );
  }
}

const promiseOf = ({ parent }: ts.Node): ts.NewExpression | undefined =>
  ts.isNewExpression(parent) && parent.expression.getText() === 'Promise' ? parent : undefined;

/** Is it run only when something holds, or again? */
function isConditional(node: ts.Node): boolean {
  const { parent } = node;
  if (ts.isIfStatement(parent) || ts.isConditionalExpression(parent) || ts.isSwitchStatement(parent))
    return node !== (ts.isConditionalExpression(parent) ? parent.condition : parent.expression);
  if (ts.isBinaryExpression(parent))
    return node === parent.right && /^(?:&&|\|\||\?\?)/.test(parent.operatorToken.getText());
  return ts.isCatchClause(node) || ts.isIterationStatement(parent, false);
}

const mayLeaveBefore = (body: ts.Block, node: ts.Node): boolean =>
  descendants(body, ts.isReturnStatement).some(
    (left) => left.pos < node.pos && enclosingFunction(left) === body.parent,
  );
