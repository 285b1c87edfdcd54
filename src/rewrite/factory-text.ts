import { awaits, ts } from '../inspect/source.js';
import { type FileEdits, reindent } from './edits.js';
import { type EntryModule, freeName } from './entry-module.js';
import type { Placement } from './place-statements.js';
import { transportParameter } from './runners.js';
import { declaredNames, isExitingCheck, isExported, returnsIn } from './statement-syntax.js';
import { blockText, depthOf, movedText } from './statement-text.js';

/** The function that builds one server for each client, as text, and how it is called. */
export interface Factory {
  /** `server-factory`: prepares what all share and returns the function that builds the server. */
  readonly kind: 'server' | 'server-factory';
  readonly name: string;
  readonly text: string;
  /** Does building one server await? */
  readonly isAsync: boolean;
  /** Does the set-up await? */
  readonly awaitsSetUp: boolean;
  readonly result: FactoryResult;
}

/** What the factory gives back. */
interface FactoryResult {
  /** `{ connect, … }` instead of the server. */
  readonly isObject: boolean;
  /** The variable that holds what is connected, when it is a plain variable. */
  readonly connectedName: string | undefined;
  /** Names of the factory's or set-up's scope that the stdio program goes on using. */
  readonly needed: readonly string[];
}

const SERVER_DOC = '/** Builds one server; every client has its own. */';
const SET_UP_DOC =
  '/** Prepares what all clients share, once, and returns the function that builds one server for each client. */';

/** The factory for the statements that were placed in it. */
export function factoryText(entry: EntryModule, placement: Placement): Factory {
  const { site } = entry.analysis;
  const name = freeName(entry, ['createServer', 'createMcpServer', 'buildMcpServer', 'createServerInstance']);
  const result = resultOf(entry, placement);
  if (site.factory) return servedFactory(entry, placement, site.factory, name, result);
  const isAsync = isAsyncFactory(entry, placement);
  const returns = returnType(entry, result, isAsync);
  if (placement.setUp.length === 0) {
    const { head, tail } = functionText(entry, placement, name, isAsync, returns);
    const text = `${SERVER_DOC}\n${head}\n${bodyText(entry, placement, result, 1)}\n${tail}\n`;
    return { kind: 'server', name, isAsync, awaitsSetUp: false, result, text };
  }
  return withSetUp(entry, placement, name, isAsync, result, () =>
    [
      `${isAsync ? 'async ' : ''}()${returns} => {`,
      bodyText(entry, placement, result, 2),
      `${entry.unit}}`,
    ].join('\n'),
  );
}

/** The function given to `serveStdio`, under a name of its own. */
function servedFactory(
  entry: EntryModule,
  placement: Placement,
  factory: ts.Expression,
  name: string,
  result: FactoryResult,
): Factory {
  const { edits, file, unit, semicolon, registrations } = entry;
  const level = depthOf(entry, file.text.lastIndexOf('\n', factory.getStart()) + 1);
  const given = (to: number) => reindent(edits, factory.getStart(), factory.end, to - level, unit);
  const value = (to: number) => {
    if (registrations.length === 0) return given(to);
    const pad = unit.repeat(to + 1);
    const lines = [...registrationCalls(entry), `return (${given(to + 1)})()${semicolon}`];
    return `async () => {\n${lines.map((line) => pad + line).join('\n')}\n${unit.repeat(to)}}`;
  };
  if (placement.setUp.length === 0) {
    const text = `${SERVER_DOC}\n${exportMark(entry)}const ${name} = ${value(0)}${semicolon}\n`;
    return { kind: 'server', name, isAsync: false, awaitsSetUp: false, result, text };
  }
  return withSetUp(entry, placement, name, false, result, () => value(1));
}

/** The set-up that runs once, around the function that builds a server. */
function withSetUp(
  entry: EntryModule,
  placement: Placement,
  inner: string,
  isAsync: boolean,
  result: FactoryResult,
  value: () => string,
): Factory {
  const name = freeName(entry, [`${inner}Factory`]);
  const awaitsSetUp = placement.setUp.some(awaitsWhenRun);
  const { head, tail } = functionText(entry, placement, name, awaitsSetUp);
  const text = [
    SET_UP_DOC,
    head,
    blockText(entry, placement.setUp, 1),
    '',
    `${entry.unit}return ${value()}${entry.semicolon}`,
    `${tail}\n`,
  ].join('\n');
  return { kind: 'server-factory', name, isAsync, awaitsSetUp, result, text };
}

const exportMark = ({ isCommonJs }: EntryModule): string => (isCommonJs ? '' : 'export ');

/** First and last line of a function. */
function functionText(
  entry: EntryModule,
  { shared }: Placement,
  name: string,
  isAsync: boolean,
  returns = '',
): { head: string; tail: string } {
  const mark = isAsync ? 'async ' : '';
  // A check that exits narrows a constant for arrow functions after it, not for hoisted declarations.
  return shared.some(isExitingCheck)
    ? {
        head: `${exportMark(entry)}const ${name} = ${mark}()${returns} => {`,
        tail: `}${entry.semicolon}`,
      }
    : { head: `${exportMark(entry)}${mark}function ${name}()${returns} {`, tail: '}' };
}

function bodyText(entry: EntryModule, placement: Placement, result: FactoryResult, level: number): string {
  const calls = registrationCalls(entry).map((call) => entry.unit.repeat(level) + call);
  const statements = blockText(entry, [...placement.server, ...placement.frameServer], level);
  const pieces = [statements, calls.join('\n'), returnText(entry, placement, result, level)].filter(
    (piece) => piece !== '',
  );
  return pieces.join(pieces.length > 2 || statements.includes('\n\n') ? '\n\n' : '\n');
}

const registrationCalls = ({ registrations, semicolon }: EntryModule): string[] =>
  registrations.map((one) => `${one.isAsync ? 'await ' : ''}${one.name}()${semicolon}`);

const awaitsWhenRun = (statement: ts.Statement): boolean =>
  !ts.isFunctionDeclaration(statement) && awaits(statement);

function isAsyncFactory({ analysis, registrations }: EntryModule, placement: Placement): boolean {
  const { server, awaitsServer } = analysis.site;
  return (
    [...placement.server, ...placement.frameServer].some(awaitsWhenRun) ||
    (server !== undefined && awaits(server)) ||
    registrations.some((one) => one.isAsync) ||
    awaitsServer === true
  );
}

function resultOf(entry: EntryModule, placement: Placement): FactoryResult {
  const { factory, server, runners } = entry.analysis.site;
  const connectedName =
    server && ts.isIdentifier(server) && !isScoped(entry, server) ? server.text : undefined;
  const mustConnect =
    !factory && (runners.length > 0 || server === undefined || placement.afterConnect.length > 0);
  const used = new Set<string>();
  for (const node of placement.shellNodes)
    for (const symbol of entry.sources.symbolsIn(node))
      if (placement.ownNames.has(symbol)) used.add(symbol.name);
  for (const statement of placement.server)
    if (isExported(statement)) for (const name of declaredNames(statement)) used.add(name);
  const onlyConnected = used.size === 1 && connectedName !== undefined && used.has(connectedName);
  const needed = onlyConnected && !mustConnect ? [] : [...used];
  return { isObject: mustConnect || needed.length > 0, connectedName, needed };
}

/** Is the variable one that was made session-scoped? */
export function isScoped({ analysis, sources }: EntryModule, identifier: ts.Identifier): boolean {
  const symbol = sources.symbolOf(identifier);
  return symbol !== undefined && analysis.lifetimes.isolated.has(symbol);
}

function returnText(
  entry: EntryModule,
  placement: Placement,
  { isObject, needed }: FactoryResult,
  level: number,
): string {
  const pad = entry.unit.repeat(level);
  if (!isObject) return `${pad}return ${serverText(entry)}${entry.semicolon}`;
  const short = connectFunction(entry, placement, level);
  if (!short.includes('\n'))
    return `${pad}return { ${[`connect: ${short}`, ...needed].join(', ')} }${entry.semicolon}`;
  const inner = pad + entry.unit;
  const lines = [`connect: ${connectFunction(entry, placement, level + 1)}`, ...needed];
  return `${pad}return {\n${lines.map((line) => `${inner}${line},\n`).join('')}${pad}}${entry.semicolon}`;
}

function serverText({ analysis, edits }: EntryModule): string {
  const { server, awaitsServer } = analysis.site;
  const text = edits.slice(server!.getStart(), server!.end);
  return awaitsServer ? `await ${text}` : text;
}

/** `(transport: Transport) => app.run(transport)`, or the connect itself with what follows it. */
function connectFunction(entry: EntryModule, { afterConnect }: Placement, level: number): string {
  const { edits, unit, semicolon } = entry;
  const { call, server, runners } = entry.analysis.site;
  const annotation = entry.isTypeScript ? 'transport: Transport' : 'transport';
  if (afterConnect.length > 0 && server) {
    const pad = unit.repeat(level + 1);
    const after = afterConnect.map((statement) => movedText(entry, statement, level + 1)).join('\n');
    return `async (${annotation}) => {\n${pad}await ${serverText(entry)}.connect(transport)${semicolon}\n${after}\n${unit.repeat(level)}}`;
  }
  if (runners.length === 0 && server) return `(${annotation}) => ${serverText(entry)}.connect(transport)`;
  const runner = runners[0]?.fn;
  const connect = `${edits.slice(call.getStart(), call.arguments.pos)}${transportArguments(edits, call, runners[0]?.fn)})`;
  if (runner && isAsync(runner) && returnsNothing(runner)) return `(${annotation}) => ${connect}`;
  // A runner may return something of its own, which nobody here is interested in.
  return `async (${annotation}) => {\n${unit.repeat(level + 1)}await ${connect}${semicolon}\n${unit.repeat(level)}}`;
}

const returnsNothing = ({ body }: ts.FunctionLikeDeclaration): boolean =>
  body !== undefined && ts.isBlock(body) && returnsIn(body).every(({ expression }) => !expression);

const isAsync = (fn: ts.FunctionLikeDeclaration): boolean =>
  fn.modifiers?.some((modifier) => modifier.kind === ts.SyntaxKind.AsyncKeyword) ?? false;

/** The arguments of a runner's call with the transport added at its place. */
function transportArguments(
  edits: FileEdits,
  call: ts.CallExpression,
  fn: ts.FunctionLikeDeclaration | undefined,
): string {
  const given = call.arguments.map((argument) => edits.slice(argument.getStart(), argument.end));
  const place = fn ? transportParameter(fn) : given.length;
  while (given.length < place) given.push('undefined');
  return [...given, 'transport'].join(', ');
}

/** `: McpServer`, where the syntax tells: declarations of an inferred type may need names that cannot be written. */
function returnType(
  { analysis, sources, file, isTypeScript }: EntryModule,
  { isObject }: FactoryResult,
  isAsync: boolean,
): string {
  const { server } = analysis.site;
  if (!isTypeScript || isObject || !server || !ts.isIdentifier(server)) return '';
  const declaration = sources.symbolOf(server)?.valueDeclaration;
  // A type of another module may not be imported here.
  if (!declaration || !ts.isVariableDeclaration(declaration) || declaration.getSourceFile() !== file)
    return '';
  const made = declaration.initializer;
  const type =
    declaration.type?.getText() ??
    (made && ts.isNewExpression(made) && !made.typeArguments ? made.expression.getText() : undefined);
  return type ? `: ${isAsync ? `Promise<${type}>` : type}` : '';
}
