import { type ConnectSite, functionOf, isInside } from './connect.js';
import { CredentialValues } from './credential-values.js';
import type { CredentialReads } from './credentials.js';
import { Effects, type Touched } from './effects.js';
import { keptByServer } from './kept-by-server.js';
import { endingOf } from './signal-handlers.js';
import {
  descendants,
  enclosingFunction,
  rootOf,
  type Sources,
  topLevelStatement,
  ts,
  unwrap,
} from './source.js';
import {
  initializerOf,
  isAssigned,
  lastingDeclarations,
  type StateDeclaration,
  type StateFinding,
  StateJudge,
  symbolOfDeclaration,
} from './state.js';
import { Timing } from './timing.js';
import { findUnfollowed, type Unfollowed } from './unfollowed.js';
import { ValueFlow } from './value-flow.js';

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

/** Which statements belong to the process, to one client's server, and to the stdio transport. */
export interface Lifetimes {
  readonly frame: Frame;
  /** Statements of the entry module and the frame that are repeated for each client. */
  readonly server: ReadonlySet<ts.Statement>;
  /** Statements that only the stdio program runs. */
  readonly transport: ReadonlySet<ts.Statement>;
  /** Names that the server statements declare. */
  readonly serverNames: ReadonlySet<ts.Symbol>;
  /** Top-level statements of other modules that must be repeated for each client, in import order. */
  readonly elsewhere: readonly ts.Statement[];
  readonly findings: readonly StateFinding[];
  /** Bindings that become session-scoped. */
  readonly isolated: ReadonlyMap<ts.Symbol, StateDeclaration>;
  /** Top-level statements that register on the server in modules loaded by `import()`: they run once only. */
  readonly loadedLater: readonly ts.Statement[];
  /** What each server remembers in variables and objects of its own. */
  readonly kept: readonly StateFinding[];
  /** Uses of a credential that cannot be made each caller's own. */
  readonly unfollowed: readonly Unfollowed[];
}

export interface StateChoices {
  readonly state: 'isolate' | 'share';
  readonly share: readonly string[];
}

/** Is something among what was touched that each client has for itself? */
const isOfClient = (touched: ReadonlySet<Touched>, isolated: ReadonlyMap<ts.Symbol, unknown>): boolean => {
  for (const one of touched) if (one === 'credential' || isolated.has(one)) return true;
  return false;
};

/** Follows the blocks from a body to the call: `try`, `if`, plain blocks, `switch` clauses. */
export function frameOf(site: ConnectSite): Frame {
  const file = site.call.getSourceFile();
  const fn = site.scope;
  const before: ts.Statement[] = [];
  const after: ts.Statement[] = [];
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
    after.unshift(...statements.slice(index + 1).filter((statement) => !ts.isBreakStatement(statement)));
    const inner = path && blockAround(path, site.call);
    if (!inner) return { file, fn, before, path, after, holders };
    holders.push(path);
    statements = inner;
  }
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

/** Sorts statements and state by lifetime, repeating until nothing more turns out to be a client's. */
export function findLifetimes(
  sources: Sources,
  site: ConnectSite,
  choices: StateChoices,
  credentials: CredentialReads,
): Lifetimes {
  const frame = frameOf(site);
  const effects = new Effects(sources, credentials.roots);
  const flow = new ValueFlow(sources);
  const local = localStatements(sources, frame, site);
  const seeds = serverSeeds(sources, site);
  const transport = transportStatements(sources, frame, site, local, seeds);
  const isolated = new Map<ts.Symbol, StateDeclaration>();
  for (const seed of seeds) {
    const declaration = seed.valueDeclaration;
    const lasting = declaration && ts.isVariableDeclaration(declaration) && !enclosingFunction(declaration);
    if (lasting && (declaration.getSourceFile() !== frame.file || usedElsewhere(sources, seed, frame.file)))
      isolated.set(seed, declaration);
  }
  let findings: readonly StateFinding[] = [];
  // What is made from a credential becomes each session's own where it stands; only what needs the server moves.
  const blind = new Effects(sources, new Set());
  let server = serverStatements(sources, blind, local, transport, seeds, isolated);
  const values = new CredentialValues(sources, effects);
  if (credentials.names.size > 0) addDerived(sources, effects, isolated, frame, server);
  let elsewhere: ts.Statement[] = [];
  for (let round = 0; ; round++) {
    server = serverStatements(sources, effects, local, transport, seeds, isolated);
    elsewhere = statementsElsewhere(sources, effects, frame, isolated);
    const timing = new Timing(sources, flow, new Set<ts.Node>([...server, ...elsewhere]), frame.fn);
    const judge = new StateJudge(sources, flow, timing);
    findings = judgeAll(sources, judge, choices, isolated, frame, server, values);
    const before = isolated.size;
    for (const finding of findings)
      if (finding.decision === 'isolate' && !finding.stuck)
        isolated.set(finding.symbol, finding.declaration as StateDeclaration);
    addDerived(sources, effects, isolated, frame, server);
    if (isolated.size === before || round > 8) break;
  }
  for (const statement of localState(sources, flow, frame, server))
    growFrom(sources, statement, local, transport, server);
  const inOrder = new Set(importOrder(sources));
  const servers = new Map([...isolated].filter(([symbol]) => seeds.has(symbol)));
  const loadedLater = effectsAtTop(
    blind,
    [...sources.files.values()].filter((file) => !inOrder.has(file)),
    servers,
  );
  const kept = keptByServer(sources, flow, effects, [...server, rootOfServer(sources, site)], frame.fn);
  return {
    frame,
    server,
    transport,
    serverNames: namesOf(sources, server),
    elsewhere,
    findings,
    isolated,
    kept,
    loadedLater,
    unfollowed:
      credentials.names.size === 0
        ? []
        : findUnfollowed(sources, credentials, effects, values, {
            frame,
            isolated,
            perClient: new Set<ts.Statement>([...server, ...elsewhere]),
            transport,
            timing: new Timing(sources, flow, new Set<ts.Node>([...server, ...elsewhere]), frame.fn),
          }),
  };
}

/** The statements whose order and place the rewriter decides: the entry module's and the frame's. */
function localStatements(sources: Sources, frame: Frame, site: ConnectSite): ts.Statement[] {
  const own = frame.fn ? topLevelStatement(frame.fn) : undefined;
  const moduleLevel = frame.file.statements.filter(
    (statement) =>
      statement !== own &&
      !(frame.fn === undefined && isInside(site.call, statement)) &&
      !(frame.fn && callsFrame(sources, statement, frame)),
  );
  if (!frame.fn) return [...new Set([...moduleLevel, ...frame.before, ...frame.after])];
  return [...moduleLevel, ...frame.before, ...frame.after];
}

/** Does the statement start the program: `main().catch(…)`, `if (isMain) main()`? */
export function callsFrame(sources: Sources, statement: ts.Statement, frame: Frame): boolean {
  if (!frame.fn || ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) return false;
  const name =
    frame.fn.name ?? (ts.isVariableDeclaration(frame.fn.parent) ? frame.fn.parent.name : undefined);
  if (isInside(frame.fn, statement)) return true;
  const symbol = name && ts.isIdentifier(name) ? sources.symbolOf(name) : undefined;
  return (
    symbol !== undefined &&
    sources
      .referencesTo(symbol)
      .some(
        (reference) =>
          isInside(reference, statement) &&
          !ts.isExportSpecifier(reference.parent) &&
          !ts.isExportAssignment(reference.parent),
      )
  );
}

/** The variable that holds the server (or the object that runs it), and every lasting variable made by the SDK's server classes. */
function serverSeeds(sources: Sources, site: ConnectSite): Set<ts.Symbol> {
  const seeds = new Set(lastingServers(sources));
  if (site.factory) return seeds;
  const root = rootOf(site.server ?? site.call.expression);
  const symbol = ts.isIdentifier(root) ? sources.symbolOf(root) : undefined;
  const declaration = symbol?.valueDeclaration;
  if (symbol && declaration && (ts.isVariableDeclaration(declaration) || ts.isBindingElement(declaration)))
    seeds.add(symbol);
  return seeds;
}

/** A server at module level is one client's wherever it is connected: by the entry, by a function it calls, by a helper. */
function lastingServers(sources: Sources): ts.Symbol[] {
  return lastingDeclarations(sources).flatMap((declaration) => {
    const initializer = initializerOf(declaration);
    const made = initializer && unwrap(initializer);
    if (!made || !ts.isNewExpression(made)) return [];
    const external = sources.externalOf(made.expression);
    const isServer =
      external !== undefined &&
      /^@modelcontextprotocol\/(?:sdk|server)/.test(external.module) &&
      /^(?:Mcp)?Server$/.test(external.name);
    const symbol = isServer ? symbolOfDeclaration(sources, declaration) : undefined;
    return symbol ? [symbol] : [];
  });
}

const usedElsewhere = (sources: Sources, symbol: ts.Symbol, file: ts.SourceFile): boolean =>
  sources.referencesTo(symbol).some((reference) => reference.getSourceFile() !== file);

const GLUE =
  /^process\s*\.\s*(?:on|once|addListener|prependListener|stdin|stdout|removeAllListeners|setMaxListeners)\b/;

/** Signal handlers, stdin handling, banners after the connect, and what hangs on the transport variable. */
function transportStatements(
  sources: Sources,
  frame: Frame,
  site: ConnectSite,
  local: readonly ts.Statement[],
  servers: ReadonlySet<ts.Symbol>,
): Set<ts.Statement> {
  const found = new Set<ts.Statement>([frame.path]);
  const holder = local.find(
    (statement) =>
      isInside(site.transport, statement) &&
      enclosingFunction(site.transport) === enclosingFunction(statement),
  );
  if (holder) found.add(holder);
  const names = holder ? namesOf(sources, new Set([holder])) : new Set<ts.Symbol>();
  for (const statement of local) {
    const ending = endingOf(sources, statement, servers);
    // What the program does besides closing its connection has to be done when a service ends, too.
    if (ending?.cleansUp && !ending.uses(names)) continue;
    if (
      ts.isExpressionStatement(statement) &&
      GLUE.test(statement.getText().replace(/^(?:void|await)\s+/, ''))
    )
      found.add(statement);
    if (
      !isDeclaration(statement) &&
      !isServerAssignment(statement) &&
      intersects(sources.symbolsIn(statement), names)
    )
      found.add(statement);
    if (frame.after.includes(statement) && isBanner(statement)) found.add(statement);
    if (
      frame.before.includes(statement) &&
      frame.fn &&
      leavesFunction(statement) &&
      assignedIn(sources, statement).length === 0
    )
      found.add(statement);
  }
  return found;
}

const isServerAssignment = (statement: ts.Statement): boolean =>
  ts.isExpressionStatement(statement) &&
  ts.isBinaryExpression(statement.expression) &&
  /\.(?:onclose|onerror|oninitialized|fallback\w+)$/.test(statement.expression.left.getText()) &&
  !/transport/i.test(statement.expression.left.getText());

/** `console.error('running on stdio')`, and the like of loggers. */
export function isBanner(statement: ts.Statement): boolean {
  if (ts.isIfStatement(statement))
    return [statement.thenStatement, ...(statement.elseStatement ? [statement.elseStatement] : [])].every(
      (one) => (ts.isBlock(one) ? one.statements.every(isBanner) : isBanner(one)),
    );
  return (
    ts.isExpressionStatement(statement) &&
    /^(?:await\s+)?(?:console|process\.std(?:err|out)|(?:this\.)?_?(?:log(?:ger)?|debug|print\w*|info))\b(?:\.\w+)?\s*\(/i.test(
      statement.getText(),
    )
  );
}

/** `return` or `break` of the frame's own function. */
function leavesFunction(statement: ts.Statement): boolean {
  let found = false;
  const walk = (node: ts.Node): void => {
    if (found || ts.isFunctionLike(node) || ts.isClassLike(node)) return;
    if (ts.isReturnStatement(node)) found = true;
    else ts.forEachChild(node, walk);
  };
  walk(statement);
  return found;
}

const isDeclaration = (statement: ts.Statement): boolean =>
  ts.isFunctionDeclaration(statement) ||
  ts.isClassDeclaration(statement) ||
  ts.isImportDeclaration(statement) ||
  ts.isInterfaceDeclaration(statement) ||
  ts.isTypeAliasDeclaration(statement) ||
  ts.isEnumDeclaration(statement);

function intersects<T>(a: Iterable<T>, b: { has(value: T): boolean }): boolean {
  for (const one of a) if (b.has(one)) return true;
  return false;
}

/** Symbols of the variables, functions and classes that statements declare. */
export function namesOf(sources: Sources, statements: ReadonlySet<ts.Statement>): Set<ts.Symbol> {
  const names = new Set<ts.Symbol>();
  const add = (name: ts.Node | undefined): void => {
    if (!name) return;
    if (ts.isIdentifier(name)) {
      const symbol = sources.checker.getSymbolAtLocation(name);
      if (symbol) names.add(symbol);
    } else if (ts.isObjectBindingPattern(name) || ts.isArrayBindingPattern(name)) {
      for (const element of name.elements) if (ts.isBindingElement(element)) add(element.name);
    }
  };
  for (const statement of statements) {
    if (ts.isVariableStatement(statement))
      for (const declaration of statement.declarationList.declarations) add(declaration.name);
    if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) add(statement.name);
  }
  return names;
}

/** The closure: the server's declaration, and every statement that names something already in it. */
function serverStatements(
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
      if (!declares(statement) && !intersects(sources.symbolsIn(statement), moved) && !touches) continue;
      if (ts.isExportDeclaration(statement) || ts.isExportAssignment(statement)) continue;
      found.add(statement);
      for (const name of namesOf(sources, new Set([statement]))) moved.add(name);
      for (const name of assignedIn(sources, statement)) moved.add(name);
      grew = true;
    }
  }
  return found;
}

/** Variables of the same scopes that a statement assigns: `let app; if (x) app = make(server)`. */
function assignedIn(sources: Sources, statement: ts.Statement): ts.Symbol[] {
  if (isDeclaration(statement)) return [];
  return descendants(statement, ts.isIdentifier)
    .filter(
      (identifier) =>
        isAssigned(identifier) && enclosingFunction(identifier) === enclosingFunction(statement),
    )
    .map((identifier) => sources.symbolOf(identifier))
    .filter(
      (symbol): symbol is ts.Symbol =>
        symbol?.valueDeclaration !== undefined && !isInside(symbol.valueDeclaration, statement),
    );
}

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

/** Effect statements at the top level of other modules that touch what each client has for itself. */
function statementsElsewhere(
  sources: Sources,
  effects: Effects,
  frame: Frame,
  isolated: ReadonlyMap<ts.Symbol, StateDeclaration>,
): ts.Statement[] {
  return effectsAtTop(
    effects,
    importOrder(sources).filter((file) => file !== frame.file),
    isolated,
  ).filter((statement) => !startsProgram(effects, statement, frame));
}

/** Does the statement of another module start the program: `startServer()` in the file that `bin` names? */
const startsProgram = (effects: Effects, statement: ts.Statement, { fn }: Frame): boolean =>
  fn?.body !== undefined && effects.bodiesRunBy([statement]).has(fn.body);

/** Top-level effect statements of these modules that touch one of the bindings. */
function effectsAtTop(
  effects: Effects,
  files: readonly ts.SourceFile[],
  isolated: ReadonlyMap<ts.Symbol, StateDeclaration>,
): ts.Statement[] {
  return files
    .flatMap((file) => file.statements)
    .filter(
      (statement) =>
        !isDeclaration(statement) &&
        !ts.isVariableStatement(statement) &&
        !ts.isExportAssignment(statement) &&
        !ts.isExportDeclaration(statement),
    )
    .filter(
      (statement) =>
        !(ts.isExpressionStatement(statement) && /^(?:module\.)?exports\b/.test(statement.getText())),
    )
    .filter((statement) => isOfClient(effects.touchedBy(statement), isolated));
}

/** Modules in the order they are evaluated: dependencies first. */
function importOrder(sources: Sources): ts.SourceFile[] {
  const order: ts.SourceFile[] = [];
  const visit = (path: string, seen: Set<string>): void => {
    if (seen.has(path)) return;
    seen.add(path);
    const file = sources.files.get(path);
    if (!file) return;
    for (const specifier of staticImports(file)) {
      const target = sources.resolver.resolve(path, specifier);
      if (target) visit(target, seen);
    }
    order.push(file);
  };
  visit(sources.entry, new Set());
  return order;
}

/** Specifiers of modules that are evaluated before this one: imports, re-exports, requires at the top level. */
function staticImports(file: ts.SourceFile): string[] {
  return file.statements.flatMap((statement) => {
    const specifier =
      (ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement)) && statement.moduleSpecifier;
    if (specifier && ts.isStringLiteral(specifier)) return [specifier.text];
    if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) return [];
    return descendants(statement, ts.isCallExpression)
      .filter((call) => call.expression.getText() === 'require' && !enclosingFunction(call))
      .flatMap((call) =>
        call.arguments[0] && ts.isStringLiteral(call.arguments[0]) ? [call.arguments[0].text] : [],
      );
  });
}

function judgeAll(
  sources: Sources,
  judge: StateJudge,
  choices: StateChoices,
  isolated: ReadonlyMap<ts.Symbol, StateDeclaration>,
  frame: Frame,
  server: ReadonlySet<ts.Statement>,
  values: CredentialValues,
): StateFinding[] {
  const lasting = lastingDeclarations(sources);
  const found = lasting.flatMap((declaration) => {
    const statement = topLevelStatement(declaration);
    if (declaration.getSourceFile() === frame.file && server.has(statement)) return [];
    if (ts.isVariableDeclaration(declaration) && !ts.isIdentifier(declaration.name))
      return judge.judgePattern(declaration);
    const symbol = symbolOfDeclaration(sources, declaration);
    const judged = judge.judge(declaration);
    const finding =
      symbol && values.isMadeFrom(declaration, symbol) && judged?.decision !== 'isolate'
        ? fromCredential(declaration, symbol, judged)
        : (judged ?? (symbol && isolated.has(symbol) ? captured(declaration, symbol) : undefined));
    return finding ? [finding] : [];
  });
  return [...found, ...judge.judgeUnheld(lasting)].map((finding) => {
    const shared = choices.state === 'share' || choices.share.includes(finding.name);
    const isServerOrCredential = finding.kind === 'captures-server' || finding.kind === 'credential';
    return shared && !isServerOrCredential
      ? { ...finding, decision: 'share' as const, reason: `${finding.reason}; shared on request` }
      : finding;
  });
}

const fromCredential = (
  declaration: StateDeclaration,
  symbol: ts.Symbol,
  judged: StateFinding | undefined,
): StateFinding => ({
  symbol,
  name: symbol.name,
  declaration,
  kind: 'credential',
  writes: judged?.writes ?? [],
  decision: 'isolate',
  reason: 'it is made from a credential, which each caller sends for itself',
});

const captured = (declaration: StateDeclaration, symbol: ts.Symbol): StateFinding => ({
  symbol,
  name: symbol.name,
  declaration,
  kind: 'captures-server',
  writes: [],
  decision: 'isolate',
  reason: 'it holds a server, or is made from something each client has for itself',
});

/** Module-level constants whose initial value is computed from something isolated, or from a credential, are isolated too. */
function addDerived(
  sources: Sources,
  effects: Effects,
  isolated: Map<ts.Symbol, StateDeclaration>,
  frame: Frame,
  server: ReadonlySet<ts.Statement>,
): void {
  for (const declaration of lastingDeclarations(sources)) {
    const symbol = symbolOfDeclaration(sources, declaration);
    const initializer = initializerOf(declaration);
    if (!symbol || isolated.has(symbol) || !initializer) continue;
    if (ts.isArrowFunction(unwrap(initializer)) || ts.isFunctionExpression(unwrap(initializer))) continue;
    if (declaration.getSourceFile() === frame.file && server.has(topLevelStatement(declaration))) continue;
    if (isOfClient(effects.touchedBy(initializer), isolated)) isolated.set(symbol, declaration);
  }
}

/** Locals of the frame that remember something between calls: they are made anew for each client. */
function localState(
  sources: Sources,
  flow: ValueFlow,
  frame: Frame,
  server: ReadonlySet<ts.Statement>,
): ts.Statement[] {
  if (!frame.fn) return [];
  const judge = new StateJudge(sources, flow, new Timing(sources, flow, new Set(server), frame.fn));
  return frame.before.filter((statement) => {
    if (server.has(statement) || !ts.isVariableStatement(statement)) return false;
    return statement.declarationList.declarations.some((declaration) => {
      const finding = ts.isIdentifier(declaration.name) ? judge.judge(declaration) : undefined;
      return finding?.decision === 'isolate';
    });
  });
}

function growFrom(
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
function rootOfServer(sources: Sources, site: ConnectSite): ts.Node {
  if (!site.factory) return site.server ?? site.call;
  return functionOf(sources, site.factory)?.body ?? site.factory;
}
