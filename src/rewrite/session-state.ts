import { initializerOf, isSeparable, type StateDeclaration, staticFieldUses } from '../inspect/lasting.js';
import { awaits, descendants, type Sources, ts, unwrap } from '../inspect/source.js';
import { isModuleExports } from '../inspect/timing.js';
import type { FileEdits } from './edits.js';

/**
 * Makes lasting variables session-scoped: `const store = new Map()` becomes
 * `const store = sessionScoped(() => new Map())` and each use `store` becomes `store.value`.
 *
 * @param present declarations that the program does not go on without a value of
 */
export function scopeState(
  sources: Sources,
  isolated: ReadonlyMap<ts.Symbol, StateDeclaration>,
  editsOf: (file: ts.SourceFile) => FileEdits,
  present: ReadonlySet<ts.Node> = new Set(),
): Set<ts.SourceFile> {
  const declaring = new Set<ts.SourceFile>();
  const statements = new Map<ts.VariableStatement, Set<ts.VariableDeclaration>>();
  const patterns = new Map<ts.VariableDeclaration, Set<ts.Symbol>>();
  for (const [symbol, declaration] of isolated) {
    declaring.add(declaration.getSourceFile());
    if (ts.isPropertyDeclaration(declaration)) {
      for (const use of staticFieldUses(sources, declaration))
        editsOf(use.getSourceFile()).insert(use.end, '.value');
      continue;
    }
    if (ts.isExportAssignment(declaration)) {
      scopeUses(sources, symbol, editsOf);
      continue;
    }
    if (!ts.isIdentifier(declaration.name)) {
      patterns.set(declaration, (patterns.get(declaration) ?? new Set()).add(symbol));
      scopeUses(sources, symbol, editsOf);
      continue;
    }
    const statement = declaration.parent.parent as ts.VariableStatement;
    statements.set(statement, (statements.get(statement) ?? new Set()).add(declaration));
    scopeUses(sources, symbol, editsOf);
  }
  for (const declaration of isolated.values()) {
    const edits = editsOf(declaration.getSourceFile());
    if (ts.isPropertyDeclaration(declaration)) scopeField(declaration, edits);
    if (ts.isExportAssignment(declaration)) {
      const { expression } = declaration;
      edits.replaceWhole(expression.getStart(), expression.end, scoped(declaration, edits));
    }
  }
  for (const [statement, declarations] of statements)
    scopeStatement(statement, declarations, editsOf(statement.getSourceFile()), present);
  for (const [declaration, names] of patterns)
    if (isSeparable(declaration))
      scopePattern(sources, declaration, names, editsOf(declaration.getSourceFile()));
  return declaring;
}

/** `const { a, b } = source` becomes `const a = sessionScoped(() => source.a)` and so on; names that are shared stay. */
function scopePattern(
  sources: Sources,
  declaration: ts.VariableDeclaration,
  names: ReadonlySet<ts.Symbol>,
  edits: FileEdits,
): void {
  const statement = declaration.parent.parent as ts.VariableStatement;
  const head = [...(statement.modifiers ?? []).map((modifier) => modifier.getText()), 'const'].join(' ');
  const source = edits.slice(declaration.initializer!.getStart(), declaration.initializer!.end);
  const elements = [...(declaration.name as ts.ObjectBindingPattern).elements];
  const isScoped = ({ name }: ts.BindingElement): boolean =>
    names.has(sources.checker.getSymbolAtLocation(name)!);
  const kept = elements.filter((element) => !isScoped(element)).map((element) => element.getText());
  const lines = elements
    .filter(isScoped)
    .map(
      ({ name, propertyName }) =>
        `${head} ${name.getText()} = sessionScoped(() => ${source}.${(propertyName ?? name).getText()});`,
    );
  if (kept.length > 0) lines.unshift(`${head} { ${kept.join(', ')} } = ${source};`);
  edits.replaceWhole(statement.getStart(), statement.end, lines.join('\n'));
}

/** Each use `store` of a session-scoped variable becomes `store.value`. */
export function scopeUses(
  sources: Sources,
  symbol: ts.Symbol,
  editsOf: (file: ts.SourceFile) => FileEdits,
): void {
  for (const reference of sources.referencesTo(symbol)) {
    const parent = reference.parent;
    if (ts.isExportSpecifier(parent) || ts.isExportAssignment(parent) || isModuleExports(reference)) continue;
    const edits = editsOf(reference.getSourceFile());
    if (ts.isShorthandPropertyAssignment(parent)) edits.insert(reference.end, `: ${reference.text}.value`);
    else {
      const namespaced =
        ts.isPropertyAccessExpression(parent) &&
        parent.expression === reference &&
        sources.symbolOf(parent) === symbol;
      edits.insert(namespaced ? parent.end : reference.end, '.value');
    }
  }
  for (const name of queriedNames(sources))
    if (sources.symbolOf(name) === symbol) editsOf(name.getSourceFile()).insert(name.end, '.value');
}

const queried = new WeakMap<Sources, readonly ts.Identifier[]>();

/** The names in types like `typeof store` and `typeof store.get`, of which there are few: they are looked for once. */
function queriedNames(sources: Sources): readonly ts.Identifier[] {
  const known = queried.get(sources);
  if (known) return known;
  const found = [...sources.files.values()]
    .filter((file) => file.text.includes('typeof'))
    .flatMap((file) => descendants(file, ts.isTypeQueryNode))
    .map(({ exprName }) => firstOf(exprName));
  queried.set(sources, found);
  return found;
}

function firstOf(name: ts.EntityName): ts.Identifier {
  let first = name;
  while (ts.isQualifiedName(first)) first = first.left;
  return first;
}

function scopeField(declaration: ts.PropertyDeclaration, edits: FileEdits): void {
  const head = declaration.name.end;
  const isReadonly = declaration.modifiers?.some(
    (modifier) => modifier.kind === ts.SyntaxKind.ReadonlyKeyword,
  );
  if (!isReadonly && isTypeScript(declaration)) edits.insert(declaration.name.getStart(), 'readonly ');
  const end = declaration.initializer?.end ?? declaration.type?.end ?? head;
  edits.replaceWhole(head, end, ` = ${scoped(declaration, edits, false)}`);
}

/** Rewrites `let a = 1, b` statement by statement: kept declarators first, scoped ones after. */
function scopeStatement(
  statement: ts.VariableStatement,
  scopedOnes: ReadonlySet<ts.VariableDeclaration>,
  edits: FileEdits,
  present: ReadonlySet<ts.Node>,
): void {
  for (const declaration of scopedOnes) hoistAwaited(statement, declaration, edits);
  const list = statement.declarationList;
  const keyword = list.getFirstToken()!;
  if (list.declarations.every((declaration) => scopedOnes.has(declaration))) {
    if (keyword.getText() !== 'const') edits.replace(keyword.getStart(), keyword.end, 'const');
    for (const declaration of list.declarations)
      edits.replaceWhole(
        declaration.name.end,
        declaration.end,
        ` = ${scoped(declaration, edits, present.has(declaration))}`,
      );
    return;
  }
  const modifiers = statement.modifiers?.map((modifier) => `${modifier.getText()} `).join('') ?? '';
  const lines = list.declarations.map((declaration) =>
    scopedOnes.has(declaration)
      ? `${modifiers}const ${declaration.name.getText()} = ${scoped(declaration, edits, present.has(declaration))};`
      : `${modifiers}${keyword.getText()} ${edits.slice(declaration.getStart(), declaration.end)};`,
  );
  edits.replaceWhole(statement.getStart(), statement.end, lines.join('\n'));
}

const initialName = (declaration: ts.VariableDeclaration | ts.PropertyDeclaration): string => {
  const name = declaration.name.getText();
  return `initial${name.charAt(0).toUpperCase()}${name.slice(1)}`;
};

/** An initial value that is awaited is awaited once, in front of the declaration. */
function hoistAwaited(statement: ts.Statement, declaration: ts.VariableDeclaration, edits: FileEdits): void {
  const initializer = declaration.initializer;
  if (!initializer || !awaits(initializer)) return;
  edits.insert(
    statement.getStart(),
    `const ${initialName(declaration)} = ${edits.slice(initializer.getStart(), initializer.end)};\n`,
  );
}

/** `value!`: the program has stopped where there is none. */
export const asserted = (value: string): string =>
  /^[\w.]+(?:\([^()]*\))?$/.test(value) ? `${value}!` : `(${value})!`;

/** `sessionScoped((): T => initial)`. */
function scoped(declaration: StateDeclaration, edits: FileEdits, present = false): string {
  const initializer = initializerOf(declaration);
  const type = ts.isExportAssignment(declaration) ? undefined : typeOf(declaration);
  const awaited = initializer !== undefined && !ts.isExportAssignment(declaration) && awaits(initializer);
  const text = awaited
    ? initialName(declaration as ts.VariableDeclaration)
    : initializer
      ? edits.slice(initializer.getStart(), initializer.end)
      : 'undefined';
  const value =
    initializer && !awaited && ts.isObjectLiteralExpression(unwrap(initializer)) ? `(${text})` : text;
  const optional = !initializer && type && !/\b(?:undefined|any|unknown)\b/.test(type);
  const body = optional ? 'undefined as never' : present && type === undefined ? asserted(value) : value;
  return `sessionScoped(()${type ? `: ${type}` : ''} => ${body})`;
}

function typeOf(declaration: ts.VariableDeclaration | ts.PropertyDeclaration): string | undefined {
  if (declaration.type) return declaration.type.getText();
  if (!isTypeScript(declaration)) return undefined;
  const initializer = declaration.initializer && unwrap(declaration.initializer);
  if (!initializer) return 'any';
  if (initializer !== declaration.initializer) return undefined;
  if (initializer.kind === ts.SyntaxKind.NullKeyword || initializer.getText() === 'undefined') return 'any';
  if (ts.isArrayLiteralExpression(initializer) && initializer.elements.length === 0) return 'any[]';
  const widened = ts.isStringLiteralLike(initializer)
    ? 'string'
    : ts.isNumericLiteral(initializer)
      ? 'number'
      : initializer.kind === ts.SyntaxKind.TrueKeyword || initializer.kind === ts.SyntaxKind.FalseKeyword
        ? 'boolean'
        : undefined;
  return widened;
}

const isTypeScript = (node: ts.Node): boolean => /\.[cm]?tsx?$/.test(node.getSourceFile().fileName);
