import { descendants, enclosingFunction, rootOf, type Sources, ts, unwrap } from './source.js';

const SDK = /^@modelcontextprotocol\/(?:sdk|server|node)(?:\/|$)/;

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
    descendants(file, ts.isNewExpression).filter((node) => isStdio(node.expression)),
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

/** Finds the one call that connects the server over stdio. */
export function findConnect(sources: Sources): ConnectSite | ConnectProblem {
  const [direct, another] = served(sources);
  if (direct) return another ? { code: 'connect-ambiguous', node: direct.call, other: another.call } : direct;
  const transports = stdioTransports(sources);
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
    (ts.isConditionalExpression(at.parent) && at.parent.condition !== at)
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
  const calls = callsOf(sources, fn).filter((call) => !isInside(call, fn));
  const outer = calls[0];
  if (!outer || calls.length > 1) return { problem: calls[1] ?? fn };
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
    scope,
  };
}

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

/** Calls of a function: by name, `new C().method()`, IIFEs; methods are matched by name. */
export function callsOf(sources: Sources, fn: ts.FunctionLikeDeclaration): ts.CallExpression[] {
  const direct = directCall(fn);
  if (direct) return [direct];
  const name = declaredName(fn);
  if (!name) return [];
  if (
    ts.isClassElement(fn) ||
    ts.isObjectLiteralExpression(fn.parent) ||
    ts.isPropertyAssignment(fn.parent) ||
    ts.isPropertyDeclaration(fn.parent)
  ) {
    return methodCalls(sources, name.getText(), ts.isClassLike(fn.parent) ? fn.parent : undefined);
  }
  if (!ts.isIdentifier(name)) return [];
  const calls = referencesOf(sources, name).flatMap((reference) => {
    const callee = consumerCallee(reference);
    return callee ? [callee] : [];
  });
  return calls.length > 0 ? calls : methodCalls(sources, name.text);
}

function consumerCallee(reference: ts.Expression): ts.CallExpression | undefined {
  let at: ts.Node = reference;
  if (
    ts.isPropertyAccessExpression(at.parent) &&
    at.parent.expression === at &&
    ts.isCallExpression(at.parent.parent) === false
  )
    at = at.parent;
  return ts.isCallExpression(at.parent) && at.parent.expression === at ? at.parent : undefined;
}

function directCall(fn: ts.Node): ts.CallExpression | undefined {
  let at: ts.Node = fn;
  while (ts.isParenthesizedExpression(at.parent)) at = at.parent;
  return ts.isCallExpression(at.parent) && at.parent.expression === at ? at.parent : undefined;
}

/** Calls of a method by its name; those on what is known to be of another class are left out. */
function methodCalls(sources: Sources, name: string, owner?: ts.ClassLikeDeclaration): ts.CallExpression[] {
  const family = (one: ts.ClassLikeDeclaration): boolean =>
    owner === undefined || isRelated(sources, one, owner) || isRelated(sources, owner, one);
  const known = calledMethods.get(sources) ?? indexMethodCalls(sources);
  calledMethods.set(sources, known);
  return (known.get(name) ?? []).filter(({ expression }) => {
    if (sources.externalOf(rootOf(expression)) !== undefined) return false;
    if (isOfPackage(sources, expression.expression)) return false;
    const receiver = classOf(sources, expression.expression);
    return receiver === undefined || family(receiver);
  });
}

type MethodCall = ts.CallExpression & { readonly expression: ts.PropertyAccessExpression };

const isMethodCall = (node: ts.Node): node is MethodCall =>
  ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression);

const calledMethods = new WeakMap<Sources, ReadonlyMap<string, readonly MethodCall[]>>();

function indexMethodCalls(sources: Sources): ReadonlyMap<string, readonly MethodCall[]> {
  const index = new Map<string, MethodCall[]>();
  for (const file of sources.files.values())
    for (const call of descendants(file, isMethodCall)) {
      const name = call.expression.name.text;
      const known = index.get(name);
      if (known) known.push(call);
      else index.set(name, [call]);
    }
  return index;
}

/** Is the expression declared as, or made by, something of a package? */
function isOfPackage(sources: Sources, expression: ts.Expression): boolean {
  const value = unwrap(expression);
  if (ts.isNewExpression(value)) return isFromPackage(sources, value.expression);
  if (ts.isPropertyAccessExpression(value)) {
    const made = assignedToField(sources, value);
    if (made.length > 0) return made.every((one) => isOfPackage(sources, one));
  }
  const declaration = ts.isPropertyAccessExpression(value)
    ? fieldOf(sources, value)
    : ts.isIdentifier(value)
      ? sources.symbolOf(value)?.valueDeclaration
      : undefined;
  if (!declaration || !('type' in declaration || 'initializer' in declaration)) return false;
  const { type, initializer } = declaration as ts.PropertyDeclaration;
  if (type && ts.isTypeReferenceNode(type) && ts.isIdentifier(type.typeName))
    return sources.externalOf(type.typeName) !== undefined;
  const made = initializer && unwrap(initializer);
  return made !== undefined && ts.isNewExpression(made) && sources.externalOf(made.expression) !== undefined;
}

/** `Database`, `sqlite.Database`, also where `const sqlite = require('sqlite').verbose()`. */
function isFromPackage(sources: Sources, expression: ts.Expression): boolean {
  const root = rootOf(expression);
  if (sources.externalOf(expression) ?? sources.externalOf(root)) return true;
  const declaration = sources.symbolOf(root)?.valueDeclaration;
  const made = declaration && ts.isVariableDeclaration(declaration) ? declaration.initializer : undefined;
  return made !== undefined && /^require\(['"][^.'"]/.test(made.getText());
}

/** Is the class the other, or does it extend it? */
function isRelated(sources: Sources, one: ts.ClassLikeDeclaration, other: ts.ClassLikeDeclaration): boolean {
  if (one === other) return true;
  const base = one.heritageClauses?.find((clause) => clause.token === ts.SyntaxKind.ExtendsKeyword)?.types[0];
  const declaration = base && sources.symbolOf(base.expression)?.valueDeclaration;
  return declaration !== undefined && ts.isClassLike(declaration) && isRelated(sources, declaration, other);
}

/** The name a function is declared under: its own, its variable's, its property's. */
export function declaredName(fn: ts.FunctionLikeDeclaration): ts.PropertyName | ts.BindingName | undefined {
  if (fn.name) return fn.name;
  const parent = fn.parent;
  if (ts.isVariableDeclaration(parent) || ts.isPropertyDeclaration(parent) || ts.isPropertyAssignment(parent))
    return parent.name;
  return undefined;
}

/** The function an expression names, when it is one of the project. */
export function functionOf(
  sources: Sources,
  expression: ts.Expression,
): ts.FunctionLikeDeclaration | undefined {
  const callee = unwrap(expression);
  if (ts.isArrowFunction(callee) || ts.isFunctionExpression(callee)) return callee;
  const declaration = sources.symbolOf(callee)?.valueDeclaration;
  if (declaration) {
    if (ts.isFunctionDeclaration(declaration)) return declaration;
    const value =
      ts.isVariableDeclaration(declaration) && declaration.initializer
        ? unwrap(declaration.initializer)
        : undefined;
    return value && (ts.isArrowFunction(value) || ts.isFunctionExpression(value)) ? value : undefined;
  }
  if (!ts.isPropertyAccessExpression(callee)) return undefined;
  const owner = classOf(sources, callee.expression);
  const member = owner?.members.find((one) => one.name?.getText() === callee.name.text);
  if (member && ts.isMethodDeclaration(member)) return member;
  if (member && ts.isPropertyDeclaration(member) && member.initializer) {
    const value = unwrap(member.initializer);
    return ts.isArrowFunction(value) || ts.isFunctionExpression(value) ? value : undefined;
  }
  return undefined;
}

/** The class of the project that an expression is an instance of, as far as the syntax tells. */
function classOf(sources: Sources, expression: ts.Expression): ts.ClassLikeDeclaration | undefined {
  const value = unwrap(expression);
  if (value.kind === ts.SyntaxKind.ThisKeyword) {
    for (let at: ts.Node = value; at; at = at.parent) if (ts.isClassLike(at)) return at;
    return undefined;
  }
  if (ts.isNewExpression(value)) {
    const declaration = sources.symbolOf(value.expression)?.valueDeclaration;
    return declaration && ts.isClassLike(declaration) ? declaration : undefined;
  }
  const declaration = ts.isPropertyAccessExpression(value)
    ? fieldOf(sources, value)
    : sources.symbolOf(value)?.valueDeclaration;
  if (!declaration) return undefined;
  if (ts.isVariableDeclaration(declaration) || ts.isPropertyDeclaration(declaration)) {
    const { initializer } = declaration;
    if (initializer && initializer !== value && unwrap(initializer).kind !== ts.SyntaxKind.NullKeyword)
      return classOf(sources, initializer);
    return classOfType(sources, declaration.type);
  }
  return ts.isParameter(declaration) ? classOfType(sources, declaration.type) : undefined;
}

/** The declaration of `this.field`. */
function fieldOf(sources: Sources, access: ts.PropertyAccessExpression): ts.Declaration | undefined {
  const owner =
    access.expression.kind === ts.SyntaxKind.ThisKeyword ? classOf(sources, access.expression) : undefined;
  return owner?.members.find(
    (member) => ts.isPropertyDeclaration(member) && member.name.getText() === access.name.text,
  );
}

/** What `this.field = new Thing()` in the class itself makes of a field that is not declared. */
function assignedToField(sources: Sources, access: ts.PropertyAccessExpression): ts.NewExpression[] {
  if (access.expression.kind !== ts.SyntaxKind.ThisKeyword || fieldOf(sources, access)) return [];
  return sameField(access).flatMap((field) => {
    const { parent } = field;
    const isTarget =
      ts.isBinaryExpression(parent) &&
      parent.left === field &&
      parent.operatorToken.kind === ts.SyntaxKind.EqualsToken;
    const made = isTarget ? unwrap(parent.right) : undefined;
    return made && ts.isNewExpression(made) ? [made] : [];
  });
}

/** The class of the project that a type annotation names. */
function classOfType(sources: Sources, type: ts.TypeNode | undefined): ts.ClassLikeDeclaration | undefined {
  if (!type || !ts.isTypeReferenceNode(type) || !ts.isIdentifier(type.typeName)) return undefined;
  const symbol = sources.checker.getSymbolAtLocation(type.typeName);
  const declaration = symbol && sources.targetOf(symbol).valueDeclaration;
  return declaration && ts.isClassLike(declaration) ? declaration : undefined;
}

/** References to the variable that an identifier declares or names. */
function referencesOf(sources: Sources, name: ts.Identifier): readonly ts.Identifier[] {
  const symbol = sources.symbolOf(name);
  return symbol ? sources.referencesTo(symbol) : [];
}

function fieldUses(declaration: ts.PropertyDeclaration): ts.Expression[] {
  const name = declaration.name.getText();
  return descendants(declaration.parent, ts.isPropertyAccessExpression).filter(
    (node) => node.expression.kind === ts.SyntaxKind.ThisKeyword && node.name.text === name,
  );
}

function sameField(left: ts.Expression): ts.Expression[] {
  const text = left.getText();
  const scope =
    ts.isPropertyAccessExpression(left) && left.expression.kind === ts.SyntaxKind.ThisKeyword
      ? classAround(left)
      : left.getSourceFile();
  return descendants(scope, ts.isPropertyAccessExpression).filter((node) => node.getText() === text);
}

function classAround(node: ts.Node): ts.Node {
  for (let at = node; at; at = at.parent) if (ts.isClassLike(at)) return at;
  return node.getSourceFile();
}

export const isInside = (node: ts.Node, outer: ts.Node): boolean =>
  node.getSourceFile() === outer.getSourceFile() && node.pos >= outer.pos && node.end <= outer.end;
