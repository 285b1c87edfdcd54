import { callsOf, fieldUses, functionOf, referencesOf, sameField } from './calls.js';
import { isOfOtherProgram, runsInOtherProgram } from './other-program.js';
import {
  descendants,
  enclosingFunction,
  isInside,
  rootOf,
  type Sources,
  topLevelStatement,
  ts,
  unwrap,
} from './source.js';
import { isNeverRun } from './timing.js';
import { waitsForTheEnd } from './transport-statements.js';
import { ValueFlow } from './value-flow.js';

/** Packages of the SDK. */
export const SDK = /^@modelcontextprotocol\/(?:sdk|server|node)(?:\/|$)/;

/**
 * The call that hands the stdio transport to the server, seen from the outermost scope that still holds
 * the server's construction.
 */
export interface ConnectSite {
  /** `server.connect(transport)`, or the call of the function that does so: `app.run()`. */
  readonly call: ts.CallExpression;
  /** What is connected: `server` in `server.connect(transport)`; undefined when a `runner` does it. */
  readonly server: ts.Expression | undefined;
  /** SDK v2: `serveStdio(factory)` is given the factory itself. */
  readonly factory?: ts.Expression;
  /** Functions between `call` and the real connect that must take the transport as a parameter, outermost first. */
  readonly runners: readonly Runner[];
  /** Functions below those that are given the server and connect it, outermost first: a runner hands them the transport. */
  readonly helpers?: readonly Runner[];
  /**
   * The way from `call` to the real connect is not one of functions that could hand the transport on: the program takes
   * that of the client where it would make its own.
   */
  readonly isAmbient?: boolean;
  /** What the runners connect, or call to connect it: `server` in `function start() { server.connect(transport); }`. */
  readonly inRunners?: readonly ts.Expression[];
  /** The expression that makes the transport. */
  readonly transport: ts.Expression;
  /** The function that serves one client, when the program comes to it in a way that is not followed. */
  readonly program?: ts.FunctionLikeDeclaration;
  /** The function that `call` stands in, undefined at module level. */
  readonly scope: ts.FunctionLikeDeclaration | undefined;
}

/** A function that makes the stdio transport itself and connects it. */
export interface Runner {
  readonly fn: ts.FunctionLikeDeclaration;
  /** Where the transport is used inside: replaced by the parameter. */
  readonly use: ts.Expression;
}

export type ConnectProblem =
  | { readonly code: 'stdio-transport-not-found' }
  | { readonly code: 'connect-not-found'; readonly node: ts.Node }
  | { readonly code: 'connect-ambiguous'; readonly node: ts.Node; readonly other: ts.Node };

/** Constructions of the SDK's stdio transport, or of a subclass of it, in the closure. */
function stdioTransports(sources: Sources): ts.NewExpression[] {
  const isStdio = (expression: ts.Expression): boolean => {
    const external = sources.externalOf(expression);
    if (external) return external.name === 'StdioServerTransport' && SDK.test(external.module);
    const declaration = sources.symbolOf(expression)?.valueDeclaration;
    const base =
      declaration && ts.isClassDeclaration(declaration)
        ? declaration.heritageClauses?.[0]?.types[0]?.expression
        : undefined;
    return base !== undefined && isStdio(base);
  };
  return [...sources.files.values()].flatMap((file) =>
    descendants(file, ts.isNewExpression)
      .filter((node) => isStdio(node.expression))
      .filter((node) => !isOfOtherProgram(sources, topLevelStatement(node))),
  );
}

/** Calls of SDK v2's `serveStdio(factory)`. */
function served(sources: Sources): ConnectSite[] {
  const files = [...sources.files.values()];
  if (!files.some((file) => file.text.includes('serveStdio'))) return [];
  return files.flatMap((file) =>
    descendants(file, ts.isCallExpression)
      .filter(
        (call) => sources.externalOf(call.expression)?.name === 'serveStdio' && call.arguments.length > 0,
      )
      .map((call) => {
        const server = givenOut(sources, call.arguments[0]!);
        return {
          call,
          server,
          ...(server ? {} : { factory: call.arguments[0]! }),
          runners: [],
          transport: call,
          scope: enclosingFunction(call),
        };
      }),
  );
}

/** `() => server`: the variable of the one server that the function gives out again and again. */
function givenOut(sources: Sources, factory: ts.Expression): ts.Identifier | undefined {
  const fn = unwrap(factory);
  if (!ts.isArrowFunction(fn) && !ts.isFunctionExpression(fn)) return undefined;
  const [first, another] = ts.isBlock(fn.body) ? fn.body.statements : [];
  const returned = ts.isBlock(fn.body)
    ? first && !another && ts.isReturnStatement(first)
      ? first.expression
      : undefined
    : fn.body;
  const value = returned && unwrap(returned);
  if (!value || !ts.isIdentifier(value)) return undefined;
  const declaration = sources.symbolOf(value)?.valueDeclaration;
  return declaration && ts.isVariableDeclaration(declaration) && !isInside(declaration, fn)
    ? value
    : undefined;
}

/**
 * Finds the one call that connects the server over stdio.
 *
 * @param counts whether what connects is looked for in a file
 */
export function findConnect(
  sources: Sources,
  counts: (file: ts.SourceFile) => boolean = () => true,
): ConnectSite | ConnectProblem {
  const [direct, another] = served(sources).filter(({ call }) => counts(call.getSourceFile()));
  if (direct) return another ? { code: 'connect-ambiguous', node: direct.call, other: another.call } : direct;
  const transports = stdioTransports(sources).filter((made) => counts(made.getSourceFile()));
  if (transports.length === 0) return { code: 'stdio-transport-not-found' };
  const sites = transports.flatMap((transport) => connectsOf(sources, transport, transport));
  const unique = sites.filter((site, i) => sites.findIndex((other) => other.call === site.call) === i);
  const [first, second] = unique;
  if (!first) return { code: 'connect-not-found', node: transports[0]! };
  if (second) return { code: 'connect-ambiguous', node: first.call, other: second.call };
  return first;
}

/** Every call that the value of `transport` is handed to, following variables, fields and functions that return it. */
function connectsOf(
  sources: Sources,
  value: ts.Expression,
  transport: ts.Expression,
  depth = 0,
): ConnectSite[] {
  if (depth > 6) return [];
  const user = consumer(value);
  const parent = user.parent;
  const follow = (next: ts.Expression) => connectsOf(sources, next, transport, depth + 1);
  if (ts.isCallExpression(parent) && parent.arguments.includes(user as ts.Expression))
    return [siteOf(sources, parent, transport, user as ts.Expression)].flat();
  if (ts.isNewExpression(parent) && parent.arguments?.includes(user as ts.Expression)) return follow(parent);
  if (ts.isVariableDeclaration(parent) && ts.isIdentifier(parent.name))
    return referencesOf(sources, parent.name).flatMap(follow);
  if (
    ts.isBinaryExpression(parent) &&
    parent.operatorToken.kind === ts.SyntaxKind.EqualsToken &&
    parent.right === user
  ) {
    if (ts.isIdentifier(parent.left)) {
      const uses = referencesOf(sources, parent.left).filter((node) => node !== parent.left);
      // A variable for transports of several kinds: what is connected in this block is this one.
      const block = ts.findAncestor(parent, ts.isBlock);
      const here = uses.filter((node) => block && isInside(node, block)).flatMap(follow);
      return here.length > 0 ? here : uses.flatMap(follow);
    }
    return sameField(parent.left)
      .filter((node) => node !== parent.left)
      .flatMap(follow);
  }
  if (ts.isPropertyDeclaration(parent)) return fieldUses(parent).flatMap(follow);
  if (ts.isReturnStatement(parent) || ts.isArrowFunction(parent)) {
    const fn = enclosingFunction(ts.isArrowFunction(parent) ? parent.body : parent);
    return fn ? callsOf(sources, fn).flatMap(follow) : [];
  }
  return [];
}

/** The outermost expression that has the same value: through `await`, parentheses, casts, `?:` and `??`. */
function consumer(value: ts.Expression): ts.Node {
  let at: ts.Node = value;
  while (
    ts.isAwaitExpression(at.parent) ||
    ts.isParenthesizedExpression(at.parent) ||
    ts.isAsExpression(at.parent) ||
    ts.isNonNullExpression(at.parent) ||
    ts.isSatisfiesExpression(at.parent) ||
    ts.isTypeAssertionExpression(at.parent) ||
    (ts.isConditionalExpression(at.parent) && at.parent.condition !== at) ||
    (ts.isBinaryExpression(at.parent) &&
      /^(?:\?\?|\|\|)$/.test(at.parent.operatorToken.getText()) &&
      at.parent.right === at)
  ) {
    at = at.parent;
  }
  return at;
}

function siteOf(
  sources: Sources,
  call: ts.CallExpression,
  transport: ts.Expression,
  argument: ts.Expression,
): ConnectSite[] {
  const callee = unwrap(call.expression);
  const site = (server: ts.Expression | undefined): ConnectSite => ({
    call,
    server,
    runners: [],
    transport,
    scope: enclosingFunction(call),
  });
  if (ts.isPropertyAccessExpression(callee) && callee.name.text === 'connect') {
    return [site(callee.expression)];
  }
  const fn = functionOf(sources, callee);
  const parameter = fn?.parameters[call.arguments.indexOf(argument)];
  if (!fn || !parameter || !ts.isIdentifier(parameter.name)) {
    return ts.isPropertyAccessExpression(callee) &&
      /^(?:start|serve|listen|run|attach)$/.test(callee.name.text)
      ? [site(undefined)]
      : [];
  }
  const inner = referencesOf(sources, parameter.name).flatMap((use) =>
    connectsOf(sources, use, transport, 1),
  );
  // What a function gives back may be another transport, or this one changed: it is not followed past that.
  const connected = inner.find((one) => isInside(one.call, fn));
  return connected ? [site(connectedArgument(sources, connected, fn, call))] : [];
}

/** When a helper connects one of its own parameters, the argument that the caller passes for it. */
function connectedArgument(
  sources: Sources,
  inner: ConnectSite,
  fn: ts.FunctionLikeDeclaration,
  call: ts.CallExpression,
): ts.Expression | undefined {
  if (!inner.server) return undefined;
  const symbol = sources.symbolOf(unwrap(inner.server));
  const index = fn.parameters.indexOf(symbol?.valueDeclaration as ts.ParameterDeclaration);
  return index >= 0 ? call.arguments[index] : undefined;
}

/**
 * Moves a site out of the function it stands in, to the call of that function. A function that connects one of
 * its parameters is a helper of the stdio program; any other becomes a runner that takes the transport.
 */
export function liftSite(sources: Sources, site: ConnectSite): ConnectSite | { readonly problem: ts.Node } {
  const fn = site.scope!;
  const found = callsOf(sources, fn).filter((call) => !isInside(call, fn));
  const calls = found.length > 1 ? found.filter((call) => isReached(sources, call)) : found;
  const outer = calls[0];
  if (!outer || calls.length > 1) return { problem: calls[1] ?? fn };
  if (site.isAmbient) return { ...site, call: outer, scope: enclosingFunction(outer) };
  const server = connectedArgument(sources, site, fn, outer);
  const scope = enclosingFunction(outer);
  // What the called function makes and connects by itself is nothing that a parameter could stand for.
  const isLifted = site.runners.length > 0 || (site.helpers ?? []).length > 0;
  const use = transportArgument(sources, site) ?? (isLifted ? site.call : undefined);
  if (!use && !server) return { problem: site.call };
  const taking = [...(use ? [{ fn, use }] : []), ...(site.helpers ?? [])];
  // Called through an interface, a helper cannot be given more than that says.
  const isKnown = functionOf(sources, outer.expression) === fn;
  if (server) return { ...site, call: outer, server, helpers: isKnown ? taking : [], scope };
  return {
    ...site,
    call: outer,
    server: undefined,
    runners: [...taking, ...site.runners],
    helpers: [],
    inRunners: [...(site.inRunners ?? []), site.server ?? site.call.expression],
    scope,
  };
}

/**
 * Moves a site out of functions that are called from several places, or through an interface: to the one call outside of
 * them all that leads there. None of them can be given the transport.
 */
export function liftPast(sources: Sources, site: ConnectSite): ConnectSite | undefined {
  if (!site.scope || !ts.isNewExpression(unwrap(site.transport))) return undefined;
  const flow = ValueFlow.of(sources);
  const passed = new Set<ts.FunctionLikeDeclaration>([site.scope]);
  for (let size = 0; size !== passed.size && size < 12; ) {
    size = passed.size;
    const calls = [...passed].map((fn) => flow.callsOf(fn));
    // What a package or a timer calls comes in ways of its own.
    if (calls.some((of) => of.size === 0)) return undefined;
    const outside = calls
      .flatMap((of) => [...of])
      .filter((call) => ![...passed].some((fn) => isInside(call, fn)) && isReached(sources, call));
    const [call, another] = new Set(outside);
    if (!call || [...passed].some(holdsTheProgram)) return undefined;
    if (!another) {
      const scope = enclosingFunction(call);
      return ts.isCallExpression(call) && !call.arguments.some((one) => passed.has(unwrap(one) as never))
        ? {
            ...site,
            call,
            server: undefined,
            runners: [],
            helpers: [],
            inRunners: [...(site.inRunners ?? []), site.server ?? site.call.expression],
            isAmbient: true,
            scope,
          }
        : undefined;
    }
    for (const fn of outside.map(enclosingFunction)) {
      if (!fn) return undefined;
      passed.add(fn);
    }
  }
  return undefined;
}

/** Does a function wait for the end of the connection once it is there? */
const holdsTheProgram = (fn: ts.FunctionLikeDeclaration): boolean =>
  [...descendants(fn, ts.isExpressionStatement), ...descendants(fn, ts.isReturnStatement)].some(
    waitsForTheEnd,
  );

/** May the program come to a node, which is not another program's and not in a function that nothing uses? */
const isReached = (sources: Sources, node: ts.Node): boolean =>
  !runsInOtherProgram(sources, node) && !isNeverRun(sources, ValueFlow.of(sources), node);

function argumentIsTransport(sources: Sources, argument: ts.Expression, transport: ts.Expression): boolean {
  return connectsOf(sources, transport, transport).some((site) => site.call.arguments.includes(argument));
}

/** The argument that hands the transport over: `transport` in `app.start(transport)`; undefined when a runner makes it. */
export const transportArgument = (
  sources: Sources,
  { call, runners, transport }: ConnectSite,
): ts.Expression | undefined =>
  runners.length > 0
    ? undefined
    : call.arguments.find((argument) => argumentIsTransport(sources, argument, transport));

/** Is the server expression a parameter of the function around the call? */
export function serverIsParameter(sources: Sources, site: ConnectSite): boolean {
  if (!site.server || !site.scope) return false;
  const root = rootOf(site.server);
  const declaration = sources.symbolOf(root)?.valueDeclaration;
  return declaration !== undefined && ts.isParameter(declaration) && declaration.parent === site.scope;
}
