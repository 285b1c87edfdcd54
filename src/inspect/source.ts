import { dirname, join, normalize } from 'node:path/posix';

// As CommonJS: importing it as a module would search nine megabytes for export names first (200 ms).
import ts = require('@ts-morph/common/dist/typescript.js');

import type { Location, Project } from '../model.js';

export { ts };

const SOURCE = /\.(?:[cm]?[jt]s|[jt]sx)$/;

/** Where an imported name comes from outside the project. */
export interface ExternalName {
  readonly module: string;
  /** `default`, `*` for a namespace, otherwise the exported name. */
  readonly name: string;
}

/**
 * The import closure of one entry file, parsed and bound: names resolve to their declarations across
 * modules, packages stay names. No library file is loaded, so there are symbols but no types.
 */
export class Sources {
  readonly checker: ts.TypeChecker;
  readonly files: ReadonlyMap<string, ts.SourceFile>;
  private readonly names = new Map<ts.SourceFile, string>();
  private index: Map<ts.Symbol, ts.Identifier[]> | undefined;
  private readonly symbols = new Map<ts.Node, ts.Symbol | undefined>();

  constructor(
    project: Project,
    readonly entry: string,
    readonly resolver: Resolver = new Resolver(project),
  ) {
    const closure = importClosure(project, entry, resolver);
    const program = programOf(closure, resolver);
    this.checker = program.getTypeChecker();
    this.files = closure;
    for (const [path, file] of closure) this.names.set(file, path);
  }

  pathOf(node: ts.Node): string {
    return this.names.get(node.getSourceFile()) ?? '';
  }

  locationOf(node: ts.Node): Location {
    const file = node.getSourceFile();
    const { line, character } = file.getLineAndCharacterOfPosition(node.getStart(file));
    return { file: this.pathOf(node), line: line + 1, column: character + 1 };
  }

  /** The declaration a value identifier stands for, through imports and re-exports; package names stay import aliases. */
  symbolOf(node: ts.Node): ts.Symbol | undefined {
    if (!this.symbols.has(node)) this.symbols.set(node, this.lookUp(node));
    return this.symbols.get(node);
  }

  private lookUp(node: ts.Node): ts.Symbol | undefined {
    if (ts.isPropertyAccessExpression(node)) return this.namespaceMember(node);
    if (!ts.isIdentifier(node)) return undefined;
    const parent = node.parent;
    const symbol =
      ts.isShorthandPropertyAssignment(parent) && parent.name === node
        ? this.checker.getShorthandAssignmentValueSymbol(parent)
        : ts.isExportSpecifier(parent)
          ? this.checker.getExportSpecifierLocalTargetSymbol(parent)
          : this.checker.getSymbolAtLocation(node);
    return symbol && this.resolveAlias(symbol);
  }

  /** What a symbol stands for, through imports, re-exports and `module.exports`. */
  targetOf(symbol: ts.Symbol): ts.Symbol {
    return this.resolveAlias(symbol);
  }

  private resolveAlias(symbol: ts.Symbol): ts.Symbol {
    let target = symbol;
    if (target.flags & ts.SymbolFlags.Alias) {
      const aliased = this.checker.getAliasedSymbol(target);
      if (!aliased.declarations?.length) return target;
      target = aliased;
    }
    return this.commonJsTarget(target) ?? target;
  }

  /** `module.exports = { x }` and `exports.x = x` declare a property of their own: follow it to `x`. */
  private commonJsTarget(symbol: ts.Symbol): ts.Symbol | undefined {
    const declaration = symbol.declarations?.[0];
    if (!declaration) return undefined;
    if (ts.isShorthandPropertyAssignment(declaration)) {
      const value = this.checker.getShorthandAssignmentValueSymbol(declaration);
      return value && this.resolveAlias(value);
    }
    const assigned = ts.isPropertyAssignment(declaration)
      ? declaration.initializer
      : ts.isBinaryExpression(declaration)
        ? declaration.right
        : ts.isPropertyAccessExpression(declaration) && ts.isBinaryExpression(declaration.parent)
          ? declaration.parent.right
          : undefined;
    return assigned && ts.isIdentifier(assigned) ? this.symbolOf(assigned) : undefined;
  }

  /** `ns.name` where `ns` is a module of the project. */
  private namespaceMember(node: ts.PropertyAccessExpression): ts.Symbol | undefined {
    if (!ts.isIdentifier(node.expression)) return undefined;
    const left = this.symbolOf(node.expression);
    if (!left || !(left.flags & ts.SymbolFlags.ValueModule)) return undefined;
    const member = this.checker.getExportsOfModule(left).find((symbol) => symbol.name === node.name.text);
    return member && this.resolveAlias(member);
  }

  /** The package and name an identifier was imported from, if it comes from outside the project. */
  externalOf(node: ts.Node): ExternalName | undefined {
    if (ts.isPropertyAccessExpression(node)) {
      const left = this.externalOf(node.expression);
      return left && (left.name === '*' || left.name === 'default')
        ? { module: left.module, name: node.name.text }
        : undefined;
    }
    const symbol = this.symbolOf(node);
    const external = symbol && externalName(symbol);
    // What `await import('./x.js')` returned is the project's own.
    return external?.module.startsWith('.') ? undefined : external;
  }

  /** Every value identifier in the closure that stands for the symbol, its declaration excluded. */
  referencesTo(symbol: ts.Symbol): readonly ts.Identifier[] {
    this.index ??= this.buildIndex();
    return this.index.get(symbol) ?? [];
  }

  private buildIndex(): Map<ts.Symbol, ts.Identifier[]> {
    const index = new Map<ts.Symbol, ts.Identifier[]>();
    for (const file of this.files.values())
      forEachReference(file, (identifier) => {
        const symbol = this.symbolOf(referenceNode(this, identifier));
        if (!symbol) return;
        const list = index.get(symbol);
        if (list) list.push(identifier);
        else index.set(symbol, [identifier]);
      });
    return index;
  }

  /** The symbols that a node refers to by value, in order of appearance. */
  symbolsIn(node: ts.Node): Set<ts.Symbol> {
    const found = new Set<ts.Symbol>();
    forEachReference(node, (identifier) => {
      const symbol = this.symbolOf(referenceNode(this, identifier));
      if (symbol) found.add(symbol);
    });
    return found;
  }
}

/** `ns.name` counts as a reference to `name` of the module `ns`, made by the identifier `ns`. */
function referenceNode(sources: Sources, identifier: ts.Identifier): ts.Node {
  const parent = identifier.parent;
  return ts.isPropertyAccessExpression(parent) && parent.expression === identifier && sources.symbolOf(parent)
    ? parent
    : identifier;
}

function externalName(symbol: ts.Symbol): ExternalName | undefined {
  const declaration = symbol.declarations?.[0];
  if (!declaration) return undefined;
  if (ts.isImportSpecifier(declaration)) {
    return named(
      declaration.parent.parent.parent.moduleSpecifier,
      (declaration.propertyName ?? declaration.name).text,
    );
  }
  if (ts.isImportClause(declaration)) return named(declaration.parent.moduleSpecifier, 'default');
  if (ts.isNamespaceImport(declaration)) return named(declaration.parent.parent.moduleSpecifier, '*');
  if (
    ts.isImportEqualsDeclaration(declaration) &&
    ts.isExternalModuleReference(declaration.moduleReference)
  ) {
    return named(declaration.moduleReference.expression, '*');
  }
  if (ts.isVariableDeclaration(declaration)) return requireOf(declaration.initializer, '*');
  if (ts.isBindingElement(declaration) && ts.isVariableDeclaration(declaration.parent.parent)) {
    const name = declaration.propertyName ?? declaration.name;
    return ts.isIdentifier(name) ? requireOf(declaration.parent.parent.initializer, name.text) : undefined;
  }
  return undefined;
}

const named = (specifier: ts.Node, name: string): ExternalName | undefined =>
  ts.isStringLiteral(specifier) ? { module: specifier.text, name } : undefined;

/** `require('x')`, `require('x').name`, `await import('x')`. */
function requireOf(expression: ts.Expression | undefined, name: string): ExternalName | undefined {
  if (!expression) return undefined;
  if (ts.isAwaitExpression(expression)) return requireOf(expression.expression, name);
  if (ts.isPropertyAccessExpression(expression) && name === '*')
    return requireOf(expression.expression, expression.name.text);
  if (!ts.isCallExpression(expression) || !expression.arguments[0]) return undefined;
  const callee = expression.expression;
  const isRequire =
    (ts.isIdentifier(callee) && callee.text === 'require') || callee.kind === ts.SyntaxKind.ImportKeyword;
  return isRequire ? named(expression.arguments[0], name) : undefined;
}

// A file is walked once, whoever asks for which part of it: in order of appearance, parents before their children.
const allNodes = new WeakMap<ts.SourceFile, readonly ts.Node[]>();
const allReferences = new WeakMap<ts.SourceFile, readonly ts.Identifier[]>();

/** Calls back for each identifier that reads or writes a value: no declarations, property names, labels or types. */
export function forEachReference(root: ts.Node, visit: (identifier: ts.Identifier) => void): void {
  const file = root.getSourceFile();
  const known = allReferences.get(file) ?? referencesOf(file);
  allReferences.set(file, known);
  let at = firstFrom(known, root.pos);
  for (let next = known[at]; next && next.pos < root.end; next = known[++at]) visit(next);
}

function referencesOf(file: ts.SourceFile): ts.Identifier[] {
  const found: ts.Identifier[] = [];
  const walk = (node: ts.Node): void => {
    if (ts.isTypeNode(node) && !ts.isExpressionWithTypeArguments(node)) return;
    if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node) || ts.isImportDeclaration(node))
      return;
    if (ts.isIdentifier(node) && isReference(node)) found.push(node);
    ts.forEachChild(node, walk);
  };
  walk(file);
  return found;
}

function isReference(node: ts.Identifier): boolean {
  const parent = node.parent;
  if (!parent) return false;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isShorthandPropertyAssignment(parent))
    return parent.name === node || parent.objectAssignmentInitializer === node;
  if (ts.isExportSpecifier(parent))
    return !parent.parent.parent.moduleSpecifier && (parent.propertyName ?? parent.name) === node;
  if (ts.isBindingElement(parent)) return parent.initializer === node;
  if (ts.isPropertyAssignment(parent) || ts.isPropertyDeclaration(parent) || ts.isEnumMember(parent))
    return parent.initializer === node;
  if (ts.isVariableDeclaration(parent) || ts.isParameter(parent)) return parent.initializer === node;
  if (ts.isLabeledStatement(parent) || ts.isBreakOrContinueStatement(parent) || ts.isMetaProperty(parent))
    return false;
  if (ts.isJsxAttribute(parent)) return false;
  return (
    !(
      ts.isFunctionLike(parent) ||
      ts.isClassLike(parent) ||
      ts.isEnumDeclaration(parent) ||
      ts.isModuleDeclaration(parent)
    ) || (parent as { name?: ts.Node }).name !== node
  );
}

/** The identifiers that stand in a type: `typeof x` queries and type references. */
export function typeNamesIn(root: ts.Node): Set<string> {
  const found = new Set<string>();
  const walk = (node: ts.Node): void => {
    if (ts.isTypeReferenceNode(node)) found.add(firstName(node.typeName));
    if (ts.isTypeQueryNode(node)) found.add(firstName(node.exprName));
    if (ts.isExpressionWithTypeArguments(node) && ts.isIdentifier(node.expression))
      found.add(node.expression.text);
    ts.forEachChild(node, walk);
  };
  walk(root);
  return found;
}

const firstName = (name: ts.EntityName): string => (ts.isIdentifier(name) ? name.text : firstName(name.left));

/** The function-like node whose body holds the node, or undefined at module level. */
export function enclosingFunction(node: ts.Node): ts.FunctionLikeDeclaration | undefined {
  for (let at = node.parent; at; at = at.parent) {
    if (ts.isFunctionLike(at) && 'body' in at) return at as ts.FunctionLikeDeclaration;
    if (ts.isClassStaticBlockDeclaration(at)) return undefined;
  }
  return undefined;
}

/** The statement of the source file that holds the node. */
export function topLevelStatement(node: ts.Node): ts.Statement {
  let at = node;
  while (at.parent && !ts.isSourceFile(at.parent)) at = at.parent;
  return at as ts.Statement;
}

/** Strips parentheses, `await`, `as T`, `!` and `satisfies`. */
export function unwrap(expression: ts.Expression): ts.Expression {
  let at = expression;
  while (
    ts.isParenthesizedExpression(at) ||
    ts.isAwaitExpression(at) ||
    ts.isAsExpression(at) ||
    ts.isNonNullExpression(at) ||
    ts.isSatisfiesExpression(at) ||
    ts.isTypeAssertionExpression(at)
  ) {
    at = at.expression;
  }
  return at;
}

/** The leftmost expression of `a.b().c[0]`: `a`, or `this`. */
export function rootOf(expression: ts.Expression): ts.Expression {
  let at = unwrap(expression);
  while (ts.isPropertyAccessExpression(at) || ts.isElementAccessExpression(at) || ts.isCallExpression(at))
    at = unwrap(at.expression);
  return at;
}

/** Does an `await` of this very scope (not of a nested function) stand in the node? */
export function awaits(node: ts.Node): boolean {
  let found = false;
  const walk = (at: ts.Node): void => {
    if (found || (ts.isFunctionLike(at) && at !== node)) return;
    if (ts.isAwaitExpression(at) || (ts.isForOfStatement(at) && at.awaitModifier)) found = true;
    else ts.forEachChild(at, walk);
  };
  walk(node);
  return found;
}

/** The node and all its descendants that satisfy the guard, in order of appearance. */
export function descendants<T extends ts.Node>(root: ts.Node, guard: (node: ts.Node) => node is T): T[] {
  const file = root.getSourceFile();
  const known = allNodes.get(file) ?? nodesOf(file);
  allNodes.set(file, known);
  const found: T[] = [];
  // Nodes around the root may begin where it does.
  let at = known.indexOf(root, firstFrom(known, root.pos));
  for (let node = known[at]; node && (node === root || node.pos < root.end); node = known[++at])
    if (guard(node)) found.push(node);
  return found;
}

function nodesOf(file: ts.SourceFile): ts.Node[] {
  const found: ts.Node[] = [];
  const walk = (node: ts.Node): void => {
    found.push(node);
    ts.forEachChild(node, walk);
  };
  walk(file);
  return found;
}

/** Index of the first node that does not begin before the position. */
function firstFrom(nodes: readonly ts.Node[], pos: number): number {
  let low = 0;
  let high = nodes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (nodes[middle]!.pos < pos) low = middle + 1;
    else high = middle;
  }
  return low;
}

function extensionOf(path: string): ts.Extension {
  const extension = /\.d\.ts$|\.[cm]?[jt]sx?$/.exec(path)?.[0] ?? '.ts';
  return extension as ts.Extension;
}

/** Resolves import specifiers to files of the project: relative paths, tsconfig `paths` and `baseUrl`, package.json `imports`. */
export class Resolver {
  private readonly paths: readonly { readonly pattern: string; readonly targets: readonly string[] }[];
  private readonly baseUrl: string | undefined;
  private readonly imports: Readonly<Record<string, unknown>>;

  constructor(private readonly project: Project) {
    const options = compilerOptionsOf(project);
    this.baseUrl = options.baseUrl;
    this.paths = Object.entries(options.paths ?? {}).map(([pattern, targets]) => ({ pattern, targets }));
    this.imports =
      (parseJson(project.files.get('package.json')) as { imports?: Record<string, unknown> })?.imports ?? {};
  }

  resolve(from: string, specifier: string): string | undefined {
    if (specifier.startsWith('.')) return this.file(join(dirname(from), specifier));
    for (const { pattern, targets } of this.paths) {
      const rest = matchPattern(pattern, specifier);
      if (rest === undefined) continue;
      for (const target of targets) {
        const found = this.file(join(this.baseUrl ?? '.', target.replace('*', rest)));
        if (found) return found;
      }
    }
    if (specifier.startsWith('#')) return this.importsEntry(specifier);
    return this.baseUrl !== undefined ? this.file(join(this.baseUrl, specifier)) : undefined;
  }

  private importsEntry(specifier: string): string | undefined {
    for (const [pattern, value] of Object.entries(this.imports)) {
      const rest = matchPattern(pattern, specifier);
      const target = targetsIn(value)
        .map((one) => this.file(one.replace('*', rest ?? '')))
        .find(Boolean);
      if (rest !== undefined && target) return target;
    }
    return undefined;
  }

  /** The source a path stands for: itself, its TypeScript counterpart, or an index file. */
  file(path: string): string | undefined {
    const clean = normalize(path).replace(/\/$/, '');
    const has = (candidate: string) => SOURCE.test(candidate) && this.project.files.has(candidate);
    const bare = clean.replace(/\.([cm]?)js$/, '');
    const m = /\.([cm]?)jsx?$/.exec(clean)?.[1] ?? '';
    const candidates = [
      ...(bare !== clean ? [`${bare}.${m}ts`, `${bare}.tsx`] : []),
      clean,
      ...['.ts', '.tsx', '.mts', '.cts', '.js', '.mjs', '.cjs', '.jsx'].map((extension) => clean + extension),
      ...['.ts', '.mts', '.js', '.mjs', '.cjs'].map((extension) => join(clean, `index${extension}`)),
    ];
    return candidates.find(has);
  }
}

function matchPattern(pattern: string, specifier: string): string | undefined {
  if (!pattern.includes('*')) return pattern === specifier ? '' : undefined;
  const [head = '', tail = ''] = pattern.split('*');
  return specifier.startsWith(head) &&
    specifier.endsWith(tail) &&
    specifier.length >= head.length + tail.length
    ? specifier.slice(head.length, specifier.length - tail.length)
    : undefined;
}

function targetsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return value && typeof value === 'object' ? Object.values(value).flatMap(targetsIn) : [];
}

/** JSON with comments and trailing commas, as tsconfig allows; undefined when it cannot be read. */
export function parseJson(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  return ts.parseConfigFileTextToJson('file.json', text).config;
}

export interface CompilerOptions {
  readonly [name: string]: unknown;
  readonly outDir?: string;
  readonly rootDir?: string;
  readonly baseUrl?: string;
  readonly paths?: Readonly<Record<string, readonly string[]>>;
}

/** Compiler options of a tsconfig with those it extends; path-like options relative to the project root. */
export function compilerOptionsOf(
  project: Project,
  config = 'tsconfig.json',
  seen: readonly string[] = [],
): CompilerOptions {
  const text = project.files.get(config) ?? project.workspaceFiles?.get(config);
  const json = parseJson(text) as
    | { extends?: string | string[]; compilerOptions?: Record<string, unknown> }
    | undefined;
  if (!json || seen.includes(config)) return {};
  const inherited = [json.extends ?? []]
    .flat()
    .filter((path) => path.startsWith('.'))
    .map((path) => compilerOptionsOf(project, withJson(join(dirname(config), path)), [...seen, config]));
  const own = { ...json.compilerOptions };
  for (const key of ['outDir', 'rootDir', 'baseUrl'] as const) {
    if (typeof own[key] === 'string') own[key] = join(dirname(config), own[key] as string).replace(/\/$/, '');
  }
  if (own['paths'] && own['baseUrl'] === undefined && dirname(config) !== '.')
    own['baseUrl'] = dirname(config);
  return Object.assign({}, ...inherited, own) as CompilerOptions;
}

const withJson = (path: string): string => (path.endsWith('.json') ? path : `${path}.json`);

/** The files reachable from the entry by static imports, requires and literal dynamic imports, parsed, entry first. */
function importClosure(project: Project, entry: string, resolver: Resolver): Map<string, ts.SourceFile> {
  const closure = new Map<string, ts.SourceFile>();
  const queue = [entry];
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    const text = project.files.get(path);
    if (text === undefined || closure.has(path)) continue;
    closure.set(path, ts.createSourceFile(`/${path}`, text, ts.ScriptTarget.ESNext, true));
    const { importedFiles } = ts.preProcessFile(text, true, true);
    for (const { fileName } of importedFiles) {
      const target = resolver.resolve(path, fileName);
      if (target) queue.push(target);
    }
    if (/\bimport\s*\(\s*(?!['"`)][^$'"`]*['"`]\s*\))/.test(text) && /\breaddir|\bglob/.test(text)) {
      queue.push(...siblingsLoadedByName(project, path));
    }
  }
  return closure;
}

/** The files as one program. Nothing is read from the disk. */
function programOf(files: ReadonlyMap<string, ts.SourceFile>, resolver: Resolver): ts.Program {
  const fileOf = (name: string): ts.SourceFile | undefined => files.get(name.replace(/^\//, ''));
  return ts.createProgram({
    rootNames: [...files.keys()].map((path) => `/${path}`),
    options: {
      allowJs: true,
      noLib: true,
      types: [],
      target: ts.ScriptTarget.ESNext,
      module: ts.ModuleKind.ESNext,
    },
    host: {
      getSourceFile: fileOf,
      fileExists: (name) => fileOf(name) !== undefined,
      readFile: (name) => fileOf(name)?.text,
      resolveModuleNameLiterals: (specifiers, from) =>
        specifiers.map(({ text }) => {
          const path = resolver.resolve(from.replace(/^\//, ''), text);
          return {
            resolvedModule:
              path && files.has(path)
                ? { resolvedFileName: `/${path}`, extension: extensionOf(path) }
                : undefined,
          };
        }),
      getCurrentDirectory: () => '/',
      getCanonicalFileName: (name) => name,
      useCaseSensitiveFileNames: () => true,
      getDefaultLibFileName: () => '/lib.d.ts',
      getNewLine: () => '\n',
      writeFile: () => undefined,
    },
  });
}

/** Modules a directory scan with `import(path)` may load: every source below the scanning file's folder. */
function siblingsLoadedByName(project: Project, path: string): string[] {
  const folder = dirname(path) === '.' ? 'src/' : `${dirname(path)}/`;
  return [...project.files.keys()].filter(
    (file) => file.startsWith(folder) && SOURCE.test(file) && !/\.(?:test|spec|d)\.|__tests__/.test(file),
  );
}
