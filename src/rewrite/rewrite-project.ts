import { dirname, join, relative } from 'node:path/posix';
import { type Analysis, analyse } from '../inspect/analysis.js';
import { findArgumentRead } from '../inspect/argument-reads.js';
import { variableNames } from '../inspect/credentials.js';
import { survivesExceptions } from '../inspect/findings.js';
import { sessionModeFor } from '../inspect/inspect-project.js';
import { ts } from '../inspect/source.js';
import type {
  Change,
  Diagnostic,
  Inspection,
  Options,
  Project,
  Rewrite,
  Seam,
  StateBinding,
} from '../model.js';
import { serveEachClient, takeClientTransport } from './client-program.js';
import { headersFor } from './credential-headers.js';
import { presentDeclarations, readCredentials } from './credentials.js';
import { FileEdits, tidyBlankLines } from './edits.js';
import { generatedImport } from './generated-names.js';
import { hoistSchemas } from './hoist-schemas.js';
import { withExtension } from './import-lines.js';
import { importedConstants } from './imported-constants.js';
import { withOwnLines, withPlainLines } from './line-endings.js';
import { importLine, moduleStyle } from './module-style.js';
import { oldSdk } from './old-sdk.js';
import { rewriteOutsideUses } from './outside-uses.js';
import { findRefusals } from './refusals.js';
import { wrapRegistrations } from './registrations.js';
import { keepsNothing } from './reusable.js';
import { parameterizeRunners } from './runners.js';
import { helpersUsedIn } from './scope-helpers.js';
import { sdkName } from './sdk-names.js';
import { scopeState } from './session-state.js';
import { type Split, splitEntry } from './split.js';

/** Turns the project's entry into a factory and a thin stdio program. Pure: returns the changes, writes nothing. */
export function rewriteProject(original: Project, inspection: Inspection, options: Options): Rewrite {
  const project = withPlainLines(original);
  const { isolation, state, share, credentials, credentialHeader } = options;
  const analysis = analyse(project, {
    ...(options.entry ? { entry: options.entry } : {}),
    // In a worker the sources keep what they keep, and read the environment, for one client.
    ...(isolation === 'worker'
      ? { state: 'share', share: [], credentials: 'env', credentialHeader: [] }
      : { state, share, credentials, credentialHeader }),
  });
  if ('diagnostics' in analysis) throw new Error('a refused project is not rewritten');
  const rewrite = new Rewriter(project, inspection, options, analysis).run();
  return { ...rewrite, changes: withOwnLines(rewrite.changes, original, analysis.entry.file) };
}

class Rewriter {
  private readonly edits = new Map<ts.SourceFile, FileEdits>();
  private readonly hasWorkers: boolean;
  /** Variables that callers send. */
  private readonly sent: ReadonlySet<string>;

  constructor(
    private readonly project: Project,
    private readonly inspection: Inspection,
    private readonly options: Options,
    private readonly analysis: Analysis,
  ) {
    this.hasWorkers = options.isolation === 'worker';
    this.sent = new Set(variableNames(analysis.sources, options));
  }

  private readonly editsOf = (file: ts.SourceFile): FileEdits => {
    const known = this.edits.get(file) ?? new FileEdits(file);
    this.edits.set(file, known);
    return known;
  };

  run(): Rewrite {
    const { sources, lifetimes } = this.analysis;
    const reading = readCredentials(this.analysis, this.editsOf);
    const scoping = scopeState(sources, lifetimes.isolated, this.editsOf, presentDeclarations(this.analysis));
    const scopedFiles = new Set([...reading, ...scoping]);
    const typed = parameterizeRunners(this.analysis, this.editsOf);
    const split = this.split(scopedFiles);
    for (const file of scopedFiles) {
      const line = this.scopeImport(sources.pathOf(file), this.editsOf(file).whole(), file);
      if (line !== '') this.addImport(file, line);
    }
    for (const file of typed)
      if (file !== lifetimes.frame.file || !split.created) this.addTransportType(file);
    const mode = this.sessionMode();
    return {
      changes: [...this.changes(split), ...rewriteOutsideUses(this.project, sources, lifetimes.isolated)],
      seam: {
        kind: split.kind,
        module: split.module,
        exportName: split.exportName,
        ...(split.member ? { member: split.member } : {}),
        ...(split.serverMember ? { serverMember: split.serverMember } : {}),
        ...(split.connects ? { connects: true } : {}),
        sdk: this.analysis.sdkLine,
        sessions: mode.mode,
        because: mode.because,
        reusable: mode.mode === 'stateless' && this.sent.size === 0 && keepsNothing(this.analysis),
        ...(this.analysis.sdkLine === 'v2'
          ? { modernEra: !this.hasWorkers && !split.connects && !this.inspection.state.some(isKeptState) }
          : {}),
        ...(survivesExceptions(sources) ? { survivesExceptions: true } : {}),
        ...(this.analysis.site.isAmbient ? { takesTransport: true } : {}),
        ...(this.hasWorkers ? { workers: true } : {}),
        ...(this.ownsWhatItStarts() ? { ownsWhatItStarts: true } : {}),
        ...(lifetimes.findings.some(
          (finding) => finding.separated === 'by-service' && finding.decision === 'isolate',
        )
          ? { ownEnvironment: true }
          : {}),
        ...(scopedFiles.size > 0 ? { sessionScope: this.scopePath() } : {}),
        variables: this.inspection.env.map((read) =>
          this.sent.has(read.name) ? { ...read, required: false } : read,
        ),
        ...(this.options.credentials === 'header'
          ? { credentials: headersFor(this.sent, this.options) }
          : {}),
      },
      diagnostics: [
        ...findRefusals(this.project, this.analysis, this.inspection, this.options, this.sent),
        ...lifetimes.cleanUpsLeft.map((statement) => ({
          code: 'clean-up-left',
          at: sources.locationOf(statement),
          args: {},
        })),
        ...split.diagnostics,
        ...oldSdk(this.inspection),
        ...this.argumentReads(),
        ...mode.diagnostics,
      ],
    };
  }

  /** Says so where nobody has said which arguments the service starts the program with. */
  private argumentReads(): Diagnostic[] {
    const { args } = this.options;
    const { startArguments } = this.inspection;
    if (startArguments && startArguments.arguments.join(' ') === args.join(' '))
      return [{ code: 'arguments-inferred', at: startArguments.at, args: { arguments: args.join(' ') } }];
    const at = args.length === 0 ? findArgumentRead(this.analysis.sources) : undefined;
    return at ? [{ code: 'arguments-read', at, args: {} }] : [];
  }

  /** Where the service finds servers: a factory, or the program itself. */
  private split(scopedFiles: ReadonlySet<ts.SourceFile>): Split {
    const { analysis, editsOf, scopeImport } = this;
    const { transport, program, isAmbient, factory, call } = analysis.site;
    const specifierOf = (file: ts.SourceFile, module: string) => this.specifier(file, module);
    const maker = transport.getSourceFile();
    const isApart = maker !== analysis.lifetimes.frame.file;
    if (program && factory) {
      const file = call.getSourceFile();
      this.addImport(file, generatedImport(file, ['handOver'], specifierOf));
      return serveEachClient(analysis, editsOf);
    }
    if (program || (isAmbient && isApart))
      this.addImport(maker, generatedImport(maker, ['clientTransport'], specifierOf));
    if (program) {
      const file = program.getSourceFile();
      this.addImport(file, generatedImport(file, ['perClient'], specifierOf));
      return serveEachClient(analysis, editsOf);
    }
    if (isAmbient) takeClientTransport(analysis, editsOf);
    return splitEntry({
      project: this.project,
      analysis,
      build: this.inspection.build,
      editsOf,
      registrations: wrapRegistrations(analysis.sources, analysis.lifetimes, editsOf),
      scopeImport,
      scopedFiles,
      ...(isAmbient
        ? {
            transportImport: generatedImport(
              analysis.lifetimes.frame.file,
              isApart ? ['withTransport'] : ['clientTransport', 'withTransport'],
              specifierOf,
            ),
          }
        : {}),
    });
  }

  /** How a file of the project imports a generated module. */
  private specifier(file: ts.SourceFile, name: string): string {
    const extension = /\.[^.]+$/.exec(this.analysis.entry.file)![0].replace('tsx', 'ts');
    const to = relative(
      dirname(this.analysis.sources.pathOf(file)),
      join(this.options.out, `${name}${extension}`),
    );
    return withExtension(to.startsWith('.') ? to : `./${to}`, this.inspection.build.importExtension);
  }

  private sessionMode(): { mode: Seam['sessions']; because: string; diagnostics: readonly Diagnostic[] } {
    const found = this.hasWorkers
      ? workersMode
      : this.analysis.site.program && !this.analysis.site.factory
        ? programMode
        : sessionModeFor(this.inspection);
    if (this.options.sessions === 'auto' || this.options.sessions === found.mode)
      return { ...found, diagnostics: [] };
    if (this.options.sessions === 'stateful')
      return { mode: 'stateful', because: 'chosen with --sessions stateful', diagnostics: [] };
    return {
      mode: 'stateless',
      because: 'chosen with --sessions stateless',
      diagnostics: [
        { code: 'sessions-needed', args: { because: found.because, otherwise: this.insteadOfSessions() } },
      ],
    };
  }

  /** Does nothing that is made for one client go on to serve others, such as a browser that the first call opens? */
  private ownsWhatItStarts(): boolean {
    return !this.hasWorkers && this.inspection.state.every(({ decision }) => decision === 'isolate');
  }

  /** Another way out for who wants no sessions, as the end of a sentence. */
  private insteadOfSessions(): string {
    if (this.hasWorkers) return ', or --isolation worker';
    return this.inspection.sessionFeatures.length > 0 ? '' : ', or accept sharing with --state share';
  }

  private scopePath(): string {
    const extension = /\.[^.]+$/.exec(this.analysis.entry.file)![0].replace('tsx', 'ts');
    return join(this.options.out, `session-scope${extension}`);
  }

  /**
   * The import of session-scoped helpers as a module at `path` writes it: of those that its text calls; empty when
   * it calls none.
   */
  private readonly scopeImport = (
    path: string,
    used: string,
    file: ts.SourceFile = this.analysis.lifetimes.frame.file,
  ): string => {
    const to = relative(dirname(path), this.scopePath());
    const specifier = withExtension(
      to.startsWith('.') ? to : `./${to}`,
      this.inspection.build.importExtension,
    );
    const style = moduleStyle(file);
    const names = helpersUsedIn(file, used, style.isCommonJs);
    return names.length === 0 ? '' : importLine(style, names, specifier);
  };

  private addImport(file: ts.SourceFile, line: string): void {
    const imports = file.statements.filter(
      (statement) =>
        ts.isImportDeclaration(statement) ||
        /^(?:const|let|var)\s[^;]*=\s*require\(/.test(statement.getText()),
    );
    const last = imports.at(-1);
    if (last) this.editsOf(file).insert(last.end, `\n${line}`);
    else this.editsOf(file).insert(headEnd(file), `${line}\n\n`);
  }

  private addTransportType(file: ts.SourceFile): void {
    const { line } = sdkName('Transport', file, this.analysis.sdkLine);
    if (line !== undefined) this.addImport(file, line);
  }

  private changes({ created, module, exportName }: Split): Change[] {
    const changes: Change[] = [];
    const { file: frameFile } = this.analysis.lifetimes.frame;
    const isImported = importedConstants(this.analysis.sources, frameFile);
    if (created)
      changes.push({
        path: created.path,
        before: null,
        after: tidyBlankLines(created.path, hoistSchemas(created.path, created.text, exportName, isImported)),
        why: 'the server, built once for each client',
      });
    for (const [file, edits] of this.edits) {
      const path = this.analysis.sources.pathOf(file);
      const before = this.project.files.get(path) ?? '';
      if (edits.isEmpty) continue;
      // The project's own factory is left as it is.
      const isMade = path === module && !new RegExp(`\\b${exportName}\\b`).test(before);
      const text = isMade ? hoistSchemas(path, edits.whole(), exportName, isImported) : edits.whole();
      const after = tidyBlankLines(path, text);
      if (after === before) continue;
      const why =
        file === frameFile
          ? 'the stdio program, around the same server'
          : 'what one client must not share with another becomes its own';
      changes.push({ path, before, after, why });
    }
    return changes;
  }
}

/** A worker lasts as long as its session. */
const workersMode = {
  mode: 'stateful',
  because: 'every session has a worker of its own, as chosen with --isolation worker',
} as const;

/** What a program does to serve a client is more than building a server. */
const programMode = {
  mode: 'stateful',
  because: 'the program goes through its start for each client, which is done once for a session',
} as const;

/** Offset after the shebang, the file's own comment and directives. */
function headEnd(file: ts.SourceFile): number {
  const shebang = /^#!.*\r?\n/.exec(file.text)?.[0].length ?? 0;
  const directive = file.statements.find(
    (statement) => ts.isExpressionStatement(statement) && ts.isStringLiteral(statement.expression),
  );
  return directive ? directive.end + 1 : shebang;
}

/** Something of a client that must survive from one call to the next. */
const isKeptState = (binding: StateBinding): boolean =>
  binding.decision === 'isolate' && binding.kind !== 'captures-server' && binding.kind !== 'credential';
