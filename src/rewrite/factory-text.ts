import { awaits, rootOf, type Sources, ts, unwrap } from '../inspect/source.js';
import { isExitingCheck } from '../inspect/statement-names.js';
import { extentOf, reindent } from './edits.js';
import { type EntryModule, freeName } from './entry-module.js';
import type { ExistingFactory } from './existing-factory.js';
import { type FactoryResult, resultOf, returnText } from './factory-result.js';
import { namesUsedIn } from './imports.js';
import type { Placement } from './place-statements.js';
import { type Registration, takingText } from './registrations.js';
import { narrowedPatterns } from './repeated-imports.js';
import { type SdkName, sdkName } from './sdk-names.js';
import { blockText, depthOf } from './statement-text.js';

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
  /** The project's own function, which the stdio program calls already. */
  readonly isOwn?: boolean;
  readonly result: FactoryResult;
  /** What the function is called that the set-up gives. */
  readonly inner?: string;
  /** What the SDK calls what the text names of it. */
  readonly sdkTypes: readonly SdkName[];
}

/** A function's first and last line around its body. */
interface Head {
  readonly parameters: string;
  readonly returns: string;
  readonly isAsync: boolean;
}

const SERVER_DOC = '/** Builds one server; every client has its own. */';
const SET_UP_DOC =
  '/** Prepares what all clients share, once, and returns the function that builds one server for each client. */';

/** The project's own function, which moves as it is. */
export const ownFactory = ({ exportName }: ExistingFactory): Factory => ({
  kind: 'server',
  name: exportName,
  text: '',
  isAsync: false,
  awaitsSetUp: false,
  isOwn: true,
  result: { gives: 'server', connectedName: undefined, needed: [], prepared: [] },
  sdkTypes: [],
});

/** The factory for the statements that were placed in it. */
export function factoryText(entry: EntryModule, placement: Placement): Factory {
  const { analysis, file, isTypeScript } = entry;
  const name = freeName(entry, ['createServer', 'createMcpServer', 'buildMcpServer', 'createServerInstance']);
  const result = resultOf(entry, placement);
  const served = analysis.site.factory && servedFunction(entry, placement, unwrap(analysis.site.factory));
  const isAsync = served?.head.isAsync ?? isAsyncFactory(entry, placement);
  const head = served?.head ?? { parameters: '', returns: returnType(entry, result, isAsync), isAsync };
  const body = (level: number) =>
    bodyText(entry, placement, served?.rest(level) ?? returnText(entry, placement, result, level), level);
  const transport =
    result.gives === 'connect' && isTypeScript ? [sdkName('Transport', file, analysis.sdkLine)] : [];
  const about = { name, isAsync, result, sdkTypes: [...(served?.sdkTypes ?? []), ...transport] };
  if (placement.setUp.length === 0) {
    const text = `${SERVER_DOC}\n${functionText(entry, placement, name, head, body(1))}\n`;
    return { ...about, kind: 'server', awaitsSetUp: false, text };
  }
  return withSetUp(entry, placement, about, head, body(2));
}

/** The set-up that runs once, around the function that builds a server. */
function withSetUp(
  entry: EntryModule,
  placement: Placement,
  about: Pick<Factory, 'name' | 'isAsync' | 'result' | 'sdkTypes'>,
  head: Head,
  body: string,
): Factory {
  const { unit, semicolon } = entry;
  const { prepared } = about.result;
  const name = freeName(entry, [`${about.name}Factory`]);
  const awaitsSetUp = placement.setUp.some(awaitsWhenRun);
  const inner = `${head.isAsync ? 'async ' : ''}(${head.parameters})${head.returns} => {\n${body}\n${unit}}`;
  const returned =
    prepared.length === 0
      ? [`${unit}return ${inner}${semicolon}`]
      : [
          `${unit}const ${about.name} = ${inner}${semicolon}`,
          '',
          `${unit}return { ${[about.name, ...prepared].join(', ')} }${semicolon}`,
        ];
  const setUp = [setUpText(entry, placement), '', ...returned].join('\n');
  const outer = { parameters: '', returns: '', isAsync: awaitsSetUp };
  const text = `${SET_UP_DOC}\n${functionText(entry, placement, name, outer, setUp)}\n`;
  return { ...about, kind: 'server-factory', name, inner: about.name, awaitsSetUp, text };
}

/** The statements of the set-up; what the stdio program loads as well is loaded here for what is used here. */
function setUpText(entry: EntryModule, placement: Placement): string {
  const { setUp, frameServer, afterConnect, connected, repeated } = placement;
  const moved = setUp.filter((statement) => !repeated.includes(statement));
  const used = namesUsedIn([...moved, ...frameServer, ...afterConnect, ...connected]);
  return narrowedPatterns(repeated, used).reduce(
    (text, { pattern, text: narrowed }) => text.replace(pattern.getText(), () => narrowed),
    blockText(entry, setUp, 1),
  );
}

function functionText(
  entry: EntryModule,
  { shared }: Placement,
  name: string,
  { parameters, returns, isAsync }: Head,
  body: string,
): string {
  const exported = entry.isCommonJs ? '' : 'export ';
  const mark = isAsync ? 'async ' : '';
  // A check that exits narrows a constant for arrow functions after it, not for hoisted declarations.
  return shared.some(isExitingCheck)
    ? `${exported}const ${name} = ${mark}(${parameters})${returns} => {\n${body}\n}${entry.semicolon}`
    : `${exported}${mark}function ${name}(${parameters})${returns} {\n${body}\n}`;
}

function bodyText(entry: EntryModule, placement: Placement, end: string, level: number): string {
  const pieces = [...statementTexts(entry, placement, level), end].filter((piece) => piece !== '');
  const isApart = pieces.length > 2 || pieces.some((piece) => piece.includes('\n\n'));
  return pieces.join(isApart ? '\n\n' : '\n');
}

/**
 * The statements of the factory, with what other modules do for each client where these are loaded, and what is made there of
 * what changes later.
 */
function statementTexts(entry: EntryModule, { server, frameServer }: Placement, level: number): string[] {
  const { registrations, analysis, semicolon, unit } = entry;
  const { frame, taken } = analysis.lifetimes;
  // What stands in a function runs when the modules are loaded.
  const inOrder = frame.fn ? server : [...server, ...frameServer];
  const lines = [
    ...registrations.map((one) => ({ at: one.loadedAt, text: registrationCall(entry, one, level) })),
    ...taken
      .filter((one) => one.getSourceFile() === frame.file)
      .map((one) => ({ at: one.end, text: takingText(one, semicolon, unit.repeat(level)) })),
  ];
  const places = [...new Set(lines.map(({ at }) => at))].sort((one, other) => one - other);
  const between = places.flatMap((place, index) => [
    blockText(
      entry,
      inOrder.filter(({ end }) => end <= place && end > (places[index - 1] ?? 0)),
      level,
    ),
    lines
      .filter(({ at }) => at === place)
      .map(({ text }) => text)
      .join('\n'),
  ]);
  const last = places.at(-1) ?? 0;
  const rest = [...server, ...frameServer].filter((one) => !inOrder.includes(one) || one.end > last);
  return [...between, blockText(entry, rest, level)];
}

const registrationCall = ({ unit, semicolon }: EntryModule, one: Registration, level: number): string =>
  `${unit.repeat(level)}${one.isAsync ? 'await ' : ''}${one.name}()${semicolon}`;

const awaitsWhenRun = (statement: ts.Statement): boolean =>
  !ts.isFunctionDeclaration(statement) && awaits(statement);

function isAsyncFactory({ analysis, registrations }: EntryModule, placement: Placement): boolean {
  const { server } = analysis.site;
  return (
    [...placement.server, ...placement.frameServer].some(awaitsWhenRun) ||
    (server !== undefined && awaits(server)) ||
    registrations.some((one) => one.isAsync)
  );
}

/** The function given to `serveStdio`: its head, and what its body does after the statements that the factory repeats. */
interface Served {
  readonly head: Head;
  readonly rest: (level: number) => string;
  readonly sdkTypes: readonly SdkName[];
}

function servedFunction(entry: EntryModule, placement: Placement, given: ts.Expression): Served {
  const { analysis, edits, file, sources, semicolon, unit } = entry;
  const awaited = isAsyncFactory(entry, placement);
  if (ts.isArrowFunction(given) || ts.isFunctionExpression(given)) {
    const { body, parameters, type } = given;
    const isAsync = awaited || (given.modifiers?.some(isAsyncKeyword) ?? false);
    const returns = type ? edits.slice(type.getStart(), type.end) : '';
    const untyped = entry.isTypeScript && parameters.some((one) => !one.type && !one.initializer);
    const context = untyped ? sdkName('McpRequestContext', file, analysis.sdkLine) : undefined;
    const parameterText = (one: ts.ParameterDeclaration) =>
      `${edits.slice(one.getStart(), one.end)}${context && !one.type && !one.initializer ? `: ${context.local}` : ''}`;
    const head: Head = {
      parameters: parameters.map(parameterText).join(', '),
      returns: returns && `: ${isAsync && !/^Promise\b/.test(returns) ? `Promise<${returns}>` : returns}`,
      isAsync,
    };
    const rest = (level: number) => {
      if (!ts.isBlock(body))
        return `${unit.repeat(level)}return ${edits.slice(body.getStart(), body.end)}${semicolon}`;
      const { start } = extentOf(body.statements[0] ?? body);
      const end = body.statements.length > 0 ? extentOf(body.statements.at(-1)!).end : start;
      return reindent(edits, start, end, level - depthOf(entry, start), unit);
    };
    return { head, rest, sdkTypes: context ? [context] : [] };
  }
  // What era a client speaks is told only to a function that wants to know.
  const declaration = ts.isIdentifier(given) ? sources.symbolOf(given)?.valueDeclaration : undefined;
  const asks = declaration !== undefined && parametersOf(declaration) > 0;
  const context =
    asks && entry.isTypeScript ? sdkName('McpRequestContext', file, analysis.sdkLine) : undefined;
  const parameters = asks ? (context ? `context: ${context.local}` : 'context') : '';
  return {
    head: { parameters, returns: '', isAsync: awaited },
    rest: (level) =>
      `${unit.repeat(level)}return ${edits.slice(given.getStart(), given.end)}(${asks ? 'context' : ''})${semicolon}`,
    sdkTypes: context ? [context] : [],
  };
}

const isAsyncKeyword = ({ kind }: ts.ModifierLike): boolean => kind === ts.SyntaxKind.AsyncKeyword;

function parametersOf(declaration: ts.Declaration): number {
  const fn =
    ts.isVariableDeclaration(declaration) && declaration.initializer
      ? unwrap(declaration.initializer)
      : declaration;
  return ts.isFunctionLike(fn) ? fn.parameters.length : 0;
}

/** `: McpServer`, where the syntax tells: declarations of an inferred type may need names that cannot be written. */
function returnType(
  { analysis, sources, file, isTypeScript }: EntryModule,
  { gives, needed }: FactoryResult,
  isAsync: boolean,
): string {
  const { server } = analysis.site;
  const isPlain = gives === 'server' && needed.length === 0;
  if (!isTypeScript || !isPlain || !server || !ts.isIdentifier(server)) return '';
  const declaration = sources.symbolOf(server)?.valueDeclaration;
  // A type of another module may not be imported here.
  if (!declaration || !ts.isVariableDeclaration(declaration) || declaration.getSourceFile() !== file)
    return '';
  const made = declaration.initializer;
  // Where it may be null, the compiler knows better what is returned.
  if (declaration.type && !ts.isTypeReferenceNode(declaration.type)) return '';
  const type =
    declaration.type?.getText() ??
    (made && ts.isNewExpression(made) && !made.typeArguments && isClass(sources, made.expression)
      ? made.expression.getText()
      : undefined);
  return type ? `: ${isAsync ? `Promise<${type}>` : type}` : '';
}

/** Does the name stand for a type as well? Not that of a variable: `const { McpServer } = await import('…')`. */
const isClass = (sources: Sources, name: ts.Expression): boolean => {
  const declaration = sources.checker.getSymbolAtLocation(rootOf(name))?.declarations?.[0];
  return (
    declaration !== undefined && !ts.isVariableDeclaration(declaration) && !ts.isBindingElement(declaration)
  );
};
