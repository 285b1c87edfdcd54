import { declaredName, functionOf } from './calls.js';
import type { ConnectSite } from './connect.js';
import { isSdkServer } from './server-statements.js';
import {
  descendants,
  enclosingFunction,
  forEachReference,
  isAsync,
  isInside,
  rootOf,
  type Sources,
  ts,
  unwrap,
} from './source.js';

/**
 * What `serveStdio` is given, or the function around the connect, when all that serves a client happens inside it: then the program may be let come
 * there by itself, whatever calls the function, and what it does there be repeated for each client.
 */
export function servesOneClient(sources: Sources, site: ConnectSite): ts.FunctionLikeDeclaration | undefined {
  // What `serveStdio` is given serves one client already.
  if (site.factory) return functionOf(sources, site.factory);
  const fn = site.scope;
  if (!fn?.body) return undefined;
  if (ts.isConstructorDeclaration(fn) || ts.isAccessor(fn) || isGenerator(fn)) return undefined;
  if (!isAsync(fn) && returnsValue(fn)) return undefined;
  if (namesItsArguments(fn)) return undefined;
  if (usesOf(sources, fn).length === 0) return undefined;
  return makesServer(sources, site, fn) ? fn : undefined;
}

/** Is what is connected made inside the function, not handed to it or kept outside of it? */
function makesServer(sources: Sources, site: ConnectSite, fn: ts.FunctionLikeDeclaration): boolean {
  const made = unwrap(site.server ?? site.call.expression);
  const root = rootOf(made);
  if (ts.isNewExpression(root)) return true;
  if (!ts.isIdentifier(root)) return false;
  const declaration = sources.symbolOf(root)?.valueDeclaration;
  if (!declaration || ts.isParameter(declaration)) return false;
  return isInside(declaration, fn) || (made === root && functionOf(sources, root) !== undefined);
}

/** Constructions of the SDK's servers, or of classes that extend them. */
export function serverConstructions(sources: Sources): ts.NewExpression[] {
  const isServer = (expression: ts.Expression, depth = 0): boolean => {
    const external = sources.externalOf(expression);
    if (external) return isSdkServer(external);
    const declaration = sources.symbolOf(expression)?.valueDeclaration;
    const base =
      declaration && ts.isClassLike(declaration)
        ? declaration.heritageClauses?.find(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)?.types[0]
        : undefined;
    return base !== undefined && depth < 5 && isServer(base.expression, depth + 1);
  };
  return [...sources.files.values()].flatMap((file) =>
    descendants(file, ts.isNewExpression).filter((made) => isServer(made.expression)),
  );
}

/** Does the function read what it was called with as `arguments`? The property of that name in a request is another matter. */
function namesItsArguments(fn: ts.FunctionLikeDeclaration): boolean {
  let found = false;
  forEachReference(fn, ({ text }) => {
    found ||= text === 'arguments';
  });
  return found;
}

const isGenerator = (fn: ts.FunctionLikeDeclaration): boolean => 'asteriskToken' in fn && !!fn.asteriskToken;

const returnsValue = (fn: ts.FunctionLikeDeclaration): boolean =>
  (fn.body !== undefined && !ts.isBlock(fn.body)) ||
  descendants(fn, ts.isReturnStatement).some(
    (statement) => statement.expression && enclosingFunction(statement) === fn,
  );

/** Where a function comes into play: itself when it has no name, else where its name stands, also behind `import()`. */
export function usesOf(sources: Sources, fn: ts.FunctionLikeDeclaration): ts.Node[] {
  const name = declaredName(fn);
  if (!name) return [fn];
  const symbol = ts.isIdentifier(name) ? sources.symbolOf(name) : undefined;
  const references = (symbol ? sources.referencesTo(symbol) : []).flatMap((reference) => {
    const { parent } = reference;
    if (ts.isExportSpecifier(parent)) return [];
    if (!ts.isExportAssignment(parent)) return [reference];
    const asDefault = (parent as { symbol?: ts.Symbol }).symbol;
    return asDefault ? sources.referencesTo(asDefault) : [];
  });
  const isCalled = new RegExp(`(?:^|\\.)${name.getText()}$`);
  const called = () =>
    [...sources.files.values()]
      .flatMap((file) => descendants(file, ts.isCallExpression))
      .filter((call) => isCalled.test(call.expression.getText()));
  return (references.length > 0 ? references : called()).filter((use) => !isInside(use, fn));
}

/** A command of the command line: `.command('serve').action(fn)`. */
interface Command {
  readonly name: string;
  /** Does it want arguments of its own? */
  readonly asks: boolean;
}

/** The commands that a function runs for, when it runs only if the command line names one. */
export function commandsOf(sources: Sources, fn: ts.FunctionLikeDeclaration, depth = 0): readonly Command[] {
  const uses = usesOf(sources, fn).filter((use) => !isGuardOfAnother(sources, use));
  const commands = uses.map((use) => commandsUsing(sources, use, depth));
  return commands.every((some) => some.length > 0) ? commands.flat() : [];
}

function commandsUsing(sources: Sources, use: ts.Node, depth: number): readonly Command[] {
  for (let at: ts.Node | undefined = use; at; at = at.parent) {
    const command = commandOf(at);
    if (command) return [command];
  }
  const around = enclosingFunction(use);
  return around && depth < 6 ? commandsOf(sources, around, depth + 1) : [];
}

/** `if (isMain) main()` in a module that is not what is started. */
const isGuardOfAnother = (sources: Sources, use: ts.Node): boolean =>
  sources.pathOf(use) !== sources.entry &&
  enclosingFunction(use) === undefined &&
  ts.findAncestor(use, ts.isIfStatement) !== undefined;

/** The command that a node is the action of, unless it is what runs without a command. */
export function commandOf(node: ts.Node): Command | undefined {
  const call = node.parent;
  if (!call || !ts.isCallExpression(call) || !ts.isPropertyAccessExpression(call.expression))
    return undefined;
  if (!(call.arguments as readonly ts.Node[]).includes(node)) return undefined;
  const method = call.expression.name.text;
  if (method !== 'action' && method !== 'command') return undefined;
  const chain = call.expression.expression.getText();
  const declared =
    method === 'command' ? call.arguments[0]?.getText() : /\.command\(\s*(['"`[][^)]*)\)/.exec(chain)?.[1];
  if (declared === undefined || /isDefault:\s*true|\$0|['"`]\*/.test(declared)) return undefined;
  const settings = method === 'command' ? call.getText() : chain;
  return {
    name: /[\w:-]+/.exec(declared)?.[0] ?? '',
    asks: declared.includes('<') || /\.requiredOption\(|\.argument\(\s*['"`]<|\bdemand/.test(settings),
  };
}
