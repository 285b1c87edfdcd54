import type { Effects, Touched } from './effects.js';
import type { Frame } from './frame.js';
import type { StateDeclaration } from './lasting.js';
import { isOfOtherProgram } from './other-program.js';
import { descendants, enclosingFunction, type Sources, ts } from './source.js';
import { isDeclaration } from './statement-names.js';

/** Is something among what was touched that each client has for itself? */
export const isOfClient = (
  touched: ReadonlySet<Touched>,
  isolated: ReadonlyMap<ts.Symbol, unknown>,
): boolean => {
  for (const one of touched) if (one === 'credential' || isolated.has(one)) return true;
  return false;
};

/** Effect statements at the top level of other modules that touch what each client has for itself. */
export function statementsElsewhere(
  sources: Sources,
  effects: Effects,
  frame: Frame,
  isolated: ReadonlyMap<ts.Symbol, StateDeclaration>,
): ts.Statement[] {
  return effectsAtTop(
    sources,
    effects,
    importOrder(sources).filter((file) => file !== frame.file),
    isolated,
  ).filter((statement) => !startsProgram(effects, statement, frame));
}

/**
 * Does the statement of another module start the program: `startServer()` in the file that `bin` names? What it hands on
 * on its way (`guarded(async () => startServer())`) may be called there as well.
 */
function startsProgram(effects: Effects, statement: ts.Statement, { fn }: Frame): boolean {
  if (!fn?.body) return false;
  const seen = new Set<ts.Node>();
  for (let roots: ts.Node[] = [statement]; roots.length > 0; ) {
    const bodies = effects.bodiesRunBy(roots);
    if (bodies.has(fn.body)) return true;
    roots = [...roots, ...bodies]
      .flatMap((body) => descendants(body, ts.isCallExpression))
      .flatMap((call) => call.arguments.filter((argument) => ts.isFunctionLike(argument)))
      .filter((handed) => !seen.has(handed))
      .map((handed) => (handed as ts.ArrowFunction | ts.FunctionExpression).body);
    for (const body of roots) seen.add(body.parent);
  }
  return false;
}

/** Top-level effect statements of these modules that touch one of the bindings. */
export function effectsAtTop(
  sources: Sources,
  effects: Effects,
  files: readonly ts.SourceFile[],
  isolated: ReadonlyMap<ts.Symbol, StateDeclaration>,
): ts.Statement[] {
  return statementsAtTop(sources, files).filter((statement) =>
    isOfClient(effects.touchedBy(statement), isolated),
  );
}

/** Top-level statements of these modules that do something. */
export const statementsAtTop = (sources: Sources, files: Iterable<ts.SourceFile>): ts.Statement[] =>
  [...files]
    .flatMap((file) => file.statements)
    .filter((statement) => !isOfOtherProgram(sources, statement))
    .filter(
      (statement) =>
        !isDeclaration(statement) &&
        !ts.isVariableStatement(statement) &&
        !ts.isExportAssignment(statement) &&
        !ts.isExportDeclaration(statement),
    )
    .filter(
      (statement) =>
        !(ts.isExpressionStatement(statement) && /^(?:module\.)?exports\b/.test(statement.getText())),
    );

/** Modules in the order they are evaluated: dependencies first. */
export function importOrder(sources: Sources): ts.SourceFile[] {
  const order: ts.SourceFile[] = [];
  visitLoaded(sources, sources.entry, order, new Set());
  return order;
}

/**
 * Where one module has another evaluated: the end of the statement that requires it, 0 where it is evaluated before any
 * statement, infinity where after the last.
 */
export function placeOfLoading(sources: Sources, by: ts.SourceFile, file: ts.SourceFile): number {
  const order = importOrder(sources);
  if (order.indexOf(file) > order.indexOf(by)) return Number.POSITIVE_INFINITY;
  const loaded = by.statements.find((statement) => {
    const found: ts.SourceFile[] = [];
    const seen = new Set([sources.pathOf(by)]);
    for (const path of loadedBy(sources, by, statement)) visitLoaded(sources, path, found, seen);
    return found.includes(file);
  });
  return loaded && !isImport(loaded) ? loaded.end : 0;
}

function visitLoaded(sources: Sources, path: string, order: ts.SourceFile[], seen: Set<string>): void {
  if (seen.has(path)) return;
  seen.add(path);
  const file = sources.files.get(path);
  if (!file) return;
  for (const statement of file.statements)
    for (const target of loadedBy(sources, file, statement)) visitLoaded(sources, target, order, seen);
  order.push(file);
}

const isImport = (statement: ts.Statement): statement is ts.ImportDeclaration | ts.ExportDeclaration =>
  ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement);

/** Modules that a statement loads at once: imports, re-exports, requires at the top level. */
function loadedBy(sources: Sources, file: ts.SourceFile, statement: ts.Statement): string[] {
  return specifiersIn(statement).flatMap(
    (specifier) => sources.resolver.resolve(sources.pathOf(file), specifier) ?? [],
  );
}

function specifiersIn(statement: ts.Statement): string[] {
  const specifier = isImport(statement) && statement.moduleSpecifier;
  if (specifier && ts.isStringLiteral(specifier)) return [specifier.text];
  if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) return [];
  return descendants(statement, ts.isCallExpression)
    .filter((call) => call.expression.getText() === 'require' && !enclosingFunction(call))
    .flatMap((call) =>
      call.arguments[0] && ts.isStringLiteral(call.arguments[0]) ? [call.arguments[0].text] : [],
    );
}
