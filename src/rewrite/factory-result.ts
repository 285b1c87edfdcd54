import { transportArgument } from '../inspect/connect.js';
import { isAsync, ts } from '../inspect/source.js';
import { namesOf } from '../inspect/statement-names.js';
import type { EntryModule } from './entry-module.js';
import { localName } from './generated-names.js';
import { listensToMessages, type Placement } from './place-statements.js';
import { transportParameter } from './runners.js';
import { sdkName } from './sdk-names.js';
import { declaredNames, isExported, returnsIn } from './statement-syntax.js';
import { movedText } from './statement-text.js';
import { stdioTransport } from './stdio-transport.js';

/** What the factory gives back. */
export interface FactoryResult {
  /**
   * `server`: the server itself, or with what the stdio program needs beside it: `{ server, … }`;
   * `connect`: an object that connects a server in its own way.
   */
  readonly gives: 'server' | 'connect';
  /** The variable that holds what is connected, when it is a plain variable. */
  readonly connectedName: string | undefined;
  /** Names of one server's scope that the stdio program goes on using. */
  readonly needed: readonly string[];
  /** Names of the set-up's scope that the stdio program goes on using. */
  readonly prepared: readonly string[];
}

/** What the stdio program needs of the factory and of its set-up. */
export function resultOf(entry: EntryModule, placement: Placement): FactoryResult {
  const { factory, server, runners } = entry.analysis.site;
  const connectedName =
    server && ts.isIdentifier(server) && !isScoped(entry, server) ? server.text : undefined;
  const mustConnect =
    !factory && (runners.length > 0 || server === undefined || placement.afterConnect.length > 0);
  const { setUp, repeated } = placement;
  const preparedNames = namesOf(
    entry.sources,
    new Set(setUp.filter((statement) => !repeated.includes(statement))),
  );
  const used = new Set<string>();
  const prepared = new Set<string>();
  for (const node of placement.shellNodes)
    for (const symbol of entry.sources.symbolsIn(node)) {
      if (preparedNames.has(symbol)) prepared.add(symbol.name);
      else if (placement.ownNames.has(symbol)) used.add(symbol.name);
    }
  for (const statement of placement.server)
    if (isExported(statement)) for (const name of declaredNames(statement)) used.add(name);
  const onlyConnected = used.size === 1 && connectedName !== undefined && used.has(connectedName);
  const needed = onlyConnected && !mustConnect ? [] : [...used];
  return {
    gives:
      mustConnect || (!factory && needed.length > 0 && connectedName === undefined) ? 'connect' : 'server',
    connectedName,
    needed:
      factory || needed.length === 0 || !connectedName || mustConnect
        ? needed
        : [connectedName, ...needed.filter((name) => name !== connectedName)],
    prepared: [...prepared],
  };
}

/** Is the variable one that was made session-scoped? */
export function isScoped({ analysis, sources }: EntryModule, identifier: ts.Identifier): boolean {
  const symbol = sources.symbolOf(identifier);
  return symbol !== undefined && analysis.lifetimes.isolated.has(symbol);
}

/** The `return` of the factory. */
export function returnText(
  entry: EntryModule,
  placement: Placement,
  { gives, needed }: FactoryResult,
  level: number,
): string {
  const pad = entry.unit.repeat(level);
  if (gives === 'server') {
    const text = needed.length > 0 ? `{ ${needed.join(', ')} }` : serverText(entry);
    return `${pad}return ${text}${entry.semicolon}`;
  }
  const short = connectFunction(entry, placement, level);
  if (!short.includes('\n'))
    return `${pad}return { ${[`connect: ${short}`, ...needed].join(', ')} }${entry.semicolon}`;
  const inner = pad + entry.unit;
  const lines = [`connect: ${connectFunction(entry, placement, level + 1)}`, ...needed];
  return `${pad}return {\n${lines.map((line) => `${inner}${line},\n`).join('')}${pad}}${entry.semicolon}`;
}

function serverText({ analysis, edits }: EntryModule): string {
  const { server } = analysis.site;
  return edits.slice(server!.getStart(), server!.end);
}

/** `(transport: Transport) => app.run(transport)`, or the connect itself with what follows it. */
function connectFunction(entry: EntryModule, { afterConnect }: Placement, level: number): string {
  const { analysis, file, unit, semicolon } = entry;
  const { server, runners, isAmbient } = analysis.site;
  // Without one the project's own function makes it, where nobody else can.
  const mark = server || stdioTransport(entry).argument !== '' ? '' : '?';
  const type = sdkName('Transport', file, analysis.sdkLine).local;
  const listens = afterConnect.some((statement) => listensToMessages(analysis.site, statement));
  const name = listens ? analysis.site.call.arguments[0]!.getText() : 'transport';
  const parameter = entry.isTypeScript ? `${name}${mark}: ${type}` : name;
  if (afterConnect.length > 0 && server) {
    const pad = unit.repeat(level + 1);
    const textOf = (statement: ts.Statement) => movedText(entry, statement, level + 1);
    const lines = [
      ...afterConnect.filter((statement) => listensToMessages(analysis.site, statement)).map(textOf),
      `${pad}await ${serverText(entry)}.connect(${name})${semicolon}`,
      ...afterConnect.filter((statement) => !listensToMessages(analysis.site, statement)).map(textOf),
    ];
    return `async (${parameter}) => {\n${lines.join('\n')}\n${unit.repeat(level)}}`;
  }
  if (runners.length === 0 && server) return `(${parameter}) => ${serverText(entry)}.connect(transport)`;
  const runner = runners[0]?.fn;
  const connect = connectingCall(entry);
  if (isAmbient) return `(${parameter}) => ${localName(file, 'withTransport')}(transport, () => ${connect})`;
  if (runner && isAsync(runner) && returnsNothing(runner)) return `(${parameter}) => ${connect}`;
  if (isValueUsed(analysis.site.call)) return `async (${parameter}) => ${connect}`;
  // A runner may return something of its own, which nobody here is interested in.
  return `async (${parameter}) => {\n${unit.repeat(level + 1)}await ${connect}${semicolon}\n${unit.repeat(level)}}`;
}

/** Does the stdio program go on with what the call that connects gives: `const app = await run()`? */
function isValueUsed(call: ts.Expression): boolean {
  let at: ts.Node = call;
  while (ts.isAwaitExpression(at.parent) || ts.isParenthesizedExpression(at.parent)) at = at.parent;
  return ts.isVariableDeclaration(at.parent) || ts.isReturnStatement(at.parent) || isAssignedValue(at);
}

const isAssignedValue = ({ parent }: ts.Node): boolean =>
  ts.isBinaryExpression(parent) && parent.operatorToken.kind === ts.SyntaxKind.EqualsToken;

const returnsNothing = ({ body }: ts.FunctionLikeDeclaration): boolean =>
  body !== undefined && ts.isBlock(body) && returnsIn(body).every(({ expression }) => !expression);

/** The call that connects, with the transport in the place of its own, or added for a runner. */
function connectingCall({ analysis, sources, edits }: EntryModule): string {
  const { call, runners } = analysis.site;
  const { isAmbient } = analysis.site;
  const own = transportArgument(sources, analysis.site);
  const given = call.arguments.map((argument) =>
    argument === own ? 'transport' : edits.slice(argument.getStart(), argument.end),
  );
  if (!own && !isAmbient) {
    const place = runners[0] ? transportParameter(runners[0].fn) : given.length;
    while (given.length < place) given.push('undefined');
    given.push('transport');
  }
  return `${edits.slice(call.getStart(), call.arguments.pos)}${given.join(', ')})`;
}
