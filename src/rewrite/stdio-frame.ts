import { isAlsoCommonJs } from '../inspect/build.js';
import { descendants, isInside, ts } from '../inspect/source.js';
import { namesOf } from '../inspect/statement-names.js';
import type { Diagnostic } from '../model.js';
import { extentOf, type FileEdits } from './edits.js';
import type { EntryModule } from './entry-module.js';
import { isScoped } from './factory-result.js';
import type { Factory } from './factory-text.js';
import { namesUsedIn } from './imports.js';
import { firstFree } from './names.js';
import type { Placement } from './place-statements.js';
import { narrowedPatterns } from './repeated-imports.js';
import { takesFactory } from './server-exports.js';
import { declaredNames, isExported } from './statement-syntax.js';
import { movedText, removeStatements } from './statement-text.js';
import { stdioTransport } from './stdio-transport.js';

/** What remains to be done after the frame was edited. */
interface FrameEdit {
  /** The creation of the server, when it goes to module level. */
  readonly creation?: string;
  readonly diagnostics: readonly Diagnostic[];
}

const DONE: FrameEdit = { diagnostics: [] };

/** Removes what moved out of the frame, and puts the creation of the server where it belongs. */
export function editFrame(entry: EntryModule, placement: Placement, factory: Factory): FrameEdit {
  const edit = insertServer(entry, placement, factory);
  // After the insertion, which stands between what is removed and the blank line in front of it.
  const { setUp, frameServer, afterConnect, repeated } = placement;
  const read = namesUsedIn(placement.shellNodes);
  for (const { pattern, text } of narrowedPatterns(repeated, read))
    entry.edits.replace(pattern.getStart(), pattern.end, text);
  removeStatements(entry, [
    ...setUp.filter((statement) => !repeated.includes(statement)),
    ...frameServer,
    ...afterConnect,
  ]);
  return edit;
}

function insertServer(entry: EntryModule, placement: Placement, factory: Factory): FrameEdit {
  const { analysis, sources, edits } = entry;
  const { site, lifetimes } = analysis;
  const { fn, holders } = lifetimes.frame;
  if (factory.isOwn) return DONE;
  if (site.factory) return editServed(entry, placement, factory, site.factory);
  const { gives, connectedName, needed } = factory.result;
  const connects = gives === 'connect';
  const name = connects || !connectedName ? freeInShell(placement) : connectedName;
  editCall(entry, name, connects ? (needed.length > 0 ? 'connect' : `${name}.connect`) : undefined);
  const creation = creationText(entry, placement, factory, name);
  const isAsync = factory.isAsync || factory.awaitsSetUp;
  if (fn && takesFactory(entry, placement)) {
    if (isAsync) makeAsync(edits, fn);
    insertInFrame(entry, placement, withGlue(entry, placement, creation));
    return DONE;
  }
  const outside = isNeededOutside(entry, placement, factory, name);
  if (fn ? outside : outside || holders.length === 0) {
    const isCommonJs = entry.isCommonJs || analysis.moduleFormat === 'cjs' || isAlsoCommonJs(entry.project);
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

/** A name for the server that the stdio program does not use for something else. */
function freeInShell({ shellNodes }: Placement): string {
  const declared = shellNodes.flatMap((node) => descendants(node, ts.isVariableDeclaration));
  const taken = new Set([...namesUsedIn(shellNodes), ...declared.map(({ name }) => name.getText())]);
  return firstFree(['server', 'mcpServer', 'stdioServer'], (name) => taken.has(name));
}

/** `const server = createServer();` as the stdio program writes it, one statement a line. */
function creationText(entry: EntryModule, placement: Placement, factory: Factory, name: string): string {
  const { gives, needed } = factory.result;
  const names = gives === 'connect' ? ['connect', ...needed] : needed;
  const target = needed.length > 0 ? `{ ${names.join(', ')} }` : name;
  const call = `${factory.inner ?? factory.name}()`;
  const exported = placement.server.filter(isExported).flatMap(declaredNames);
  const isPlain = needed.length === 0 && exported.includes(name);
  const reExport =
    exported.length > 0 && !isPlain ? `\nexport { ${exported.join(', ')} }${entry.semicolon}` : '';
  const setUp = factory.inner ? `${setUpText(entry, factory, factory.inner)}\n` : '';
  return `${setUp}${isPlain ? 'export ' : ''}const ${target} = ${factory.isAsync ? 'await ' : ''}${call}${entry.semicolon}${reExport}`;
}

/** `const createServer = await createServerFactory();`, or `const { createServer, store } = …`. */
function setUpText(
  { semicolon }: EntryModule,
  { name, awaitsSetUp, result }: Factory,
  inner: string,
): string {
  const target = result.prepared.length === 0 ? inner : `{ ${[inner, ...result.prepared].join(', ')} }`;
  return `const ${target} = ${awaitsSetUp ? 'await ' : ''}${name}()${semicolon}`;
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
    edits.replace(call.getStart(), call.end, `${connect}(${stdioTransport(entry).argument})`);
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
  entry: EntryModule,
  placement: Placement,
  factory: Factory,
  expression: ts.Expression,
): FrameEdit {
  const { analysis, sources, edits } = entry;
  const { name, inner, awaitsSetUp, result } = factory;
  const { fn } = analysis.lifetimes.frame;
  const isNamed = result.prepared.length > 0;
  const made = `${awaitsSetUp ? 'await ' : ''}${name}()`;
  const text = inner ? (isNamed ? inner : made) : name;
  edits.replace(expression.getStart(), expression.end, text);
  if (awaitsSetUp && fn) makeAsync(edits, fn);
  if (inner && isNamed) insertInFrame(entry, placement, setUpText(entry, factory, inner));
  // Which of the servers would it be of?
  const stranded = [...placement.server, ...placement.frameServer].filter((statement) =>
    declaredNames(statement).some((one) => result.needed.includes(one)),
  );
  return {
    diagnostics: stranded.map((statement) => {
      const name = declaredNames(statement)[0] ?? '';
      const wayOut = ts.isSourceFile(statement.parent)
        ? `Make it inside the function that serveStdio is given, or accept sharing with --share ${name}.`
        : 'Declare it at module level, or inside the function that serveStdio is given.';
      return {
        code: 'state-not-isolated',
        at: sources.locationOf(statement),
        args: { name, wayOut },
      };
    }),
  };
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
  removeStatements(entry, glue);
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
    (statement) =>
      (frame.fn ? isInside(statement, frame.fn) : statement.parent !== file) || statement === frame.path,
  );
  const needsServer = (statement: ts.Statement) =>
    statement === frame.path || usesAny(entry, statement, placement.ownNames);
  const first = inFrame.find((statement) => moved.has(statement) || needsServer(statement))!;
  const early = inFrame.find((statement) => !moved.has(statement) && needsServer(statement))!;
  const lastEarly = holder && holder.pos < early.pos ? holder : early;
  const anchor = moved.has(first) && first.parent === lastEarly.parent ? first : lastEarly;
  const { start } = extentOf(anchor);
  const pad = /^[ \t]*/.exec(file.text.slice(start))?.[0] ?? '';
  edits.insertBefore(start, `${text.replace(/^/gm, pad)}\n`);
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
