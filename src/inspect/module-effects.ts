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
  const visit = (path: string, seen: Set<string>): void => {
    if (seen.has(path)) return;
    seen.add(path);
    const file = sources.files.get(path);
    if (!file) return;
    for (const specifier of staticImports(file)) {
      const target = sources.resolver.resolve(path, specifier);
      if (target) visit(target, seen);
    }
    order.push(file);
  };
  visit(sources.entry, new Set());
  return order;
}

/** Specifiers of modules that are evaluated before this one: imports, re-exports, requires at the top level. */
function staticImports(file: ts.SourceFile): string[] {
  return file.statements.flatMap((statement) => {
    const specifier =
      (ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement)) && statement.moduleSpecifier;
    if (specifier && ts.isStringLiteral(specifier)) return [specifier.text];
    if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) return [];
    return descendants(statement, ts.isCallExpression)
      .filter((call) => call.expression.getText() === 'require' && !enclosingFunction(call))
      .flatMap((call) =>
        call.arguments[0] && ts.isStringLiteral(call.arguments[0]) ? [call.arguments[0].text] : [],
      );
  });
}
