import { isInside } from '../inspect/connect.js';
import { ts } from '../inspect/source.js';
import { namesOf } from '../inspect/statement-names.js';
import type { Diagnostic } from '../model.js';
import { extentOf, type FileEdits } from './edits.js';
import { type EntryModule, runsOnImport } from './entry-module.js';
import { type Factory, isScoped } from './factory-text.js';
import type { Placement } from './place-statements.js';
import { declaredNames, isExported } from './statement-syntax.js';
import { movedText, removeStatement } from './statement-text.js';

/** What remains to be done after the frame was edited. */
interface FrameEdit {
  /** The creation of the server, when it goes to module level. */
  readonly creation?: string;
  readonly diagnostics: readonly Diagnostic[];
}

const DONE: FrameEdit = { diagnostics: [] };

/** Removes what moved out of the frame, and puts the creation of the server where it belongs. */
export function editFrame(entry: EntryModule, placement: Placement, factory: Factory): FrameEdit {
  const { analysis, sources, edits } = entry;
  const { site, lifetimes } = analysis;
  const { fn, holders } = lifetimes.frame;
  for (const statement of [...placement.setUp, ...placement.frameServer, ...placement.afterConnect])
    removeStatement(entry, statement);
  if (site.factory) {
    editServed(entry, site.factory, factory);
    return DONE;
  }
  const { isObject, connectedName, needed } = factory.result;
  const name = isObject ? 'server' : (connectedName ?? 'server');
  editCall(entry, name, isObject ? (needed.length > 0 ? 'connect' : `${name}.connect`) : undefined);
  const creation = creationText(entry, placement, factory, name);
  const isAsync = factory.isAsync || factory.awaitsSetUp;
  if (fn && !runsOnImport(entry)) {
    if (isAsync) makeAsync(edits, fn);
    insertInFrame(entry, placement, withGlue(entry, placement, creation));
    return DONE;
  }
  const outside = isNeededOutside(entry, placement, factory, name);
  if (fn ? outside : outside || holders.length === 0) {
    const isCommonJs = entry.isCommonJs || analysis.moduleFormat === 'cjs';
    const at = sources.locationOf(site.call);
    return {
      creation,
      diagnostics: isAsync && isCommonJs ? [{ code: 'async-at-module-level', at, args: {} }] : [],
    };
  }
  if (fn && isAsync) makeAsync(edits, fn);
  insertInFrame(entry, placement, creation);
  return DONE;
}

/** `const server = createServer();` as the stdio program writes it. */
function creationText(entry: EntryModule, placement: Placement, factory: Factory, name: string): string {
  const { isObject, needed } = factory.result;
  const target = isObject && needed.length > 0 ? `{ ${['connect', ...needed].join(', ')} }` : name;
  const call =
    factory.kind === 'server-factory'
      ? `${factory.awaitsSetUp ? `(await ${factory.name}())` : `${factory.name}()`}()`
      : `${factory.name}()`;
  const exported = placement.server.filter(isExported).flatMap(declaredNames);
  const isPlain = needed.length === 0 && exported.includes(name);
  const reExport =
    exported.length > 0 && !isPlain ? `\nexport { ${exported.join(', ')} }${entry.semicolon}` : '';
  return `${isPlain ? 'export ' : ''}const ${target} = ${factory.isAsync ? 'await ' : ''}${call}${entry.semicolon}${reExport}`;
}

/** The connect call is a runner's: the stdio program hands the transport to `connect` itself. */
export function replacesCall({ analysis }: EntryModule): boolean {
  const { factory, runners, server } = analysis.site;
  return !factory && (runners.length > 0 || server === undefined);
}

/** Points the connect call at the server made by the factory. */
function editCall(entry: EntryModule, name: string, connect: string | undefined): void {
  const { edits } = entry;
  const { call, server } = entry.analysis.site;
  if (replacesCall(entry)) {
    edits.replace(call.getStart(), call.end, `${connect}(new StdioServerTransport())`);
    return;
  }
  if (connect) edits.replace(call.expression.getStart(), call.expression.end, connect);
  else if (server && !(ts.isIdentifier(server) && server.text === name && !isScoped(entry, server))) {
    edits.dropInsertionsAt(server.end);
    edits.replace(server.getStart(), server.end, name);
  }
}

/** Gives `serveStdio` the factory by its name. */
function editServed(
  { analysis, edits }: EntryModule,
  expression: ts.Expression,
  { kind, name, awaitsSetUp }: Factory,
): void {
  const { fn } = analysis.lifetimes.frame;
  const text = kind === 'server' ? name : `${awaitsSetUp ? 'await ' : ''}${name}()`;
  edits.replace(expression.getStart(), expression.end, text);
  if (awaitsSetUp && fn) makeAsync(edits, fn);
}

function makeAsync(edits: FileEdits, fn: ts.FunctionLikeDeclaration): void {
  if (fn.modifiers?.some((modifier) => modifier.kind === ts.SyntaxKind.AsyncKeyword)) return;
  const start = ts.isFunctionDeclaration(fn)
    ? (fn.getChildren().find((child) => child.kind === ts.SyntaxKind.FunctionKeyword) ?? fn).getStart()
    : fn.getStart();
  edits.insert(start, 'async ');
  if (fn.type && !/^Promise\b/.test(fn.type.getText()))
    edits.replace(fn.type.getStart(), fn.type.end, `Promise<${fn.type.getText()}>`);
}

/** Handlers at module level that use the server follow it into the function that makes it. */
function withGlue(entry: EntryModule, { server, shell }: Placement, creation: string): string {
  const own = namesOf(entry.sources, new Set(server));
  const glue = shell.filter(
    (statement) => ts.isExpressionStatement(statement) && usesAny(entry, statement, own),
  );
  const texts = glue.map((statement) => movedText(entry, statement, 1).trim());
  for (const statement of glue) removeStatement(entry, statement);
  return [creation, ...texts].join(`\n${entry.unit}`);
}

const usesAny = ({ sources }: EntryModule, node: ts.Node, names: ReadonlySet<ts.Symbol>): boolean =>
  [...sources.symbolsIn(node)].some((symbol) => names.has(symbol));

/** Do statements of the stdio program outside the frame use the server? */
function isNeededOutside(
  { analysis, sources }: EntryModule,
  placement: Placement,
  { result }: Factory,
  name: string,
): boolean {
  const { fn, holders } = analysis.lifetimes.frame;
  const names = new Set([...result.needed, ...(result.connectedName ? [name] : [])]);
  if (placement.server.some(isExported)) return true;
  const holder = fn ?? holders[0];
  return placement.shellNodes.some(
    (node) =>
      !(holder && isInside(node, holder)) &&
      [...sources.symbolsIn(node)].some((symbol) => placement.ownNames.has(symbol) && names.has(symbol.name)),
  );
}

/** Writes the creation in front of the first statement of the frame that needs the server. */
function insertInFrame(entry: EntryModule, placement: Placement, text: string): void {
  const { analysis, file, edits } = entry;
  const { frame } = analysis.lifetimes;
  const moved = new Set<ts.Statement>([...placement.setUp, ...placement.frameServer]);
  const holder = frame.holders.find((one) => usesOutside(entry, placement, one));
  const inFrame = [...frame.before, frame.path].filter(
    (statement) => statement.parent !== file || statement === frame.path,
  );
  const needsServer = (statement: ts.Statement) =>
    statement === frame.path || usesAny(entry, statement, placement.ownNames);
  const first = inFrame.find((statement) => moved.has(statement) || needsServer(statement))!;
  const early = inFrame.find((statement) => !moved.has(statement) && needsServer(statement))!;
  const lastEarly = holder && holder.pos < early.pos ? holder : early;
  const anchor = moved.has(first) && first.parent === lastEarly.parent ? first : lastEarly;
  const { start } = extentOf(anchor);
  const pad = /^[ \t]*/.exec(file.text.slice(start))?.[0] ?? '';
  edits.insertBefore(start, `${pad}${text}\n`);
}

/** Does a block statement on the way use the server itself: in its condition, or in another branch? */
function usesOutside(entry: EntryModule, placement: Placement, holder: ts.Statement): boolean {
  const { frame } = entry.analysis.lifetimes;
  return placement.shellNodes.some(
    (node) =>
      isInside(node, holder) &&
      !isInside(node, frame.path) &&
      ![...frame.before, ...frame.after].some(
        (statement) => isInside(statement, holder) && isInside(node, statement),
      ) &&
      usesAny(entry, node, placement.ownNames),
  );
}
