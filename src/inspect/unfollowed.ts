import type { CredentialValues } from './credential-values.js';
import { type CredentialReads, variableOf } from './credentials.js';
import type { Effects } from './effects.js';
import { callsFrame, type Frame } from './frame.js';
import { initializerOf, type StateDeclaration } from './lasting.js';
import { awaits, descendants, isAssigned, isInside, rootOf, type Sources, ts, unwrap } from './source.js';
import type { Timing } from './timing.js';

/** A use of a credential that cannot be made each caller's own. */
export interface Unfollowed {
  readonly code: 'credential-not-followed' | 'credential-only-checked' | 'credential-unknown';
  readonly node?: ts.Node;
  readonly name?: string;
}

interface Places {
  readonly frame: Frame;
  readonly isolated: ReadonlyMap<ts.Symbol, StateDeclaration>;
  readonly perClient: ReadonlySet<ts.Statement>;
  readonly transport: ReadonlySet<ts.Statement>;
  readonly timing: Timing;
}

/** Finds what would keep or use one caller's credential, or the environment's, for everybody. */
export function findUnfollowed(
  sources: Sources,
  credentials: CredentialReads,
  effects: Effects,
  values: CredentialValues,
  places: Places,
): Unfollowed[] {
  const notFollowed = (nodes: readonly ts.Node[]): Unfollowed[] =>
    nodes.map((node) => ({ code: 'credential-not-followed', node }));
  return [
    ...notFollowed(evaluatedOnce(sources, effects, places)),
    ...notFollowed(awaitedOnce(places, values)),
    ...notFollowed(givenToPackages(sources, values)),
    ...notFollowed(credentials.writes.filter((write) => places.timing.isPerClient(write))),
    ...onlyChecked(sources, credentials),
    ...unknown(credentials),
  ];
}

/** Code of a module that uses a credential and neither moves into the factory nor becomes each session's own. */
function evaluatedOnce(sources: Sources, effects: Effects, places: Places): ts.Node[] {
  const { frame, isolated, perClient, transport } = places;
  const uses = (node: ts.Node): boolean => effects.touchedBy(node).has('credential');
  return [...sources.files.values()].flatMap((file) =>
    file.statements.flatMap((statement): ts.Node[] => {
      if (perClient.has(statement) || transport.has(statement)) return [];
      if (ts.isFunctionDeclaration(statement) || ts.isExportDeclaration(statement)) return [];
      if (file === frame.file && callsFrame(sources, statement, frame)) return [];
      if (frame.fn === undefined && isInside(frame.path, statement)) return [];
      if (ts.isClassDeclaration(statement))
        return statement.members.filter(
          (member) => ts.isClassStaticBlockDeclaration(member) && uses(member.body),
        );
      if (!ts.isVariableStatement(statement)) return uses(statement) ? [statement] : [];
      return statement.declarationList.declarations.filter((declaration) => {
        const value = declaration.initializer && unwrap(declaration.initializer);
        if (!value || ts.isArrowFunction(value) || ts.isFunctionExpression(value) || !uses(value))
          return false;
        const symbol = sources.checker.getSymbolAtLocation(declaration.name);
        return !symbol || !isolated.has(symbol);
      });
    }),
  );
}

/** `const client = await connect(token)`: what is awaited while a module loads is there once. */
function awaitedOnce({ isolated }: Places, values: CredentialValues): ts.Node[] {
  return [...isolated.values()].filter((declaration) => {
    const initializer = initializerOf(declaration);
    return initializer !== undefined && awaits(initializer) && values.carries(initializer);
  });
}

/** Methods of a package that remember what they are given for everybody. */
const REMEMBERS = /^(?:set|config|init|auth|login|register|use|defaults)/i;

/** `axios.defaults.headers.common.Authorization = token`, `mail.setApiKey(token)`: a package has one for all. */
function givenToPackages(sources: Sources, values: CredentialValues): ts.Node[] {
  const isShared = (expression: ts.Expression): boolean => {
    const root = rootOf(expression);
    if (!ts.isIdentifier(root)) return false;
    return sources.externalOf(root) !== undefined || /^(?:globalThis|global)$/.test(root.text);
  };
  return [...sources.files.values()].flatMap((file) => [
    ...descendants(file, ts.isBinaryExpression).filter(
      ({ left, right }) =>
        isAssigned(left) &&
        (ts.isPropertyAccessExpression(left) || ts.isElementAccessExpression(left)) &&
        isShared(left) &&
        values.carries(right),
    ),
    ...descendants(file, ts.isExpressionStatement).filter(({ expression }) => {
      const call = unwrap(expression);
      if (!ts.isCallExpression(call) || !isShared(call.expression)) return false;
      const callee = call.expression;
      const name = ts.isPropertyAccessExpression(callee) ? callee.name.text : callee.getText();
      return REMEMBERS.test(name) && call.arguments.some((argument) => values.carries(argument));
    }),
  ]);
}

/** Variables that are looked for and never used: a package reads them by itself, from the environment of the process. */
function onlyChecked(sources: Sources, credentials: CredentialReads): Unfollowed[] {
  if (credentials.reads.some(({ name }) => name === undefined)) return [];
  return [...credentials.names].flatMap((name): Unfollowed[] => {
    const reads: ts.Node[] = credentials.reads.filter((read) => read.name === name).map(({ node }) => node);
    for (const [symbol, element] of credentials.destructured)
      if (variableOf(element) === name) reads.push(...sources.referencesTo(symbol));
    const isUsed = reads.length === 0 || reads.some((read) => usesValue(sources, read));
    return isUsed ? [] : [{ code: 'credential-only-checked', node: reads[0]!, name }];
  });
}

function usesValue(sources: Sources, read: ts.Node): boolean {
  const parent = read.parent;
  if (ts.isVariableDeclaration(parent) && parent.initializer === read && ts.isIdentifier(parent.name)) {
    const symbol = sources.checker.getSymbolAtLocation(parent.name);
    return symbol === undefined || sources.referencesTo(symbol).some((use) => !isChecked(use));
  }
  return !isChecked(read);
}

/** Is it only asked whether there is a value? */
function isChecked(node: ts.Node): boolean {
  const parent = node.parent;
  if (ts.isPrefixUnaryExpression(parent) || ts.isTypeOfExpression(parent)) return true;
  if (ts.isIfStatement(parent)) return parent.expression === node;
  if (ts.isConditionalExpression(parent)) return parent.condition === node;
  if (!ts.isBinaryExpression(parent)) return false;
  const kind = parent.operatorToken.kind;
  const compares =
    kind === ts.SyntaxKind.EqualsEqualsToken ||
    kind === ts.SyntaxKind.EqualsEqualsEqualsToken ||
    kind === ts.SyntaxKind.ExclamationEqualsToken ||
    kind === ts.SyntaxKind.ExclamationEqualsEqualsToken;
  if (compares) return true;
  const joins = kind === ts.SyntaxKind.AmpersandAmpersandToken || kind === ts.SyntaxKind.BarBarToken;
  return joins && isChecked(parent);
}

/** Variables that nothing in the sources reads. */
function unknown(credentials: CredentialReads): Unfollowed[] {
  if (credentials.reads.some(({ name }) => name === undefined)) return [];
  const read = new Set<string | undefined>([
    ...credentials.reads.map(({ name }) => name),
    ...[...credentials.destructured.values()].map(variableOf),
  ]);
  return [...credentials.names]
    .filter((name) => !read.has(name))
    .map((name) => ({ code: 'credential-unknown', name }));
}
