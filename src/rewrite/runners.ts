import type { Analysis } from '../inspect/analysis.js';
import type { ConnectSite } from '../inspect/connect.js';
import { awaits, descendants, enclosingFunction, type Sources, ts } from '../inspect/source.js';
import { isBanner, waitsForTheEnd } from '../inspect/transport-statements.js';
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
  const made = madeInPlace(sources, site);
  const local = localTransport(sources, site);
  const name = made && local ? local.name.text : freeParameter(fn);
  if (made) {
    addParameter(fn, edits, `${name}${annotation} = ${made.getText()}`);
    if (local) removeLine(edits, local.parent.parent);
    else edits.replace(use.getStart(), use.end, name);
  } else {
    addParameter(fn, edits, annotation === '' ? name : `${name}?${annotation}`);
    const value = local?.initializer ?? use;
    const isOne = !ts.isConditionalExpression(value) && !isOtherOperation(value);
    edits.insert(value.getStart(), `${name} ?? ${isOne ? '' : '('}`);
    if (!isOne) edits.insert(value.end, ')');
  }
  const { transport } = site;
  if (ts.isNewExpression(transport) && transport.getSourceFile() === edits.file)
    keepForStdio(fn, use, made ? `${name} instanceof ${transport.expression.getText()}` : `!${name}`, edits);
}

/** Operations that cannot stand beside `??` without parentheses. */
const isOtherOperation = (value: ts.Expression): boolean =>
  ts.isBinaryExpression(value) && value.operatorToken.kind !== ts.SyntaxKind.QuestionQuestionToken;

/**
 * Is the transport made on the way of the function that connects, in a variable or a field that others may see? Then only
 * that function makes it over stdio: what is said to it there is said to the one that is connected.
 */
export const makesTransport = (sources: Sources, site: ConnectSite): boolean =>
  site.runners.length > 0 && !madeInPlace(sources, site);

/** `new StdioServerTransport()`, where the function that connects could just as well begin with it. */
function madeInPlace(sources: Sources, site: ConnectSite): ts.NewExpression | undefined {
  const { fn, use } = site.runners.at(-1)!;
  const made = localTransport(sources, site)?.initializer ?? use;
  if (!ts.isNewExpression(made) || awaits(made)) return undefined;
  const isLocal = ({ valueDeclaration }: ts.Symbol) =>
    valueDeclaration !== undefined &&
    !ts.isParameter(valueDeclaration) &&
    enclosingFunction(valueDeclaration) === fn;
  return [...sources.symbolsIn(made)].some(isLocal) ? undefined : made;
}

/** The variable of the function that connects which holds the transport. */
function localTransport(sources: Sources, site: ConnectSite): NamedVariable | undefined {
  const { fn, use } = site.runners.at(-1)!;
  const declaration = ts.isIdentifier(use) ? sources.symbolOf(use)?.valueDeclaration : undefined;
  const isLocal =
    declaration &&
    ts.isVariableDeclaration(declaration) &&
    declaration.initializer &&
    enclosingFunction(declaration) === fn;
  return isLocal ? (declaration as NamedVariable) : undefined;
}

type NamedVariable = ts.VariableDeclaration & { readonly name: ts.Identifier };

function removeLine(edits: FileEdits, statement: ts.Node): void {
  const { text } = edits.file;
  const start = text.lastIndexOf('\n', statement.getStart()) + 1;
  const end = /^[^\n]*\r?\n/.exec(text.slice(statement.end))?.[0].length ?? 0;
  edits.replace(start, statement.end + end, '');
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

/** What is for stdio only: to say "running on stdio", and to wait for its end. */
function keepForStdio(fn: ts.FunctionLikeDeclaration, use: ts.Node, isStdio: string, edits: FileEdits): void {
  const statements = [...descendants(fn, ts.isExpressionStatement), ...descendants(fn, ts.isReturnStatement)];
  for (const statement of statements) {
    if (enclosingFunction(statement) !== fn || statement.pos < use.end) continue;
    if (!isBanner(statement) && !waitsForTheEnd(statement)) continue;
    const inCatch = ancestorsOf(statement, fn).some((node) => ts.isCatchClause(node));
    if (!inCatch) edits.insert(statement.getStart(), `if (${isStdio}) `);
  }
}

function ancestorsOf(node: ts.Node, until: ts.Node): ts.Node[] {
  const found: ts.Node[] = [];
  for (let at = node.parent; at && at !== until; at = at.parent) found.push(at);
  return found;
}
