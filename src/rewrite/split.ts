import { basename, dirname, join, relative } from 'node:path/posix';
import type { Analysis } from '../inspect/analysis.js';
import { isInside } from '../inspect/connect.js';
import { callsFrame, namesOf } from '../inspect/lifetimes.js';
import { awaits, type Sources, topLevelStatement, ts } from '../inspect/source.js';
import type { Build, Diagnostic, Project } from '../model.js';
import { extentOf, type FileEdits, indentUnit, reindent } from './edits.js';
import { importedNames, isImport, isSideEffectImport, namesUsedIn, narrowImport } from './imports.js';
import type { Registration } from './registrations.js';
import { transportParameter } from './runners.js';

/** Where the HTTP service finds the factory, and the module that was made for it, if any. */
export interface Split {
  readonly kind: 'server' | 'server-factory';
  readonly module: string;
  readonly exportName: string;
  /** The new module with the server, next to the entry. */
  readonly created?: { readonly path: string; readonly text: string };
  readonly diagnostics: readonly Diagnostic[];
}

export interface SplitInput {
  readonly project: Project;
  readonly analysis: Analysis;
  readonly build: Build;
  readonly editsOf: (file: ts.SourceFile) => FileEdits;
  readonly registrations: readonly Registration[];
  /** Import line that brings what the text calls of the session-scope module into a module at this path. */
  readonly scopeImport: (path: string, text: string) => string;
  readonly scopedFiles: ReadonlySet<ts.SourceFile>;
}

/** Divides the module that starts the server into the factory and the stdio program. */
export function splitEntry(input: SplitInput): Split {
  return new Splitter(input).run();
}

type Place = 'directive' | 'import' | 'shell' | 'server' | 'process';

class Splitter {
  private readonly sources: Sources;
  private readonly file: ts.SourceFile;
  private readonly path: string;
  private readonly edits: FileEdits;
  private readonly unit: string;
  private readonly places = new Map<ts.Statement, Place>();
  /** Statements inside the frame's function (or inside blocks on the way) that run once at start. */
  private readonly setUp: ts.Statement[] = [];
  /** Statements inside the frame that are repeated for each client. */
  private readonly frameServer: ts.Statement[] = [];
  /** Statements that need the connection to exist. */
  private readonly afterConnect: ts.Statement[] = [];
  private readonly semicolon: string;
  private readonly quote: string;
  private readonly isTypeScript: boolean;
  private readonly isCommonJs: boolean;
  private readonly diagnostics: Diagnostic[] = [];

  constructor(private readonly input: SplitInput) {
    const { analysis } = input;
    this.sources = analysis.sources;
    this.file = analysis.lifetimes.frame.file;
    this.path = this.sources.pathOf(this.file);
    this.edits = input.editsOf(this.file);
    this.unit = indentUnit(this.file.text);
    this.semicolon = /;[ \t]*(?:\r?\n|$)/.test(this.file.text) ? ';' : '';
    this.quote =
      (this.file.text.match(/from\s+"/g)?.length ?? 0) > (this.file.text.match(/from\s+'/g)?.length ?? 0) ||
      /require\("/.test(this.file.text)
        ? '"'
        : "'";
    this.isTypeScript = /\.[cm]?tsx?$/.test(this.path);
    this.isCommonJs =
      !this.isTypeScript &&
      !this.file.statements.some(
        (statement) => ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement),
      ) &&
      /\brequire\s*\(/.test(this.file.text);
  }

  run(): Split {
    this.assignPlaces();
    const direct = this.site.factory ? this.servedFactory(this.site.factory) : this.existingFactory();
    if (direct) return direct;
    return this.runsOnImport() ? this.intoSibling() : this.inPlace();
  }

  private get lifetimes() {
    return this.input.analysis.lifetimes;
  }

  private get frame() {
    return this.lifetimes.frame;
  }

  private get site() {
    return this.input.analysis.site;
  }

  /** Does importing the module start the program? */
  private runsOnImport(): boolean {
    if (!this.frame.fn) return true;
    return (
      this.file.statements.some(
        (statement) =>
          callsFrame(this.sources, statement, this.frame) && !isInside(this.frame.fn!, statement),
      ) || this.isCalledWhereItStands()
    );
  }

  private isCalledWhereItStands(): boolean {
    let at: ts.Node = this.frame.fn!;
    while (ts.isParenthesizedExpression(at.parent)) at = at.parent;
    return ts.isCallExpression(at.parent) || ts.isPropertyAccessExpression(at.parent);
  }

  private assignPlaces(): void {
    const { server, transport } = this.lifetimes;
    const holder = this.frame.fn ? topLevelStatement(this.frame.fn) : topLevelStatement(this.site.call);
    for (const statement of this.file.statements) {
      const place: Place =
        statement === holder ||
        transport.has(statement) ||
        callsFrame(this.sources, statement, this.frame) ||
        isExportsAssignment(statement) ||
        isConsoleHijack(statement) ||
        this.exportsServer(statement)
          ? 'shell'
          : isDirective(statement)
            ? 'directive'
            : isImport(statement)
              ? 'import'
              : server.has(statement)
                ? 'server'
                : 'process';
      this.places.set(statement, place);
    }
    const isTop = new Set<ts.Statement>(this.file.statements);
    for (const statement of this.frame.before) if (!isTop.has(statement)) this.placeInFrame(statement, false);
    for (const statement of this.frame.after) if (!isTop.has(statement)) this.placeInFrame(statement, true);
    this.keepWithShell();
  }

  private placeInFrame(statement: ts.Statement, after: boolean): void {
    const { server, transport } = this.lifetimes;
    if (
      transport.has(statement) ||
      isKeepAlive(statement) ||
      isConsoleHijack(statement) ||
      (after && ts.isReturnStatement(statement))
    )
      return;
    this.exitInsteadOfReturn(statement);
    if (!server.has(statement)) this.setUp.push(statement);
    else if (after && needsConnection(statement)) this.afterConnect.push(statement);
    else this.frameServer.push(statement);
  }

  /** A `return` that gave up starting the program: in the factory, the program ends there as well. */
  private exitInsteadOfReturn(statement: ts.Statement): void {
    const walk = (node: ts.Node): void => {
      if (ts.isFunctionLike(node) || ts.isClassLike(node)) return;
      if (!ts.isReturnStatement(node)) return ts.forEachChild(node, walk);
      if (node.expression && node.expression.getText() !== 'undefined')
        this.diagnostics.push({ code: 'early-return', at: this.sources.locationOf(node), args: {} });
      else this.edits.replace(node.getStart(), node.end, `process.exit()${this.semicolon}`);
    };
    walk(statement);
  }

  private exportsServer(statement: ts.Statement): boolean {
    if (
      !ts.isExportAssignment(statement) &&
      !(ts.isExportDeclaration(statement) && !statement.moduleSpecifier)
    )
      return false;
    return [...this.sources.symbolsIn(statement)].some((symbol) => this.lifetimes.serverNames.has(symbol));
  }

  /** Declarations that only the stdio program uses stay with it. */
  private keepWithShell(): void {
    for (let grew = true; grew; ) {
      grew = false;
      const shell = namesUsedIn(this.shellNodes());
      const others = (own: ts.Statement) =>
        namesUsedIn(
          [...this.coreNodes(), ...this.factoryStatements(), this.connected()].filter((node) => node !== own),
        );
      for (const [statement, place] of this.places) {
        if ((place !== 'process' && place !== 'server') || isExported(statement)) continue;
        if (
          !ts.isFunctionDeclaration(statement) &&
          !ts.isClassDeclaration(statement) &&
          !(ts.isVariableStatement(statement) && place === 'process')
        )
          continue;
        const names = declaredNames(statement);
        if (names.length === 0 || !names.some((name) => shell.has(name))) continue;
        const used = others(statement);
        if (names.some((name) => used.has(name)) || this.usedByOtherFiles(statement)) continue;
        this.places.set(statement, 'shell');
        grew = true;
      }
    }
  }

  private usedByOtherFiles(statement: ts.Statement): boolean {
    return [...namesOf(this.sources, new Set([statement]))].some(
      (symbol) =>
        this.sources.referencesTo(symbol).some((reference) => reference.getSourceFile() !== this.file) ||
        this.lifetimes.isolated.has(symbol),
    );
  }

  /** The expression that the factory evaluates to obtain the server. */
  private connected(): ts.Expression {
    return this.site.factory ?? this.site.server ?? this.site.call;
  }

  private statementsAt(place: Place): ts.Statement[] {
    return this.file.statements.filter((statement) => this.places.get(statement) === place);
  }

  private coreNodes(): ts.Statement[] {
    return this.statementsAt('process');
  }

  private factoryStatements(): ts.Statement[] {
    return [...this.statementsAt('server'), ...this.setUp, ...this.frameServer, ...this.afterConnect];
  }

  /** The syntax that remains in the stdio program: whole statements, and the frame without what moves out. */
  private shellNodes(): ts.Node[] {
    const moved = new Set<ts.Node>([...this.setUp, ...this.frameServer, ...this.afterConnect]);
    const replaced = this.site.factory ?? this.site.server ?? this.site.call;
    const nodes: ts.Node[] = [];
    const walk = (node: ts.Node): void => {
      if (moved.has(node)) return;
      if (node === replaced) return;
      if (containsAny(node, moved, replaced)) {
        if (ts.isIdentifier(node)) nodes.push(node);
        ts.forEachChild(node, walk);
      } else nodes.push(node);
    };
    for (const statement of this.statementsAt('shell')) walk(statement);
    return nodes;
  }

  // ---- the factory ----

  /** `const server = createServer()` and nothing else: the project's own factory is used as it is. */
  private existingFactory(): Split | undefined {
    const body = [...this.statementsAt('server'), ...this.frameServer];
    if (
      this.input.registrations.length > 0 ||
      this.setUp.length > 0 ||
      this.afterConnect.length > 0 ||
      this.site.runners.length > 0
    )
      return undefined;
    const [only] = body;
    const made =
      body.length === 1 &&
      only &&
      ts.isVariableStatement(only) &&
      only.declarationList.declarations.length === 1
        ? only.declarationList.declarations[0]
        : undefined;
    const direct =
      body.length === 0
        ? this.site.server
        : made && this.site.server && made.name.getText() === this.site.server.getText()
          ? made.initializer
          : undefined;
    const call = direct && ts.isAwaitExpression(direct) ? direct.expression : direct;
    if (!call || !ts.isCallExpression(call) || call.arguments.length > 0) return undefined;
    const symbol = this.sources.symbolOf(call.expression);
    const declaration = symbol?.valueDeclaration;
    if (!declaration) return undefined;
    const home = topLevelStatement(declaration);
    const exported = isExported(home) && !hasDefault(home);
    const elsewhere = declaration.getSourceFile() !== this.file;
    if (!exported || (elsewhere && this.hasCore()) || (!elsewhere && this.runsOnImport())) return undefined;
    return {
      kind: 'server',
      module: this.sources.pathOf(declaration),
      exportName: symbol.name,
      diagnostics: this.diagnostics,
    };
  }

  /** `serveStdio(createServer)`: an exported function of another module is used as it is. */
  private servedFactory(factory: ts.Expression): Split | undefined {
    if (this.setUp.length > 0 || this.input.registrations.length > 0) return undefined;
    const called =
      ts.isArrowFunction(factory) &&
      factory.parameters.length === 0 &&
      !ts.isBlock(factory.body) &&
      ts.isCallExpression(factory.body) &&
      factory.body.arguments.length === 0
        ? factory.body.expression
        : factory;
    const symbol = ts.isIdentifier(called) ? this.sources.symbolOf(called) : undefined;
    const declaration = symbol?.valueDeclaration;
    if (!declaration || !symbol) return undefined;
    const home = topLevelStatement(declaration);
    const elsewhere = declaration.getSourceFile() !== this.file;
    if (!isExported(home) || hasDefault(home) || (elsewhere ? this.hasCore() : this.runsOnImport()))
      return undefined;
    return {
      kind: 'server',
      module: this.sources.pathOf(declaration),
      exportName: symbol.name,
      diagnostics: this.diagnostics,
    };
  }

  /** Would the module with the factory hold anything but imports? */
  private hasCore(): boolean {
    return (
      this.coreNodes().some(
        (statement) => !ts.isInterfaceDeclaration(statement) && !ts.isTypeAliasDeclaration(statement),
      ) || this.statementsAt('import').some(isSideEffectImport)
    );
  }

  private readonly factoryName = (): string =>
    this.freeName(['createServer', 'createMcpServer', 'buildMcpServer', 'createServerInstance']);

  private freeName(candidates: readonly string[]): string {
    const taken = new Set<string>();
    const walk = (node: ts.Node): void => {
      if (ts.isIdentifier(node)) taken.add(node.text);
      ts.forEachChild(node, walk);
    };
    walk(this.file);
    return candidates.find((name) => !taken.has(name)) ?? `${candidates.at(-1)}2`;
  }

  private isAsyncFactory(): boolean {
    const statements = [...this.statementsAt('server'), ...this.frameServer];
    return (
      statements.some((statement) => !ts.isFunctionDeclaration(statement) && awaits(statement)) ||
      (this.site.server !== undefined && awaits(this.site.server)) ||
      this.input.registrations.some((one) => one.isAsync) ||
      this.site.awaitsServer === true
    );
  }

  /** Names of the factory's or set-up's scope that the stdio program goes on using. */
  private needed(): string[] {
    const own = namesOf(
      this.sources,
      new Set([...this.statementsAt('server'), ...this.setUp, ...this.frameServer]),
    );
    const used = new Set<string>();
    for (const node of this.shellNodes())
      for (const symbol of this.sources.symbolsIn(node)) if (own.has(symbol)) used.add(symbol.name);
    for (const statement of this.statementsAt('server'))
      if (isExported(statement)) for (const name of declaredNames(statement)) used.add(name);
    const connected = this.connectedName();
    const names = [...used];
    return names.length === 1 && names[0] === connected && !this.returnsObject ? [] : names;
  }

  private get returnsObject(): boolean {
    return (
      !this.site.factory &&
      (this.site.runners.length > 0 || this.site.server === undefined || this.afterConnect.length > 0)
    );
  }

  /** The variable that holds what is connected, when it is a plain variable. */
  private connectedName(): string | undefined {
    const server = this.site.server;
    return server && ts.isIdentifier(server) && !this.isScoped(server) ? server.text : undefined;
  }

  private isScoped(identifier: ts.Identifier): boolean {
    const symbol = this.sources.symbolOf(identifier);
    return symbol !== undefined && this.lifetimes.isolated.has(symbol);
  }

  private serverText(): string {
    const server = this.site.server!;
    const text = this.edits.slice(server.getStart(), server.end);
    return this.site.awaitsServer ? `await ${text}` : text;
  }

  /** `(transport: Transport) => app.run(transport)`, or the connect itself with what follows it. */
  private connectFunction(level: number): string {
    const annotation = this.isTypeScript ? 'transport: Transport' : 'transport';
    if (this.afterConnect.length > 0 && this.site.server) {
      const pad = this.unit.repeat(level + 1);
      const after = this.afterConnect.map((statement) => this.moved(statement, level + 1)).join('\n');
      return `async (${annotation}) => {\n${pad}await ${this.serverText()}.connect(transport)${this.semicolon}\n${after}\n${this.unit.repeat(level)}}`;
    }
    if (this.site.runners.length === 0 && this.site.server)
      return `(${annotation}) => ${this.serverText()}.connect(transport)`;
    const call = this.site.call;
    return `(${annotation}) => ${this.edits.slice(call.getStart(), call.arguments.pos)}${transportArguments(this.edits, call, this.site.runners[0]?.fn)})`;
  }

  private result(level: number): string {
    const needed = this.needed();
    const pad = this.unit.repeat(level);
    if (!this.returnsObject && needed.length === 0)
      return `${pad}return ${this.serverText()}${this.semicolon}`;
    const parts = [`connect: ${this.connectFunction(level)}`, ...needed];
    return `${pad}return { ${parts.join(', ')} }${this.semicolon}`;
  }

  /** A statement's text, without `export`, at the given level of indentation. */
  private moved(statement: ts.Statement, level: number): string {
    const { start, end } = extentOf(statement);
    const depth = this.depthOf(start);
    if (level > 0) this.dropExport(statement);
    return reindent(this.edits, start, end, level - depth, this.unit);
  }

  private dropExport(statement: ts.Statement): void {
    for (const modifier of ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : []) {
      if (modifier.kind === ts.SyntaxKind.ExportKeyword)
        this.edits.replace(modifier.getStart(), modifier.end + 1, '');
    }
  }

  private depthOf(start: number): number {
    const leading = /^[ \t]*/.exec(this.file.text.slice(start, start + 80))?.[0] ?? '';
    return Math.round(leading.length / this.unit.length);
  }

  /** Statements one after the other, with the blank lines they had between them. */
  private block(statements: readonly ts.Statement[], level: number): string {
    return statements
      .map((statement, index) => {
        const previous = statements[index - 1];
        const gap =
          previous &&
          /\n[ \t]*\r?\n/.test(this.file.text.slice(extentOf(previous).end, extentOf(statement).start + 1))
            ? '\n'
            : '';
        return gap + this.moved(statement, level);
      })
      .join('\n');
  }

  private factory(): { text: string; kind: Split['kind']; name: string; isAsync: boolean } {
    const isAsync = this.isAsyncFactory();
    const name = this.factoryName();
    const body = (level: number): string => {
      const calls = this.input.registrations.map(
        (one) => `${this.unit.repeat(level)}${one.isAsync ? 'await ' : ''}${one.name}()${this.semicolon}`,
      );
      const statements = this.block([...this.statementsAt('server'), ...this.frameServer], level);
      const pieces = [statements, calls.join('\n'), this.result(level)].filter((piece) => piece !== '');
      return pieces.join(pieces.length > 2 || statements.includes('\n\n') ? '\n\n' : '\n');
    };
    const exported = this.isCommonJs ? '' : 'export ';
    // A check that exits narrows a constant for arrow functions after it, not for hoisted declarations.
    const asArrow = this.coreNodes().some(isExitingCheck);
    const head = (own: string, isAsync: boolean, returns = '') => {
      const mark = isAsync ? 'async ' : '';
      return asArrow ? `const ${own} = ${mark}()${returns} => {` : `${mark}function ${own}()${returns} {`;
    };
    const returns = this.returnType(isAsync);
    const tail = asArrow ? `}${this.semicolon}` : '}';
    if (this.site.factory) return this.servedFactoryText(this.site.factory, name, head, tail, exported);
    const doc = '/** Builds one server; every client has its own. */\n';
    if (this.setUp.length === 0)
      return {
        kind: 'server',
        name,
        isAsync,
        text: `${doc}${exported}${head(name, isAsync, returns)}\n${body(1)}\n${tail}\n`,
      };
    const outer = this.freeName([`${name}Factory`]);
    const awaitsSetUp = this.setUp.some(
      (statement) => !ts.isFunctionDeclaration(statement) && awaits(statement),
    );
    const text = [
      '/** Prepares what all clients share, once, and returns the function that builds one server for each client. */',
      `${exported}${head(outer, awaitsSetUp)}`,
      this.block(this.setUp, 1),
      '',
      `${this.unit}return ${isAsync ? 'async ' : ''}()${returns} => {`,
      body(2),
      `${this.unit}}${this.semicolon}`,
      `${tail}\n`,
    ].join('\n');
    return { kind: 'server-factory', name: outer, isAsync, text };
  }

  /** The function given to `serveStdio`, under a name of its own. */
  private servedFactoryText(
    factory: ts.Expression,
    name: string,
    head: (own: string, isAsync: boolean) => string,
    tail: string,
    exported: string,
  ): { text: string; kind: Split['kind']; name: string; isAsync: boolean } {
    const level = this.depthOf(this.file.text.lastIndexOf('\n', factory.getStart()) + 1);
    const text = (to: number) => reindent(this.edits, factory.getStart(), factory.end, to - level, this.unit);
    const calls = this.input.registrations.map(
      (one) => `${one.isAsync ? 'await ' : ''}${one.name}()${this.semicolon}`,
    );
    const value = (to: number) =>
      calls.length === 0
        ? text(to)
        : `async () => {\n${this.unit.repeat(to + 1)}${calls.join(`\n${this.unit.repeat(to + 1)}`)}\n${this.unit.repeat(to + 1)}return (${text(to + 1)})()${this.semicolon}\n${this.unit.repeat(to)}}`;
    if (this.setUp.length === 0) {
      return {
        kind: 'server',
        name,
        isAsync: false,
        text: `/** Builds one server; every client has its own. */\n${exported}const ${name} = ${value(0)}${this.semicolon}\n`,
      };
    }
    const outer = this.freeName([`${name}Factory`]);
    const lines = [
      '/** Prepares what all clients share, once, and returns the function that builds one server for each client. */',
      `${exported}${head(outer, this.setUpAwaits())}`,
      this.block(this.setUp, 1),
      '',
      `${this.unit}return ${value(1)}${this.semicolon}`,
      `${tail}\n`,
    ];
    return { kind: 'server-factory', name: outer, isAsync: false, text: lines.join('\n') };
  }

  /** `: McpServer`, where the syntax tells: declarations of an inferred type may need names that cannot be written. */
  private returnType(isAsync: boolean): string {
    const server = this.site.server;
    if (
      !this.isTypeScript ||
      this.returnsObject ||
      this.needed().length > 0 ||
      !server ||
      !ts.isIdentifier(server)
    )
      return '';
    const declaration = this.sources.symbolOf(server)?.valueDeclaration;
    if (!declaration || !ts.isVariableDeclaration(declaration)) return '';
    const made = declaration.initializer;
    const type =
      declaration.type?.getText() ??
      (made && ts.isNewExpression(made) && !made.typeArguments ? made.expression.getText() : undefined);
    return type ? `: ${isAsync ? `Promise<${type}>` : type}` : '';
  }

  // ---- a new module beside the entry ----

  private intoSibling(): Split {
    const path = this.siblingPath();
    const specifier = `./${this.specifierFor(path)}`;
    this.redirectImports(path);
    const exports = this.sharedNames();
    for (const statement of this.coreNodes()) this.exportIfNamed(statement, exports);
    const factory = this.factory();
    const created = this.coreText(path, factory, exports);
    this.editShell(specifier, factory, exports);
    return {
      kind: factory.kind,
      module: path,
      exportName: factory.name,
      created: { path, text: created },
      diagnostics: this.diagnostics,
    };
  }

  private siblingPath(): string {
    const extension = /\.[^.]+$/.exec(this.path)![0].replace('tsx', 'ts');
    const names = ['create-server', 'create-mcp-server', 'mcp-server-factory'];
    const taken = (candidate: string) => this.input.project.files.has(candidate);
    return names
      .map((name) => join(dirname(this.path), name + extension))
      .find((candidate) => !taken(candidate))!;
  }

  private specifierFor(path: string): string {
    return withExtension(basename(path), this.input.build.importExtension);
  }

  /** Names of the new module that the stdio program or the entry's importers use. */
  private sharedNames(): Map<string, { isType: boolean; wasExported: boolean }> {
    const used = namesUsedIn(this.shellNodes());
    const names = new Map<string, { isType: boolean; wasExported: boolean }>();
    for (const statement of this.coreNodes()) {
      const isType = ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement);
      const wasExported = isExported(statement);
      const declared = hasDefault(statement) ? ['default'] : declaredNames(statement);
      for (const name of declared)
        if (wasExported || used.has(name)) names.set(name, { isType, wasExported });
      if (hasDefault(statement))
        for (const name of declaredNames(statement))
          if (used.has(name)) names.set(name, { isType, wasExported: false });
    }
    return names;
  }

  private exportIfNamed(statement: ts.Statement, names: ReadonlyMap<string, unknown>): void {
    if (this.isCommonJs || isExported(statement) || !declaredNames(statement).some((name) => names.has(name)))
      return;
    this.edits.insert(statement.getStart(), 'export ');
  }

  private coreText(
    path: string,
    factory: { text: string; name: string },
    exports: ReadonlyMap<string, unknown>,
  ): string {
    const body: ts.Statement[] = [...this.coreNodes(), ...this.factoryStatements()];
    const used = namesUsedIn([...body, this.site.factory ?? this.site.server ?? this.site.call]);
    const shellUsed = namesUsedIn(this.shellNodes());
    const keep = (name: string) => used.has(name) || (!shellUsed.has(name) && this.isRuntimeImport(name));
    const registered = new Map(this.input.registrations.map((one) => [one.file, one]));
    const imports: string[] = [];
    for (const statement of this.statementsAt('import')) {
      if (isSideEffectImport(statement)) {
        const target = this.sources.resolver.resolve(
          this.path,
          ((statement as ts.ImportDeclaration).moduleSpecifier as ts.StringLiteral).text,
        );
        const registration = target && registered.get(target);
        if (!registration) imports.push(statement.getText());
        continue;
      }
      const text = narrowImport(statement, keep);
      if (text) imports.push(text);
    }
    for (const one of this.input.registrations)
      imports.push(this.importLine([one.name], this.relative(path, one.file)));
    if (this.returnsObject || this.needed().length > 0) imports.push(...this.transportTypeImport());
    const header = this.header();
    const declarations = this.block(this.coreNodes(), 0);
    const scope = this.input.scopedFiles.has(this.file)
      ? this.input.scopeImport(path, declarations + factory.text)
      : '';
    if (scope !== '') imports.push(scope);
    const tail = this.isCommonJs
      ? `\nmodule.exports = { ${[factory.name, ...exports.keys()].join(', ')} }${this.semicolon}\n`
      : '';
    return `${[header, imports.join('\n'), declarations, factory.text].filter((part) => part !== '').join('\n\n')}${tail}`.replace(
      /^\n+/,
      '',
    );
  }

  /** An import nobody names may still be there for its effect; in TypeScript it is then elided or a lint matter: keep it with the server. */
  private isRuntimeImport(name: string): boolean {
    return name !== 'StdioServerTransport';
  }

  private transportTypeImport(): string[] {
    if (!this.isTypeScript) return [];
    const from =
      this.input.analysis.sdkLine === 'v2'
        ? '@modelcontextprotocol/server'
        : '@modelcontextprotocol/sdk/shared/transport.js';
    const known = this.statementsAt('import').some((statement) =>
      importedNames(statement).includes('Transport'),
    );
    return known ? [] : [`import type { Transport } from ${this.quote}${from}${this.quote}${this.semicolon}`];
  }

  private importLine(names: readonly string[], specifier: string): string {
    const list = names.join(', ');
    return this.isCommonJs
      ? `const { ${list} } = require(${this.quote}${specifier}${this.quote})${this.semicolon}`
      : `import { ${list} } from ${this.quote}${specifier}${this.quote}${this.semicolon}`;
  }

  private relative(from: string, to: string): string {
    const path = relative(dirname(from), to);
    return withExtension(path.startsWith('.') ? path : `./${path}`, this.input.build.importExtension);
  }

  /** Licence or module comment at the top of the file, without the shebang. */
  private header(): string {
    const first = this.file.statements[0];
    if (!first) return '';
    const head = this.file.text.slice(0, extentOf(first).start).replace(/^#!.*\r?\n/, '');
    const nocheck =
      /^\s*(?:\/\/\s*@ts-nocheck|\/\*\s*eslint-disable[\s\S]*?\*\/)/.exec(
        this.file.text.slice(0, first.getStart()),
      )?.[0] ?? '';
    const directives = this.statementsAt('directive')
      .map((statement) => statement.getText())
      .join('\n');
    return [(head.trim() || nocheck).trim(), directives].filter(Boolean).join('\n');
  }

  // ---- the stdio program ----

  private editShell(
    specifier: string,
    factory: { kind: Split['kind']; name: string; isAsync: boolean },
    exports: ReadonlyMap<string, { isType: boolean; wasExported: boolean }>,
  ): void {
    const used = namesUsedIn(this.shellNodes());
    const makesTransport = this.replacesCall;
    const keep = (name: string) => used.has(name) || (makesTransport && name === 'StdioServerTransport');
    for (const statement of this.statementsAt('import')) this.narrowInPlace(statement, keep);
    for (const statement of [...this.coreNodes(), ...this.statementsAt('server')]) this.remove(statement);
    const values = [
      factory.name,
      ...[...exports]
        .filter(([name, { isType }]) => !isType && used.has(name) && name !== 'default')
        .map(([name]) => name),
    ];
    const types = [...exports].filter(([name, { isType }]) => isType && used.has(name)).map(([name]) => name);
    const lines = [this.importLine(values, specifier)];
    if (types.length > 0)
      lines.push(
        `import type { ${types.join(', ')} } from ${this.quote}${specifier}${this.quote}${this.semicolon}`,
      );
    if (makesTransport && !this.importsStdio())
      lines.unshift(this.importLine(['StdioServerTransport'], this.sdkStdioModule()));
    const reExported = [...exports].filter(([, { wasExported }]) => wasExported);
    const valuesOut = reExported.filter(([, { isType }]) => !isType).map(([name]) => name);
    const typesOut = reExported.filter(([, { isType }]) => isType).map(([name]) => name);
    if (valuesOut.length > 0 && !this.isCommonJs)
      lines.push(
        `export { ${valuesOut.join(', ')} } from ${this.quote}${specifier}${this.quote}${this.semicolon}`,
      );
    if (typesOut.length > 0)
      lines.push(
        `export type { ${typesOut.join(', ')} } from ${this.quote}${specifier}${this.quote}${this.semicolon}`,
      );
    const creation = this.editFrame(factory);
    this.insertImports(lines, creation);
  }

  private importsStdio(): boolean {
    return this.statementsAt('import').some((statement) =>
      importedNames(statement).includes('StdioServerTransport'),
    );
  }

  private sdkStdioModule(): string {
    return this.input.analysis.sdkLine === 'v2'
      ? '@modelcontextprotocol/server/stdio'
      : '@modelcontextprotocol/sdk/server/stdio.js';
  }

  /** The connect call is a runner's: the stdio program hands the transport to `connect` itself. */
  private get replacesCall(): boolean {
    return !this.site.factory && (this.site.runners.length > 0 || this.site.server === undefined);
  }

  /** Removes what moved out of the frame, and puts the creation of the server where it belongs. Returns it when it goes to module level. */
  private editFrame(factory: { kind: Split['kind']; name: string; isAsync: boolean }): string {
    for (const statement of [...this.setUp, ...this.frameServer, ...this.afterConnect])
      this.remove(statement);
    if (this.site.factory) return this.editServed(this.site.factory, factory);
    const needed = this.needed();
    const isObject = this.returnsObject || needed.length > 0;
    const name = isObject ? 'server' : (this.connectedName() ?? 'server');
    const target = isObject && needed.length > 0 ? `{ ${['connect', ...needed].join(', ')} }` : name;
    const connect = isObject ? (needed.length > 0 ? 'connect' : `${name}.connect`) : undefined;
    this.editCall(name, connect);
    const call =
      factory.kind === 'server-factory'
        ? `${this.setUpAwaits() ? `(await ${factory.name}())` : `${factory.name}()`}()`
        : `${factory.name}()`;
    const exported = this.exportedServerNames();
    const isPlain = needed.length === 0 && exported.includes(name);
    const reExport =
      exported.length > 0 && !isPlain ? `\nexport { ${exported.join(', ')} }${this.semicolon}` : '';
    const text = `${isPlain ? 'export ' : ''}const ${target} = ${factory.isAsync ? 'await ' : ''}${call}${this.semicolon}${reExport}`;
    const isAsync = factory.isAsync || (factory.kind === 'server-factory' && this.setUpAwaits());
    if (this.frame.fn && !this.runsOnImport()) {
      if (isAsync) this.makeAsync(this.frame.fn);
      return this.insertInFrame(this.withGlue(text));
    }
    if (!this.frame.fn || this.neededOutsideFrame(needed, name)) {
      if (!this.frame.fn && this.frame.holders.length > 0 && !this.neededOutsideFrame(needed, name))
        return this.insertInFrame(text);
      if (isAsync && this.isCommonJsOutput())
        this.diagnostics.push({
          code: 'async-at-module-level',
          at: this.sources.locationOf(this.site.call),
          args: {},
        });
      return text;
    }
    if (isAsync) this.makeAsync(this.frame.fn);
    return this.insertInFrame(text);
  }

  /** Gives `serveStdio` the factory by its name. */
  private editServed(expression: ts.Expression, factory: { kind: Split['kind']; name: string }): '' {
    const awaited = this.setUpAwaits();
    const text = factory.kind === 'server' ? factory.name : `${awaited ? 'await ' : ''}${factory.name}()`;
    this.edits.replace(expression.getStart(), expression.end, text);
    if (factory.kind === 'server-factory' && awaited && this.frame.fn) this.makeAsync(this.frame.fn);
    return '';
  }

  /** Handlers at module level that use the server follow it into the function that makes it. */
  private withGlue(creation: string): string {
    const own = namesOf(this.sources, new Set(this.statementsAt('server')));
    const glue = this.statementsAt('shell').filter(
      (statement) =>
        ts.isExpressionStatement(statement) &&
        [...this.sources.symbolsIn(statement)].some((symbol) => own.has(symbol)),
    );
    const texts = glue.map((statement) => this.moved(statement, 1).trim());
    for (const statement of glue) this.remove(statement);
    return [creation, ...texts].join(`\n${this.unit}`);
  }

  /** Names of the server's that the entry exported. */
  private exportedServerNames(): string[] {
    return this.statementsAt('server').filter(isExported).flatMap(declaredNames);
  }

  private setUpAwaits(): boolean {
    return this.setUp.some((statement) => !ts.isFunctionDeclaration(statement) && awaits(statement));
  }

  private isCommonJsOutput(): boolean {
    return this.isCommonJs || this.input.analysis.moduleFormat === 'cjs';
  }

  private makeAsync(fn: ts.FunctionLikeDeclaration): void {
    if (fn.modifiers?.some((modifier) => modifier.kind === ts.SyntaxKind.AsyncKeyword)) return;
    const start = ts.isFunctionDeclaration(fn)
      ? (fn.getChildren().find((child) => child.kind === ts.SyntaxKind.FunctionKeyword) ?? fn).getStart()
      : fn.getStart();
    this.edits.insert(start, 'async ');
    if (fn.type && !/^Promise\b/.test(fn.type.getText()))
      this.edits.replace(fn.type.getStart(), fn.type.end, `Promise<${fn.type.getText()}>`);
  }

  /** Do statements of the stdio program outside the frame use the server? */
  private neededOutsideFrame(needed: readonly string[], name: string): boolean {
    const names = new Set([...needed, ...(this.connectedName() ? [name] : [])]);
    const own = namesOf(
      this.sources,
      new Set([...this.statementsAt('server'), ...this.setUp, ...this.frameServer]),
    );
    if (this.statementsAt('server').some(isExported)) return true;
    const holder = this.frame.fn ?? this.frame.holders[0];
    return this.shellNodes().some(
      (node) =>
        !(holder && isInside(node, holder)) &&
        [...this.sources.symbolsIn(node)].some((symbol) => own.has(symbol) && names.has(symbol.name)),
    );
  }

  private insertInFrame(text: string): '' {
    const own = namesOf(
      this.sources,
      new Set([...this.statementsAt('server'), ...this.setUp, ...this.frameServer]),
    );
    const moved = new Set<ts.Statement>([...this.setUp, ...this.frameServer]);
    const order = [...this.frame.before, this.frame.path];
    const holder = this.frame.holders.find((one) => this.usesOutside(one, own));
    const inFrame = order.filter((statement) => !this.places.has(statement) || statement === this.frame.path);
    const first = inFrame.find(
      (statement) =>
        moved.has(statement) ||
        statement === this.frame.path ||
        [...this.sources.symbolsIn(statement)].some((symbol) => own.has(symbol)),
    )!;
    const early = inFrame.find(
      (statement) =>
        !moved.has(statement) &&
        (statement === this.frame.path ||
          [...this.sources.symbolsIn(statement)].some((symbol) => own.has(symbol))),
    )!;
    const lastEarly = holder && holder.pos < early.pos ? holder : early;
    const anchor = moved.has(first) && sameBlock(first, lastEarly) ? first : lastEarly;
    const { start } = extentOf(anchor);
    const pad = /^[ \t]*/.exec(this.file.text.slice(start))?.[0] ?? '';
    const at = moved.has(anchor) ? this.removalStart(anchor) : start;
    this.edits.insertBefore(at, `${pad}${text}\n`);
    return '';
  }

  /** Does a block statement on the way use one of the names itself: in its condition, or in another branch? */
  private usesOutside(holder: ts.Statement, names: ReadonlySet<ts.Symbol>): boolean {
    return this.shellNodes().some(
      (node) =>
        isInside(node, holder) &&
        !isInside(node, this.frame.path) &&
        ![...this.frame.before, ...this.frame.after].some(
          (statement) => isInside(statement, holder) && isInside(node, statement),
        ) &&
        [...this.sources.symbolsIn(node)].some((symbol) => names.has(symbol)),
    );
  }

  private removalStart(statement: ts.Statement): number {
    return extentOf(statement).start;
  }

  /** Points the connect call at the server made by the factory. */
  private editCall(name: string, connect: string | undefined): void {
    const { call, server } = this.site;
    if (this.replacesCall) {
      this.edits.replace(call.getStart(), call.end, `${connect}(new StdioServerTransport())`);
      return;
    }
    if (connect) this.edits.replace(call.expression.getStart(), call.expression.end, connect);
    else if (server && !(ts.isIdentifier(server) && server.text === name && !this.isScoped(server))) {
      this.edits.dropInsertionsAt(server.end);
      this.edits.replace(server.getStart(), server.end, name);
    }
  }

  private narrowInPlace(statement: ts.Statement, keep: (name: string) => boolean): void {
    if (isSideEffectImport(statement)) return this.remove(statement);
    const text = narrowImport(statement, keep);
    if (text === undefined) this.remove(statement);
    else if (text !== statement.getText()) this.edits.replace(statement.getStart(), statement.end, text);
  }

  private remove(statement: ts.Statement): void {
    const text = this.file.text;
    let { start, end } = extentOf(statement);
    if (statement === this.file.statements[0]) start = Math.max(start, shebangEnd(text));
    const newline = /^\r?\n/.exec(text.slice(end))?.[0] ?? '';
    end += newline.length;
    const blankAfter = /^(?:[ \t]*\r?\n)+/.exec(text.slice(end))?.[0] ?? '';
    if (blankAfter && /\n[ \t]*\r?\n$|^$|\{[ \t]*\r?\n$/.test(text.slice(0, start))) end += blankAfter.length;
    this.edits.replace(start, end, '');
  }

  private insertImports(lines: readonly string[], creation: string): void {
    const imports = this.statementsAt('import');
    const last = imports.at(-1);
    const block = lines.join('\n');
    const first = this.firstUse();
    const text = this.file.text;
    if (last) {
      const at = extentOf(last).end + (/^\r?\n/.exec(text.slice(extentOf(last).end))?.[0].length ?? 0);
      this.edits.insertBefore(at, `${block}\n`);
    } else this.edits.insertBefore(shebangEnd(text), `${block}\n\n`);
    if (!creation) return;
    const at = extentOf(first).start;
    this.edits.insertBefore(at, `${last && at <= extentOf(last).end + 2 ? '\n' : ''}${creation}\n`);
  }

  /** The first statement of the stdio program that is not an import. */
  private firstUse(): ts.Statement {
    const own = namesOf(
      this.sources,
      new Set([...this.statementsAt('server'), ...this.setUp, ...this.frameServer]),
    );
    const shell = this.statementsAt('shell');
    return (
      shell.find(
        (statement) =>
          statement === topLevelStatement(this.site.call) ||
          [...this.sources.symbolsIn(statement)].some((symbol) => own.has(symbol)),
      ) ?? shell[0]!
    );
  }

  // ---- in the same module ----

  private inPlace(): Split {
    const factory = this.factory();
    const holder = topLevelStatement(this.frame.fn!);
    for (const statement of this.statementsAt('server')) this.remove(statement);
    this.editFrame(factory);
    const lines = this.input.registrations.map((one) =>
      this.importLine([one.name], this.relative(this.path, one.file)),
    );
    if (this.returnsObject || this.needed().length > 0) lines.push(...this.transportTypeImport());
    if (this.replacesCall && !this.importsStdio())
      lines.push(this.importLine(['StdioServerTransport'], this.sdkStdioModule()));
    this.edits.insertBefore(extentOf(holder).start, `${factory.text}\n`);
    if (this.isCommonJs)
      this.edits.insert(
        this.file.text.length,
        `\nmodule.exports.${factory.name} = ${factory.name}${this.semicolon}\n`,
      );
    if (lines.length > 0) this.insertImports(lines, '');
    return { kind: factory.kind, module: this.path, exportName: factory.name, diagnostics: this.diagnostics };
  }

  /** Modules that the entry's own imports reach; those that import the entry itself still start the stdio program. */
  private importedByEntry(): ts.SourceFile[] {
    const reached = new Set<string>([this.path]);
    const queue = [this.path];
    for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
      for (const { fileName } of ts.preProcessFile(this.sources.files.get(path)?.text ?? '', true, true)
        .importedFiles) {
        const target = this.sources.resolver.resolve(path, fileName);
        if (target === undefined || reached.has(target)) continue;
        reached.add(target);
        queue.push(target);
      }
    }
    reached.delete(this.path);
    return [...reached].flatMap((path) => this.sources.files.get(path) ?? []);
  }

  /** Modules that import from the entry get their names from the new module, so that no import starts the stdio program. */
  private redirectImports(target: string): void {
    for (const file of this.importedByEntry()) {
      const path = this.sources.pathOf(file);
      const visit = (node: ts.Node): void => {
        const specifier = moduleSpecifierOf(node);
        if (
          specifier &&
          this.sources.resolver.resolve(path, specifier.text) === this.path &&
          !isTypeOnly(node)
        ) {
          this.input
            .editsOf(file)
            .replace(specifier.getStart() + 1, specifier.end - 1, this.relative(path, target));
        }
        ts.forEachChild(node, visit);
      };
      visit(file);
    }
  }
}

/** `./x.ts` as the project's sources write it. */
export function withExtension(path: string, extension: Build['importExtension']): string {
  if (extension === '') return path.replace(/\.[cm]?[jt]sx?$/, '');
  const kind = /\.([cm]?)[jt]sx?$/.exec(path)?.[1] ?? '';
  if (extension === '.ts' || extension === '.mts') return path;
  return path.replace(/\.[cm]?[jt]sx?$/, `.${kind}js`);
}

const isTypeOnly = (node: ts.Node): boolean =>
  ts.isImportDeclaration(node) && node.importClause?.isTypeOnly === true;

function moduleSpecifierOf(node: ts.Node): ts.StringLiteral | undefined {
  if (
    (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) &&
    node.moduleSpecifier &&
    ts.isStringLiteral(node.moduleSpecifier)
  )
    return node.moduleSpecifier;
  if (ts.isCallExpression(node) && node.arguments.length > 0 && ts.isStringLiteral(node.arguments[0]!)) {
    const isLoad =
      node.expression.kind === ts.SyntaxKind.ImportKeyword ||
      (ts.isIdentifier(node.expression) && node.expression.text === 'require');
    return isLoad ? (node.arguments[0] as ts.StringLiteral) : undefined;
  }
  return undefined;
}

/** The arguments of a runner's call with the transport added at its place. */
function transportArguments(
  edits: FileEdits,
  call: ts.CallExpression,
  fn: ts.FunctionLikeDeclaration | undefined,
): string {
  const given = call.arguments.map((argument) => edits.slice(argument.getStart(), argument.end));
  const place = fn ? transportParameter(fn) : given.length;
  while (given.length < place) given.push('undefined');
  return [...given, 'transport'].join(', ');
}

const isExportsAssignment = (statement: ts.Statement): boolean =>
  ts.isExpressionStatement(statement) && /^(?:module\.)?exports\b[\w.]*\s*=/.test(statement.getText());

/** `console.log = console.error` and the like: stdout belongs to the protocol on stdio only. */
const isConsoleHijack = (statement: ts.Statement): boolean =>
  ts.isExpressionStatement(statement) &&
  /^(?:console\.\w+|process\.stdout\.write)\s*=[^=]/.test(statement.getText());

/** `await new Promise(() => {})`, `setInterval(() => {}, …)`: they only keep the process alive. */
const isKeepAlive = (statement: ts.Statement): boolean =>
  /^(?:await\s+)?new\s+Promise\b|^set(?:Interval|Timeout)\(\s*\(\)\s*=>\s*\{\s*\}/.test(statement.getText());

const isDirective = (statement: ts.Statement): boolean =>
  ts.isExpressionStatement(statement) && ts.isStringLiteral(statement.expression);

/** `if (!token) { …; process.exit(1); }` */
const isExitingCheck = (statement: ts.Statement): boolean =>
  ts.isIfStatement(statement) && /\bprocess\.exit\(|\bthrow\b/.test(statement.thenStatement.getText());

const needsConnection = (statement: ts.Statement): boolean =>
  /\b(?:send\w+|notification|request|listRoots|createMessage|elicitInput|getClient\w+|ping)\s*\(/.test(
    statement.getText(),
  );

const isExported = (statement: ts.Node): boolean =>
  ts.canHaveModifiers(statement) &&
  (ts.getModifiers(statement)?.some((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword) ?? false);

const hasDefault = (statement: ts.Node): boolean =>
  ts.canHaveModifiers(statement) &&
  (ts.getModifiers(statement)?.some((modifier) => modifier.kind === ts.SyntaxKind.DefaultKeyword) ?? false);

function declaredNames(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.flatMap((declaration) => bindingNames(declaration.name));
  const named =
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isEnumDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement);
  return named && statement.name ? [statement.name.text] : [];
}

function bindingNames(name: ts.BindingName): string[] {
  if (ts.isIdentifier(name)) return [name.text];
  return name.elements.flatMap((element) => (ts.isBindingElement(element) ? bindingNames(element.name) : []));
}

function containsAny(node: ts.Node, moved: ReadonlySet<ts.Node>, replaced: ts.Node): boolean {
  if (isInside(replaced, node)) return true;
  for (const one of moved) if (isInside(one, node)) return true;
  return false;
}

const sameBlock = (a: ts.Node, b: ts.Node): boolean => a.parent === b.parent;

const shebangEnd = (text: string): number => /^#!.*\r?\n/.exec(text)?.[0].length ?? 0;
