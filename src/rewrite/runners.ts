import type { Analysis } from '../inspect/analysis.js';
import type { ConnectSite } from '../inspect/connect.js';
import { descendants, enclosingFunction, type Sources, ts } from '../inspect/source.js';
import { isBanner } from '../inspect/transport-statements.js';
import type { FileEdits } from './edits.js';
import { firstFree, namesIn } from './names.js';
import { sdkName } from './sdk-names.js';

/** The position of the transport among the parameters of a runner: after its own. */
export const transportParameter = (fn: ts.FunctionLikeDeclaration): number => fn.parameters.length;

/**
 * Lets the functions that connect stdio themselves take the transport: `run()` becomes
 * `run(transport: Transport = new StdioServerTransport())`. Returns the files that now name the type.
 */
export function parameterizeRunners(
  { sources, site, sdkLine }: Analysis,
  editsOf: (file: ts.SourceFile) => FileEdits,
): Set<ts.SourceFile> {
  const touched = new Set<ts.SourceFile>();
  site.runners.forEach((runner, index) => {
    const file = runner.fn.getSourceFile();
    const edits = editsOf(file);
    const isTypeScript = /\.[cm]?tsx?$/.test(file.fileName);
    const isLast = index === site.runners.length - 1;
    const type = sdkName('Transport', file, sdkLine).local;
    if (isTypeScript) touched.add(file);
    if (!isLast) {
      const name = freeParameter(runner.fn);
      addParameter(runner.fn, edits, isTypeScript ? `${name}?: ${type}` : name);
      const call = runner.use as ts.CallExpression;
      const next = site.runners[index + 1]!.fn;
      const missing = next.parameters.length - call.arguments.length;
      const text = [...Array.from({ length: Math.max(0, missing) }, () => 'undefined'), name].join(', ');
      const last = call.arguments.at(-1);
      edits.insert(last ? last.end : call.end - 1, last ? `, ${text}` : text);
      return;
    }
    takeTransport(sources, site, edits, isTypeScript ? `: ${type}` : '');
  });
  return touched;
}

function takeTransport(sources: Sources, site: ConnectSite, edits: FileEdits, annotation: string): void {
  const { fn, use } = site.runners.at(-1)!;
  const declaration = ts.isIdentifier(use) ? sources.symbolOf(use)?.valueDeclaration : undefined;
  const local =
    declaration &&
    ts.isVariableDeclaration(declaration) &&
    declaration.initializer &&
    enclosingFunction(declaration) === fn
      ? declaration
      : undefined;
  let name = freeParameter(fn);
  if (local && ts.isIdentifier(local.name)) {
    name = local.name.text;
    addParameter(fn, edits, `${name}${annotation} = ${local.initializer!.getText()}`);
    const statement = local.parent.parent as ts.Statement;
    const text = edits.file.text;
    const start = text.lastIndexOf('\n', statement.getStart()) + 1;
    const end = /^[^\n]*\r?\n/.exec(text.slice(statement.end))?.[0].length ?? 0;
    edits.replace(start, statement.end + end, '');
  } else {
    addParameter(fn, edits, `${name}${annotation} = ${use.getText()}`);
    edits.replace(use.getStart(), use.end, name);
  }
  const { transport } = site;
  if (ts.isNewExpression(transport) && transport.getSourceFile() === edits.file)
    silenceBanners(fn, use, `${name} instanceof ${transport.expression.getText()}`, edits);
}

/** A name for the transport that the function does not use for anything else. */
function freeParameter(fn: ts.FunctionLikeDeclaration): string {
  const taken = namesIn(fn);
  return firstFree(['transport', 'serverTransport', 'mcpTransport'], (name) => taken.has(name));
}

function addParameter(fn: ts.FunctionLikeDeclaration, edits: FileEdits, text: string): void {
  const last = fn.parameters.at(-1);
  if (last) edits.insert(last.end, `, ${text}`);
  else {
    const open = edits.file.text.indexOf('(', fn.name?.end ?? fn.getStart());
    edits.insert(open + 1, text);
  }
}

/** "running on stdio" is said on stdio only. */
function silenceBanners(
  fn: ts.FunctionLikeDeclaration,
  use: ts.Node,
  isStdio: string,
  edits: FileEdits,
): void {
  for (const statement of descendants(fn, ts.isExpressionStatement)) {
    if (enclosingFunction(statement) !== fn || statement.pos < use.end || !isBanner(statement)) continue;
    const inCatch = ancestorsOf(statement, fn).some((node) => ts.isCatchClause(node));
    if (!inCatch) edits.insert(statement.getStart(), `if (${isStdio}) `);
  }
}

function ancestorsOf(node: ts.Node, until: ts.Node): ts.Node[] {
  const found: ts.Node[] = [];
  for (let at = node.parent; at && at !== until; at = at.parent) found.push(at);
  return found;
}
