import { dirname, join } from 'node:path/posix';

// As CommonJS: importing it as a module would search nine megabytes for export names first (200 ms).
import tsMorph = require('ts-morph');

import type { Location, Project } from '../model.js';
import { Resolver, SOURCE } from './resolver.js';
import { forEachReference, ts, unwrap } from './syntax.js';

export { Resolver } from './resolver.js';
export * from './syntax.js';

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
  readonly syntaxErrors: (file: ts.SourceFile) => readonly ts.DiagnosticWithLocation[];
  readonly files: ReadonlyMap<string, ts.SourceFile>;
  /** Modules that a computed `import(…)` or `require(…)` may load. */
  private readonly loadedByName = new Set<string>();
  private readonly names = new Map<ts.SourceFile, string>();
  private index: Map<ts.Symbol, ts.Identifier[]> | undefined;
  private readonly symbols = new Map<ts.Node, ts.Symbol | undefined>();

  constructor(
    project: Project,
    readonly entry: string,
    readonly resolver: Resolver = new Resolver(project),
    /** Does a bundler make one file of all of them? */
    readonly isBundled = false,
  ) {
    const closure = importClosure(project, entry, resolver, this.loadedByName);
    const morph = new tsMorph.Project({
      useInMemoryFileSystem: true,
      skipFileDependencyResolution: true,
      skipLoadingLibFiles: true,
      compilerOptions: {
        allowJs: true,
        noLib: true,
        types: [],
        target: ts.ScriptTarget.ESNext,
        module: ts.ModuleKind.ESNext,
      },
      resolutionHost: () => ({
        resolveModuleNames: (specifiers, from) =>
          specifiers.map((specifier) => {
            const path = resolver.resolve(from.replace(/^\//, ''), specifier);
            return path && closure.has(path)
              ? { resolvedFileName: `/${path}`, extension: extensionOf(path) }
              : undefined;
          }),
      }),
    });
    for (const path of closure) morph.createSourceFile(`/${path}`, project.files.get(path) ?? '');
    const program = morph.getProgram().compilerObject;
    this.checker = program.getTypeChecker();
    this.syntaxErrors = (file) => program.getSyntacticDiagnostics(file);
    const files = new Map<string, ts.SourceFile>();
    for (const path of closure) {
      const file = program.getSourceFile(`/${path}`);
      if (!file) continue;
      files.set(path, file);
      this.names.set(file, path);
    }
    this.files = files;
  }

  /** May the module of a node be loaded by a computed name, so that whoever does so may use all that it exports? */
  isLoadedByName(node: ts.Node): boolean {
    return this.loadedByName.has(this.pathOf(node));
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
    return this.importedLater(target) ?? this.commonJsTarget(target) ?? target;
  }

  /** `const { name } = await import('./own.js')` stands for what the project's module exports, like an import. */
  private importedLater(symbol: ts.Symbol): ts.Symbol | undefined {
    const element = symbol.valueDeclaration;
    if (!element || !ts.isBindingElement(element) || element.initializer || element.dotDotDotToken)
      return undefined;
    const file = ownModuleOf(this, element.parent);
    const name = element.propertyName ?? element.name;
    const module = file && ts.isIdentifier(name) ? this.checker.getSymbolAtLocation(file) : undefined;
    const exported =
      module && this.checker.getExportsOfModule(module).find((one) => one.name === name.getText());
    return exported && this.resolveAlias(exported);
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
    if (!left || !(left.flags & ts.SymbolFlags.ValueModule) || isGivenProperties(left)) return undefined;
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

/** In JavaScript `server.onerror = …` makes a module of the variable, for the compiler. */
const isGivenProperties = ({ flags }: ts.Symbol): boolean =>
  (flags & ts.SymbolFlags.Assignment) !== 0 &&
  (flags & (ts.SymbolFlags.Variable | ts.SymbolFlags.Function | ts.SymbolFlags.Class)) !== 0;

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
  const together = ts.isBindingElement(declaration) ? importedTogether(declaration) : undefined;
  if (together && ts.isBindingElement(declaration)) {
    const name = declaration.propertyName ?? declaration.name;
    return ts.isIdentifier(name) ? requireOf(together, name.text) : undefined;
  }
  if (ts.isBindingElement(declaration) && ts.isVariableDeclaration(declaration.parent.parent)) {
    const name = declaration.propertyName ?? declaration.name;
    return ts.isIdentifier(name) ? requireOf(declaration.parent.parent.initializer, name.text) : undefined;
  }
  return undefined;
}

/** The project's own module that `const { … } = await import('./own.js')` takes apart. */
export function ownModuleOf(sources: Sources, pattern: ts.BindingPattern): ts.SourceFile | undefined {
  const variable = pattern.parent;
  if (!ts.isObjectBindingPattern(pattern) || !ts.isVariableDeclaration(variable)) return undefined;
  const awaited = variable.initializer;
  const call = awaited && ts.isAwaitExpression(awaited) ? awaited.expression : undefined;
  if (!call || !ts.isCallExpression(call) || call.expression.kind !== ts.SyntaxKind.ImportKeyword)
    return undefined;
  const specifier = call.arguments[0];
  if (!specifier || !ts.isStringLiteralLike(specifier)) return undefined;
  const path = sources.resolver.resolve(sources.pathOf(pattern), specifier.text);
  return path === undefined ? undefined : sources.files.get(path);
}

/** The `import('x')` of a name in `const [{ name }] = await Promise.all([import('x')])`. */
function importedTogether(element: ts.BindingElement): ts.Expression | undefined {
  const outer = element.parent.parent;
  if (!ts.isBindingElement(outer) || !ts.isArrayBindingPattern(outer.parent)) return undefined;
  const variable = outer.parent.parent;
  if (!ts.isVariableDeclaration(variable) || !variable.initializer) return undefined;
  const call = unwrap(variable.initializer);
  if (!ts.isCallExpression(call) || call.expression.getText() !== 'Promise.all') return undefined;
  const list = call.arguments[0];
  return list && ts.isArrayLiteralExpression(list)
    ? list.elements[outer.parent.elements.indexOf(outer)]
    : undefined;
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

function extensionOf(path: string): ts.Extension {
  const extension = /\.d\.ts$|\.[cm]?[jt]sx?$/.exec(path)?.[0] ?? '.ts';
  return extension as ts.Extension;
}

/** The files reachable from the entry by static imports, requires and literal dynamic imports, entry first. */
function importClosure(
  project: Project,
  entry: string,
  resolver: Resolver,
  byName: Set<string>,
): ReadonlySet<string> {
  const closure = new Set<string>();
  const queue = [entry];
  for (const path of queue) {
    const text = project.files.get(path);
    if (text === undefined || closure.has(path)) continue;
    closure.add(path);
    for (const specifier of specifiersIn(text)) {
      const target = resolver.resolve(path, specifier);
      if (target) queue.push(target);
    }
    for (const loaded of loadedByName(project, path, text)) {
      byName.add(loaded);
      queue.push(loaded);
    }
  }
  return closure;
}

/** What a module imports; the compiler's own survey leaves out `export * as name from`. */
const specifiersIn = (text: string): string[] => [
  ...ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName),
  ...[...text.matchAll(/\bexport\s*\*\s*as\s+[\w$]+\s+from\s*['"]([^'"]+)['"]/g)].map(
    ([, specifier = '']) => specifier,
  ),
];

/** `import(file)`, `require(path.join(dir, file))`, with what is computed. */
const COMPUTED = /\b(?:import|require)\s*\(\s*((?!['"`][^$'"`]*['"`]\s*\))[^;\n]*)/g;

/** Does a line of comment come to an offset, one that begins with it? */
const isCommented = (text: string, offset: number): boolean =>
  /^\s*(?:\/\/|\/?\*(?!.*\*\/))/.test(text.slice(text.lastIndexOf('\n', offset) + 1, offset));

/** Does an expression start from where the module is, by itself or through a variable that does? */
function startsHere(text: string): (expression: string) => boolean {
  const names = ['__dirname', '__filename', 'import\\.meta\\.(?:url|dirname|filename)'];
  const found = () => new RegExp(`(?<![\\w$.])(?:${names.join('|')})\\b`);
  const declared = [...text.matchAll(/\b(?:const|let|var)\s+(\w+)\s*=([^;\n]*)/g)];
  for (const [, name = '', value = ''] of declared)
    if (name !== 'require' && !names.includes(name) && found().test(value)) names.push(name);
  return (expression) => found().test(expression);
}

/** `require(path.join(__dirname, '../dist/index.js'))`, also through a variable: one file, which a build has written. */
function namesOutput(text: string, argument: string): boolean {
  const name = /^\w+(?=\s*\))/.exec(argument)?.[0];
  const value = name && new RegExp(`\\b(?:const|let|var)\\s+${name}\\s*=([^;\\n]*)`).exec(text)?.[1];
  const path = (value ?? argument).replace(/\.{1,2}\//g, '');
  return /^[^+$]*['"`](?:dist|build|out)['"`,/][^+$]*\w\.[cm]?js['"`]/.test(path);
}

/**
 * Modules that a computed `import(…)` or `require(…)` may load: those below the folder that it names, and every source below
 * the loading file's own where a directory is scanned, or the path begins there.
 */
function loadedByName(project: Project, path: string, text: string): string[] {
  const computed = [...text.matchAll(COMPUTED)]
    .filter(({ index }) => !isCommented(text, index))
    .map(([, argument = '']) => argument)
    .filter((argument) => !/\.(?:json|node)['"`]/.test(argument));
  const here = startsHere(text);
  const isScan =
    computed.some((argument) => here(argument) && !namesOutput(text, argument)) ||
    (computed.length > 0 && /\breaddir|\bglob(?!al)/.test(text));
  const named = [
    ...text.matchAll(/\b(?:import|require)\s*\(\s*(?:`(\.{1,2}\/[^`$]*)\$|['"](\.{1,2}\/[^'"]*)['"]\s*\+)/g),
  ];
  const folders = [...(isScan ? ['.'] : []), ...named.map(([, template, head]) => template ?? head ?? '')];
  const starts = folders.map((folder) => join(dirname(path), folder).replace(/^\.\/?$/, ''));
  if (starts.length === 0) return [];
  return [...project.files.keys()].filter(
    (file) =>
      starts.some((start) => file.startsWith(start)) &&
      SOURCE.test(file) &&
      project.outputs?.has(file) !== true &&
      !/\.(?:test|spec|d|config)\.|(?:^|\/)(?:__tests__|tests?|scripts?|dist|build)\//.test(file),
  );
}
