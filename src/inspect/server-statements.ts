import { functionOf } from './calls.js';
import type { ConnectSite } from './connect.js';
import type { Effects } from './effects.js';
import { initializerOf, lastingDeclarations, type StateDeclaration, symbolOfDeclaration } from './lasting.js';
import { isOfClient } from './module-effects.js';
import { type ExternalName, enclosingFunction, rootOf, type Sources, ts, unwrap } from './source.js';
import { assignedIn, intersects, isDeclaration, isExitingCheck, namesOf } from './statement-names.js';
import { isModuleExports } from './timing.js';
import { type Thing, ValueFlow } from './value-flow.js';

/** The variable that holds the server (or the object that runs it), and every lasting variable made by the SDK's server classes. */
export function serverSeeds(sources: Sources, site: ConnectSite): Set<ts.Symbol> {
  const seeds = new Set(lastingServers(sources));
  if (site.factory) return seeds;
  const holderOf = (connected: ts.Expression): ts.Symbol | undefined => {
    const root = rootOf(connected);
    const symbol = ts.isIdentifier(root) ? sources.symbolOf(root) : undefined;
    const declaration = symbol?.valueDeclaration;
    const isVariable =
      declaration && (ts.isVariableDeclaration(declaration) || ts.isBindingElement(declaration));
    return isVariable ? symbol : undefined;
  };
  const holder = holderOf(site.server ?? site.call.expression);
  if (holder) seeds.add(holder);
  // What a runner finds around it, in the same function; what it makes for itself is made with every call of it.
  for (const connected of site.inRunners ?? []) {
    const found = holderOf(connected);
    if (found && site.scope && enclosingFunction(found.valueDeclaration!) === site.scope) seeds.add(found);
  }
  // A call that leads to the connect in several ways is given what is connected there.
  if (site.isAmbient)
    for (const argument of site.call.arguments) {
      const found = holderOf(argument);
      if (found && holdsServer(ValueFlow.of(sources), found)) seeds.add(found);
    }
  return seeds;
}

const holdsServer = (flow: ValueFlow, symbol: ts.Symbol): boolean =>
  flow.explore(flow.heldBy(symbol), isServer).wanted !== undefined;

/** A server of the SDK, which serves one client. */
export const isServer = ({ kind, from }: Thing): boolean =>
  kind === 'external' && from !== undefined && isSdkServer(from);

/** A server class of the SDK. */
export const isSdkServer = ({ module, name }: ExternalName): boolean =>
  /^(?:Mcp)?Server$/.test(name) && /^@modelcontextprotocol\/(?:sdk|server)/.test(module);

/** A server at module level is one client's wherever it is connected: by the entry, by a function it calls, by a helper. */
function lastingServers(sources: Sources): ts.Symbol[] {
  return lastingDeclarations(sources).flatMap((declaration) => {
    const initializer = initializerOf(declaration);
    const made = initializer && unwrap(initializer);
    if (!made || !ts.isNewExpression(made)) return [];
    const external = sources.externalOf(made.expression);
    const symbol = external && isSdkServer(external) ? symbolOfDeclaration(sources, declaration) : undefined;
    return symbol ? [symbol] : [];
  });
}

export const usedElsewhere = (sources: Sources, symbol: ts.Symbol, file: ts.SourceFile): boolean =>
  sources.referencesTo(symbol).some((reference) => reference.getSourceFile() !== file);

/** The closure: the server's declaration, and every statement that names something already in it. */
export function serverStatements(
  sources: Sources,
  effects: Effects,
  local: readonly ts.Statement[],
  transport: ReadonlySet<ts.Statement>,
  seeds: ReadonlySet<ts.Symbol>,
  isolated: ReadonlyMap<ts.Symbol, StateDeclaration>,
): Set<ts.Statement> {
  const found = new Set<ts.Statement>();
  const moved = new Set([...seeds].filter((seed) => !isolated.has(seed)));
  const declares = (statement: ts.Statement): boolean =>
    intersects(namesOf(sources, new Set([statement])), moved);
  for (let grew = true; grew; ) {
    grew = false;
    for (const statement of local) {
      if (found.has(statement) || transport.has(statement) || ts.isImportDeclaration(statement)) continue;
      const isState =
        ts.isVariableStatement(statement) &&
        statement.declarationList.declarations.some((declaration) =>
          isIsolated(sources, declaration, isolated),
        );
      if (isState) continue;
      const touches = !isDeclaration(statement) && isOfClient(effects.touchedBy(statement), isolated);
      const isChecked = !isDeclaration(statement) && isCheckedBefore(sources, statement, found);
      const reads = intersects(sources.symbolsIn(statement), moved);
      if (!declares(statement) && !reads && !touches && !isChecked) continue;
      if (exportsOnly(statement)) continue;
      found.add(statement);
      for (const name of namesOf(sources, new Set([statement]))) moved.add(name);
      // What each session has for itself stays where it is declared, and so does what reads it.
      for (const name of assignedIn(sources, statement)) if (!isolated.has(name)) moved.add(name);
      grew = true;
    }
  }
  return found;
}

/** `export { server }`, `module.exports.server = server`: nothing of it runs for a client. */
function exportsOnly(statement: ts.Statement): boolean {
  if (ts.isExportDeclaration(statement) || ts.isExportAssignment(statement)) return true;
  if (!ts.isExpressionStatement(statement) || !ts.isBinaryExpression(statement.expression)) return false;
  const { right } = statement.expression;
  return ts.isIdentifier(right) && isModuleExports(right);
}

/** Does the statement use what one of the others checks before it: `if (!token) { log(server); process.exit(1); }`? */
const isCheckedBefore = (
  sources: Sources,
  statement: ts.Statement,
  others: ReadonlySet<ts.Statement>,
): boolean =>
  [...others].some(
    (other) =>
      isExitingCheck(other) &&
      other.parent === statement.parent &&
      other.end <= statement.pos &&
      intersects(sources.symbolsIn(other.expression), sources.symbolsIn(statement)),
  );

const isIsolated = (
  sources: Sources,
  declaration: ts.VariableDeclaration,
  isolated: ReadonlyMap<ts.Symbol, StateDeclaration>,
): boolean => {
  const symbol = ts.isIdentifier(declaration.name)
    ? sources.checker.getSymbolAtLocation(declaration.name)
    : undefined;
  return symbol !== undefined && isolated.has(symbol);
};

export function growFrom(
  sources: Sources,
  statement: ts.Statement,
  local: readonly ts.Statement[],
  transport: ReadonlySet<ts.Statement>,
  server: Set<ts.Statement>,
): void {
  server.add(statement);
  const moved = namesOf(sources, new Set([statement]));
  for (const other of local) {
    if (server.has(other) || transport.has(other) || ts.isImportDeclaration(other)) continue;
    if (intersects(sources.symbolsIn(other), moved)) growFrom(sources, other, local, transport, server);
  }
}

/** The code that makes a server: the connected expression, the body of the factory, or the call of a runner. */
export function rootOfServer(sources: Sources, site: ConnectSite): ts.Node {
  if (!site.factory) return site.server ?? site.call;
  return functionOf(sources, site.factory)?.body ?? site.factory;
}
