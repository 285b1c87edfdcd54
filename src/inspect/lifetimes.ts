import type { ConnectSite } from './connect.js';
import { CredentialValues } from './credential-values.js';
import type { CredentialReads } from './credentials.js';
import { Effects } from './effects.js';
import { type Frame, frameOf, localStatements } from './frame.js';
import { keptByServer } from './kept-by-server.js';
import {
  initializerOf,
  isSeparable,
  lastingDeclarations,
  nestedDeclarations,
  patternNames,
  type StateDeclaration,
  symbolOfDeclaration,
} from './lasting.js';
import { effectsAtTop, importOrder, isOfClient, statementsElsewhere } from './module-effects.js';
import { isOnlyOfStdio } from './only-of-stdio.js';
import { OtherBranches } from './other-branches.js';
import { type TakenPort, takenPorts } from './ports.js';
import { growFrom, rootOfServer, serverSeeds, serverStatements, usedElsewhere } from './server-statements.js';
import { endingOf } from './signal-handlers.js';
import {
  awaits,
  enclosingFunction,
  isInside,
  type Sources,
  topLevelStatement,
  ts,
  unwrap,
} from './source.js';
import { type StateFinding, StateJudge } from './state.js';
import { namesOf } from './statement-names.js';
import { takenAtStart } from './taken-at-start.js';
import { isTimer, Timing } from './timing.js';
import { transportStatements } from './transport-statements.js';
import { findUnfollowed, type Unfollowed } from './unfollowed.js';
import { ValueFlow } from './value-flow.js';

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
  /** Variables that have to be made for each client where the program makes them: later they would be others. */
  readonly taken: readonly ts.VariableDeclaration[];
  readonly findings: readonly StateFinding[];
  /** Bindings that become session-scoped. */
  readonly isolated: ReadonlyMap<ts.Symbol, StateDeclaration>;
  /** Top-level statements that register on the server in modules loaded by `import()`: they run once only. */
  readonly loadedLater: readonly ts.Statement[];
  /** What each server remembers in variables and objects of its own. */
  readonly kept: readonly StateFinding[];
  /** Ports that each server would open for itself. */
  readonly takenPorts: readonly TakenPort[];
  /** Signal handlers that release something and stay in the stdio program, because they use its transport. */
  readonly cleanUpsLeft: readonly ts.Statement[];
  /** Uses of a credential that cannot be made each caller's own. */
  readonly unfollowed: readonly Unfollowed[];
}

export interface StateChoices {
  readonly state: 'isolate' | 'share';
  readonly share: readonly string[];
}

/**
 * Sorts statements and state by lifetime, repeating until nothing more turns out to be a client's.
 *
 * @param moved what is made for each client where its server is, with all that uses it
 */
export function findLifetimes(
  sources: Sources,
  site: ConnectSite,
  choices: StateChoices,
  credentials: CredentialReads,
  moved: readonly ts.Symbol[] = [],
): Lifetimes {
  const frame = frameOf(sources, site);
  const effects = new Effects(sources, credentials.roots);
  const flow = ValueFlow.of(sources);
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
  const inPlace = site.factory ? stateInPlace(sources, flow, frame, site.factory, choices) : [];
  for (const { symbol, declaration } of inPlace) isolated.set(symbol!, declaration as StateDeclaration);
  let findings: readonly StateFinding[] = [];
  // What is made from a credential becomes each session's own where it stands; only what needs the server moves.
  const blind = new Effects(sources, new Set());
  const perClientSeeds = new Set([...seeds, ...moved]);
  let server = serverStatements(sources, blind, local, transport, perClientSeeds, isolated);
  const values = new CredentialValues(sources, effects);
  if (credentials.names.size > 0) addDerived(sources, effects, isolated, frame, server);
  let elsewhere: ts.Statement[] = [];
  const aside = new OtherBranches(sources, site);
  // What is connected is made anew for each client, wherever the expression stands.
  const connected = site.factory ?? site.server ?? site.call;
  const perClient = () => new Set<ts.Node>([...server, ...elsewhere, connected]);
  for (let round = 0; ; round++) {
    server = serverStatements(sources, effects, local, transport, perClientSeeds, isolated);
    elsewhere = statementsElsewhere(sources, effects, frame, isolated);
    const timing = new Timing(sources, flow, perClient(), frame.fn);
    const judge = new StateJudge(sources, flow, timing);
    // What a branch beside the connect keeps, nobody comes to.
    findings = judgeAll(sources, judge, choices, isolated, frame, server, values).filter(
      ({ stuck, declaration }) => !stuck || !aside.holds(declaration),
    );
    const before = isolated.size;
    for (const finding of findings)
      if (finding.decision === 'isolate' && !finding.stuck && !finding.separated && finding.symbol)
        isolated.set(finding.symbol, finding.declaration as StateDeclaration);
    addDerived(sources, effects, isolated, frame, server);
    if (isolated.size === before || round > 8) break;
  }
  const awaited = findings
    .filter((one) => isAwaitedBeside(sources, one, frame))
    .flatMap(({ symbol }) => (symbol && !moved.includes(symbol) ? [symbol] : []));
  if (awaited.length > 0) return findLifetimes(sources, site, choices, credentials, [...moved, ...awaited]);
  const remembering = localState(sources, flow, frame, server, choices, isolated);
  for (const statement of remembering.filter(
    (one) => !isOnlyOfStdio(sources, site, { frame, server, transport }, one),
  ))
    growFrom(sources, statement, local, transport, server);
  const inOrder = new Set(importOrder(sources));
  const servers = new Map([...isolated].filter(([symbol]) => seeds.has(symbol)));
  const loadedLater = effectsAtTop(
    sources,
    blind,
    [...sources.files.values()].filter((file) => !inOrder.has(file)),
    servers,
  );
  const roots = [...server, rootOfServer(sources, site)];
  // What the service closes by itself: `const handle = serveStdio(…)` is the connection.
  const closed = new Set([...seeds, ...handleOf(sources, site)]);
  return {
    frame,
    server,
    transport,
    serverNames: namesOf(sources, server),
    elsewhere,
    taken: takenAtStart(sources, effects, findings, isolated),
    findings: [...findings, ...inPlace],
    isolated,
    kept: keptByServer(sources, flow, effects, roots, frame.fn),
    loadedLater,
    takenPorts: takenPorts(sources, [...roots, ...elsewhere]),
    cleanUpsLeft: [...transport].filter((statement) => endingOf(sources, statement, closed)?.cleansUp),
    unfollowed:
      credentials.names.size === 0
        ? []
        : findUnfollowed(sources, credentials, effects, values, {
            frame,
            isolated,
            perClient: new Set<ts.Statement>([...server, ...elsewhere]),
            transport,
            timing: new Timing(sources, flow, perClient(), frame.fn),
          }),
  };
}

/** Judges every binding whose value outlives a call, and what none of them holds. */
export function judgeAll(
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
    const parts = patternNames(declaration);
    if (parts.length > 0) {
      const judged = judge.judgePattern(declaration);
      const derived = parts
        .map((part) => sources.checker.getSymbolAtLocation(part.name))
        .filter((part) => part !== undefined && isolated.has(part))
        .filter((part) => !judged.some((finding) => finding.symbol === part))
        .map((part) => ({ ...captured(declaration, part!), stuck: !isSeparable(declaration) }));
      return [...judged, ...derived];
    }
    const symbol = symbolOfDeclaration(sources, declaration);
    const judged = judge.judge(declaration);
    const finding =
      symbol && values.isMadeFrom(declaration, symbol) && judged?.decision !== 'isolate'
        ? fromCredential(declaration, symbol, judged)
        : (judged ?? (symbol && isolated.has(symbol) ? captured(declaration, symbol) : undefined));
    return finding ? [finding] : [];
  });
  const nested = nestedDeclarations(sources).filter((declaration) => !isInAny(declaration, server));
  const fixed = nested.flatMap((declaration) => {
    if (frame.before.includes(declaration.parent.parent as ts.Statement)) return [];
    const finding = judge.judge(declaration);
    return finding ? [{ ...finding, stuck: true }] : [];
  });
  return [...found, ...fixed, ...judge.judgeUnheld([...lasting, ...nested])].map(asRequested(choices));
}

/** Shares what the user has accepted to share; never a server or a credential. */
export const asRequested =
  (choices: StateChoices) =>
  (finding: StateFinding): StateFinding => {
    const shared = choices.state === 'share' || choices.share.includes(finding.name);
    const isServerOrCredential = finding.kind === 'captures-server' || finding.kind === 'credential';
    return shared && !isServerOrCredential
      ? { ...finding, decision: 'share', reason: `${finding.reason}; shared on request` }
      : finding;
  };

function isInAny(node: ts.Node, statements: ReadonlySet<ts.Node>): boolean {
  for (let at = node; at; at = at.parent) if (statements.has(at)) return true;
  return false;
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

/** A timer that is made on first use would never run for a client. */
function holdsTimer(declaration: StateDeclaration): boolean {
  const initializer = initializerOf(declaration);
  const made = initializer && unwrap(initializer);
  return made !== undefined && ts.isCallExpression(made) && isTimer(made);
}

const captured = (declaration: StateDeclaration, symbol: ts.Symbol): StateFinding => ({
  symbol,
  name: symbol.name,
  declaration,
  kind: 'captures-server',
  writes: [],
  decision: 'isolate',
  ...(holdsTimer(declaration) ? { stuck: true } : {}),
  reason: 'it holds a server, or is made from something each client has for itself',
});

/** Module-level constants whose initial value is computed from something isolated, or from a credential, are isolated too. */
export function addDerived(
  sources: Sources,
  effects: Effects,
  isolated: Map<ts.Symbol, StateDeclaration>,
  frame: Frame,
  server: ReadonlySet<ts.Statement>,
): void {
  for (const declaration of lastingDeclarations(sources)) {
    const initializer = initializerOf(declaration);
    const names = patternNames(declaration).map(({ name }) => sources.checker.getSymbolAtLocation(name));
    const symbols = [symbolOfDeclaration(sources, declaration), ...names].filter(
      (symbol) => symbol !== undefined,
    );
    if (!initializer || symbols.every((symbol) => isolated.has(symbol))) continue;
    if (ts.isArrowFunction(unwrap(initializer)) || ts.isFunctionExpression(unwrap(initializer))) continue;
    if (declaration.getSourceFile() === frame.file && server.has(topLevelStatement(declaration))) continue;
    if (isOfClient(effects.touchedBy(initializer), isolated))
      for (const symbol of symbols) isolated.set(symbol, declaration);
  }
}

/** The variable of what `serveStdio` returns. */
function handleOf(sources: Sources, { call, transport }: ConnectSite): ts.Symbol[] {
  const isServed = transport === call && ts.isVariableDeclaration(call.parent);
  const symbol = isServed ? symbolOfDeclaration(sources, call.parent) : undefined;
  return symbol ? [symbol] : [];
}

/** An awaited value that is changed in place would be one object for all: no session could make it for itself. */
export const isAwaitedState = ({ declaration, kind, decision }: StateFinding): boolean =>
  decision === 'isolate' &&
  kind !== 'reassigned' &&
  ts.isVariableDeclaration(declaration) &&
  declaration.initializer !== undefined &&
  awaits(declaration.initializer);

/** Such a value at the top level of the module that connects, which alone uses it: it can be made where a server is. */
const isAwaitedBeside = (sources: Sources, finding: StateFinding, frame: Frame): boolean =>
  isAwaitedState(finding) &&
  finding.kind !== 'credential' &&
  !finding.stuck &&
  !finding.separated &&
  frame.file.statements.includes(topLevelStatement(finding.declaration)) &&
  !enclosingFunction(finding.declaration) &&
  finding.symbol !== undefined &&
  !(ts.getCombinedModifierFlags(finding.declaration as ts.VariableDeclaration) & ts.ModifierFlags.Export) &&
  !usedElsewhere(sources, finding.symbol, frame.file);

/** Locals of the frame that remember something between calls: they are made anew for each client. */
function localState(
  sources: Sources,
  flow: ValueFlow,
  frame: Frame,
  server: ReadonlySet<ts.Statement>,
  choices: StateChoices,
  isolated: ReadonlyMap<ts.Symbol, StateDeclaration>,
): ts.Statement[] {
  const judge = new StateJudge(sources, flow, new Timing(sources, flow, new Set(server), frame.fn));
  return frame.before.filter(
    (statement) =>
      !server.has(statement) &&
      remembered(judge, statement, choices).some(({ symbol }) => !symbol || !isolated.has(symbol)),
  );
}

/**
 * Such locals that other code of the frame uses beside the function given to `serveStdio`: they stay where they are, and
 * become each client's own there.
 */
function stateInPlace(
  sources: Sources,
  flow: ValueFlow,
  frame: Frame,
  factory: ts.Expression,
  choices: StateChoices,
): StateFinding[] {
  const judge = new StateJudge(sources, flow, new Timing(sources, flow, new Set([factory]), frame.fn));
  return frame.before
    .flatMap((statement) => remembered(judge, statement, choices))
    .filter(
      ({ symbol, declaration }) =>
        judge.isForClientsOnly(declaration as ts.VariableDeclaration) &&
        symbol !== undefined &&
        sources.referencesTo(symbol).some((use) => !isInside(use, factory)),
    );
}

function remembered(judge: StateJudge, statement: ts.Statement, choices: StateChoices): StateFinding[] {
  // Those of the module itself are judged with the lasting ones.
  if (!ts.isVariableStatement(statement) || ts.isSourceFile(statement.parent)) return [];
  return statement.declarationList.declarations
    .flatMap((declaration) => (ts.isIdentifier(declaration.name) ? (judge.judge(declaration) ?? []) : []))
    .map(asRequested(choices))
    .filter(({ decision }) => decision === 'isolate');
}
