import { isBuiltin } from 'node:module';
import { type ConnectSite, transportArgument } from '../inspect/connect.js';
import { Effects } from '../inspect/effects.js';
import { callsFrame, leadsToFrame } from '../inspect/frame.js';
import {
  awaits,
  descendants,
  enclosingFunction,
  rootOf,
  type Sources,
  topLevelStatement,
  ts,
} from '../inspect/source.js';
import { assignedIn, intersects, isDeclaration, namesOf } from '../inspect/statement-names.js';
import type { EntryModule } from './entry-module.js';
import { isImport, namesUsedIn } from './imports.js';
import { servingOtherwise } from './other-transports.js';
import { preparesOthers } from './prepares-others.js';
import { isLoading } from './repeated-imports.js';
import {
  declaredNames,
  isConsoleHijack,
  isDirective,
  isExported,
  isExportsAssignment,
  isKeepAlive,
  isReexport,
  needsConnection,
  remainsOf,
  returnsIn,
} from './statement-syntax.js';

/** Which part of the result each statement of the module goes to; lists are in the order of the source. */
export interface Placement {
  readonly directives: readonly ts.Statement[];
  readonly imports: readonly ts.Statement[];
  /** Module level: what all clients share. */
  readonly shared: readonly ts.Statement[];
  /** Module level: repeated for each client. */
  readonly server: readonly ts.Statement[];
  /** Module level: the stdio program, with the function or block that connects. */
  readonly shell: readonly ts.Statement[];
  /** Inside the frame's function (or inside blocks on the way): run once at start. */
  readonly setUp: readonly ts.Statement[];
  /** Inside the frame: repeated for each client. */
  readonly frameServer: readonly ts.Statement[];
  /** Inside the frame: what listens to the connection before it opens, and what needs it to exist. */
  readonly afterConnect: readonly ts.Statement[];
  /** What the factory evaluates to obtain the server. */
  readonly connected: readonly ts.Node[];
  /** The syntax that remains in the stdio program: whole statements, and the frame without what moves out. */
  readonly shellNodes: readonly ts.Node[];
  /** What the statements of the factory and of its set-up declare. */
  readonly ownNames: ReadonlySet<ts.Symbol>;
  /** `const { load } = await import('./load.js')` of the set-up that the stdio program does as well. */
  readonly repeated: readonly ts.Statement[];
  /** Inside the frame: what serves MCP over another transport as well; it stays in the stdio program. */
  readonly servesOtherwise: readonly ts.Statement[];
  /** `return`s among what leaves the frame: they gave up starting the program. */
  readonly givingUp: readonly ts.ReturnStatement[];
}

type Place = 'directive' | 'import' | 'shell' | 'server' | 'shared';

/** Statements of the frame by where they go. */
type FramePlaces = Pick<Placement, 'setUp' | 'frameServer' | 'afterConnect' | 'servesOtherwise' | 'givingUp'>;

/** How the stdio program gets its server where the project has a function that builds it: it stays as it is. */
export interface KeptCall {
  /** What is called. */
  readonly callee: ts.Expression;
  /** `const server = createServer()`, unless the call stands in the connect itself. */
  readonly statements: readonly ts.Statement[];
}

/** Decides where each statement of the module belongs. Changes nothing. */
export function placeStatements(entry: EntryModule, keptCall?: KeptCall): Placement {
  const { sources, file } = entry;
  const kept = keptCall?.statements ?? [];
  const places = new Map(
    file.statements.map((statement) => [
      statement,
      kept.includes(statement) ? 'shell' : placeOf(entry, statement),
    ]),
  );
  keepExportsOf(sources, places);
  const replaced = keptCall ? undefined : replacedNode(entry);
  const transport = keptCall ? undefined : transportIn(entry);
  const connected = keptCall
    ? [keptCall.callee]
    : remainsOf(replaced!, new Set(transport ? [transport] : []));
  const frame = leaveToProgram(entry, placeFrame(entry, kept), connected);
  const shellNodes = () => [...shellNodesOf(places, frame, replaced), ...(transport ? [transport] : [])];
  keepWithShell(entry, places, frame, connected, shellNodes);
  const server = statementsAt(places, 'server');
  const named = namesUsedIn(shellNodes());
  return {
    ...frame,
    repeated: frame.setUp.filter(
      (statement) => isLoading(statement) && declaredNames(statement).some((name) => named.has(name)),
    ),
    directives: statementsAt(places, 'directive'),
    imports: statementsAt(places, 'import'),
    shared: statementsAt(places, 'shared'),
    server,
    shell: statementsAt(places, 'shell'),
    connected,
    shellNodes: shellNodes(),
    ownNames: namesOf(sources, new Set([...server, ...frame.setUp, ...frame.frameServer])),
  };
}

function placeOf({ analysis, sources }: EntryModule, statement: ts.Statement): Place {
  const { server, transport, frame, serverNames } = analysis.lifetimes;
  const holder = topLevelStatement(frame.fn ?? analysis.site.call);
  if (
    statement === holder ||
    transport.has(statement) ||
    callsFrame(sources, statement, frame) ||
    leadsToFrame(sources, statement, frame) ||
    isExportsAssignment(statement) ||
    isConsoleHijack(statement) ||
    isReexport(statement) ||
    exportsAny(sources, serverNames, statement)
  )
    return 'shell';
  if (isDirective(statement)) return 'directive';
  if (isImport(statement)) return 'import';
  return server.has(statement) ? 'server' : 'shared';
}

/** `export { main, … }` of a function that stays with the stdio program stays with it. */
function keepExportsOf(sources: Sources, places: Map<ts.Statement, Place>): void {
  const names = namesOf(sources, new Set(statementsAt(places, 'shell')));
  for (const statement of places.keys())
    if (exportsAny(sources, names, statement)) places.set(statement, 'shell');
}

function exportsAny(sources: Sources, names: ReadonlySet<ts.Symbol>, statement: ts.Statement): boolean {
  if (!ts.isExportAssignment(statement) && !ts.isExportDeclaration(statement)) return false;
  return [...sources.symbolsIn(statement)].some((symbol) => names.has(symbol));
}

/** What the stdio program has something else in the place of: the expression of the server, or the call that connects. */
const replacedNode = ({ analysis: { site } }: EntryModule): ts.Expression =>
  site.factory ?? site.server ?? site.call;

/** The transport in the call that is replaced: it stays. */
const transportIn = ({ analysis: { site }, sources }: EntryModule): ts.Expression | undefined =>
  (site.factory ?? site.server) ? undefined : transportArgument(sources, site);

function placeFrame({ analysis, sources, file }: EntryModule, kept: readonly ts.Statement[]): FramePlaces {
  const { site } = analysis;
  const { server, transport, frame } = analysis.lifetimes;
  const setUp: ts.Statement[] = [];
  const frameServer: ts.Statement[] = [];
  const afterConnect: ts.Statement[] = [];
  const otherwise = servingOtherwise(
    sources,
    frame.after.filter((statement) => !server.has(statement)),
  );
  const givingUp: ts.ReturnStatement[] = [];
  const isTop = new Set<ts.Statement>(file.statements);
  const place = (statement: ts.Statement, after: boolean): void => {
    const listens = listensToMessages(site, statement);
    if (listens) afterConnect.push(statement);
    if (
      listens ||
      isTop.has(statement) ||
      kept.includes(statement) ||
      transport.has(statement) ||
      isKeepAlive(statement) ||
      isConsoleHijack(statement) ||
      (after && ts.isReturnStatement(statement))
    )
      return;
    if (otherwise.has(statement)) return;
    givingUp.push(...returnsIn(statement));
    if (!server.has(statement)) setUp.push(statement);
    else if (after && needsConnection(sources, statement)) afterConnect.push(statement);
    else frameServer.push(statement);
  };
  for (const statement of frame.before) place(statement, false);
  for (const statement of frame.after) place(statement, true);
  return { setUp, frameServer, afterConnect, servesOtherwise: [...otherwise], givingUp };
}

/**
 * `transport.onmessage = (message) => …` in front of `server.connect(transport)`: every client's messages are listened to
 * where it is connected.
 */
export function listensToMessages({ call, server }: ConnectSite, statement: ts.Statement): boolean {
  const [transport] = call.arguments;
  if (!server || statement.pos > call.pos || !transport || !ts.isIdentifier(transport)) return false;
  const assignment = ts.isExpressionStatement(statement) ? statement.expression : undefined;
  return (
    assignment !== undefined &&
    ts.isBinaryExpression(assignment) &&
    assignment.operatorToken.kind === ts.SyntaxKind.EqualsToken &&
    assignment.left.getText() === `${transport.text}.onmessage`
  );
}

/** Leaves in the stdio program what only it reads, and what only that reads in turn. */
function leaveToProgram(entry: EntryModule, placed: FramePlaces, connected: readonly ts.Node[]): FramePlaces {
  const { setUp, frameServer } = placed;
  const left = [...setUp, ...frameServer].find((one) => isOfProgram(entry, placed, connected, one));
  if (!left) return placed;
  const without = (statements: readonly ts.Statement[]) => statements.filter((one) => one !== left);
  return leaveToProgram(
    entry,
    { ...placed, setUp: without(setUp), frameServer: without(frameServer) },
    connected,
  );
}

/**
 * A value like `const started = Date.now()`, or a function, that nothing which moves out of the frame reads, and nothing
 * happens for.
 */
function isOfProgram(
  { sources }: EntryModule,
  frame: FramePlaces,
  connected: readonly ts.Node[],
  statement: ts.Statement,
): boolean {
  if (!ts.isVariableStatement(statement) && !ts.isFunctionDeclaration(statement)) return false;
  if (isLoading(statement)) {
    const named = namesUsedIn([...movedOf(frame), ...connected].filter((other) => other !== statement));
    return !declaredNames(statement).some((name) => named.has(name));
  }
  const runs = [
    ...descendants(statement, ts.isCallExpression),
    ...descendants(statement, ts.isNewExpression),
  ].some(
    (made) =>
      enclosingFunction(made) === enclosingFunction(statement) &&
      sources.symbolOf(rootOf(made.expression)) !== undefined,
  );
  if (runs || (!ts.isFunctionDeclaration(statement) && awaits(statement))) return false;
  const names = namesOf(sources, new Set([statement]));
  return ![...movedOf(frame), ...connected].some(
    (other) => other !== statement && [...sources.symbolsIn(other)].some((symbol) => names.has(symbol)),
  );
}

/** Declarations that only the stdio program uses stay with it. */
function keepWithShell(
  entry: EntryModule,
  places: Map<ts.Statement, Place>,
  frame: FramePlaces,
  connected: readonly ts.Node[],
  shellNodes: () => readonly ts.Node[],
): void {
  const { sources } = entry;
  const effects = new Effects(sources, new Set());
  for (let grew = true; grew; ) {
    grew = false;
    const shell = namesUsedIn(shellNodes());
    const others = (own: ReadonlySet<ts.Node>) =>
      namesUsedIn(
        [
          ...statementsAt(places, 'shared'),
          ...statementsAt(places, 'server'),
          ...movedOf(frame),
          ...connected,
        ].filter((node) => !own.has(node)),
      );
    for (const [statement, place] of places) {
      if ((place !== 'shared' && place !== 'server') || isExported(statement)) continue;
      if (
        !ts.isFunctionDeclaration(statement) &&
        !ts.isClassDeclaration(statement) &&
        !(
          ts.isVariableStatement(statement) &&
          place === 'shared' &&
          !preparesOthers(sources, effects, statement)
        )
      )
        continue;
      const group = withItsAssignments(entry, statementsAt(places, 'shared'), statement);
      const names = [...group].flatMap(declaredNames);
      if (names.length === 0 || !names.some((name) => shell.has(name))) continue;
      const used = others(group);
      const isTaken = (one: ts.Statement): boolean => isExported(one) || isUsedElsewhere(entry, one);
      if (names.some((name) => used.has(name)) || [...group].some(isTaken)) continue;
      for (const one of group) places.set(one, 'shell');
      grew = true;
    }
  }
}

/** A declaration with the statements that only give its variables a value, and what else these declare: `try { own = … }`. */
function withItsAssignments(
  { sources }: EntryModule,
  shared: readonly ts.Statement[],
  declaration: ts.Statement,
): ReadonlySet<ts.Statement> {
  const group = new Set([declaration]);
  for (const one of group) {
    const names = namesOf(sources, new Set([one]));
    if (names.size === 0)
      for (const symbol of assignedIn(sources, one)) {
        const declared = shared.find((other) => namesOf(sources, new Set([other])).has(symbol));
        if (declared) group.add(declared);
      }
    for (const other of shared)
      if (onlyAssigns(sources, other) && intersects(assignedIn(sources, other), names)) group.add(other);
  }
  return group;
}

/** `try { own = fileURLToPath(…); } catch {}`: all that a statement does for others is to assign. */
function onlyAssigns(sources: Sources, statement: ts.Statement): boolean {
  if (isDeclaration(statement) || ts.isVariableStatement(statement) || awaits(statement)) return false;
  const assigns = ({ expression }: ts.ExpressionStatement): boolean =>
    ts.isBinaryExpression(expression) && ts.isIdentifier(expression.left);
  const isOfNode = ({ expression }: ts.CallExpression | ts.NewExpression): boolean => {
    const root = rootOf(expression);
    return sources.symbolOf(root) === undefined || isBuiltin(sources.externalOf(root)?.module ?? '');
  };
  return (
    descendants(statement, ts.isExpressionStatement).every(assigns) &&
    [...descendants(statement, ts.isCallExpression), ...descendants(statement, ts.isNewExpression)].every(
      isOfNode,
    )
  );
}

function isUsedElsewhere({ analysis, sources, file }: EntryModule, statement: ts.Statement): boolean {
  return [...namesOf(sources, new Set([statement]))].some(
    (symbol) =>
      sources.referencesTo(symbol).some((reference) => reference.getSourceFile() !== file) ||
      analysis.lifetimes.isolated.has(symbol),
  );
}

const statementsAt = (places: ReadonlyMap<ts.Statement, Place>, place: Place): ts.Statement[] =>
  [...places].filter(([, one]) => one === place).map(([statement]) => statement);

const movedOf = ({ setUp, frameServer, afterConnect }: FramePlaces): ts.Statement[] => [
  ...setUp,
  ...frameServer,
  ...afterConnect,
];

function shellNodesOf(
  places: ReadonlyMap<ts.Statement, Place>,
  frame: FramePlaces,
  replaced: ts.Expression | undefined,
): ts.Node[] {
  const taken = new Set<ts.Node>([...movedOf(frame), ...(replaced ? [replaced] : [])]);
  return statementsAt(places, 'shell').flatMap((statement) => remainsOf(statement, taken));
}
