/** The types every step of the pipeline speaks: plain, serialisable values, no behaviour. */

/** A place in the user's project: POSIX path relative to its root, 1-based line and column. */
export interface Location {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** The user's project as text. Paths are POSIX and relative to `root`. */
export interface Project {
  /** Absolute path of the directory that holds the project's package.json. */
  readonly root: string;
  /** Every file the tool may read: sources, package.json, build and formatter configuration, lock file names. */
  readonly files: ReadonlyMap<string, string>;
  /** Names of files in output directories (`dist`, tsconfig's outDir, what .gitignore names): there, but not read. */
  readonly outputs?: ReadonlySet<string>;
  /** What was left out, and why. */
  readonly diagnostics?: readonly Diagnostic[];
  /** Root of the workspace the project is a member of, relative to `root` (`../..`), when there is one. */
  readonly workspaceRoot?: string;
  /**
   * Files of interest around the project, by their path relative to `root`: of the workspace root (lock files,
   * pnpm-workspace.yaml, tsconfig bases), packages that the project depends on, modules that it imports.
   */
  readonly workspaceFiles?: ReadonlyMap<string, string>;
}

export type Severity = 'error' | 'warning' | 'info';

/** A finding: a code with its arguments; the wording lives in `diagnostics.ts`. */
export interface Diagnostic {
  readonly code: string;
  readonly at?: Location;
  readonly args: Readonly<Record<string, string>>;
}

export type PackageManager = 'npm' | 'pnpm' | 'yarn' | 'bun';
export type ModuleFormat = 'esm' | 'cjs';
export type Language = 'ts' | 'js';

export interface Entry {
  /** The source file that starts the stdio server. */
  readonly file: string;
  /** The file that is run: the built output of `file`, or `file` itself when nothing is built. */
  readonly output: string;
  /** Why this file: `bin`, `main`, `scripts.start`, the only file that connects stdio, `--entry`. */
  readonly because: string;
}

export interface Build {
  /** `tsc` emits one file per file, `bundler` one file from explicit entries, `none` runs the sources. */
  readonly kind: 'tsc' | 'bundler' | 'none';
  /** The tool by name: tsc, tsup, esbuild, tsdown, rollup, webpack, vite, bun, … or `none`. */
  readonly tool: string;
  /** What runs the entry: node, tsx, bun, or node with type stripping. */
  readonly runner: 'node' | 'tsx' | 'bun' | 'node-types';
  /** Source and output directories for `tsc`, relative to the root. */
  readonly rootDir?: string;
  readonly outDir?: string;
  /** The tsconfig the build uses. */
  readonly tsconfig?: string;
  /** package.json script that builds, if any. */
  readonly script?: string;
  /** Extension that relative imports carry in this project's sources. */
  readonly importExtension: '.js' | '.ts' | '.mjs' | '.mts' | '.cjs' | '';
}

export interface Sdk {
  readonly line: 'v1' | 'v2';
  /** The range in package.json. */
  readonly range: string;
  readonly api: 'McpServer' | 'Server';
}

export type ServerShape =
  | 'module-level'
  | 'function-local'
  | 'factory'
  | 'class-owner'
  | 'singleton-module'
  | 'serve-stdio'
  | 'program';

export interface ServerInspection {
  readonly shape: ServerShape;
  readonly construction: Location;
  readonly connect: Location;
}

/** What a program is started with to serve stdio, and the place that asks for it. */
export interface StartArguments {
  readonly arguments: readonly string[];
  readonly at: Location;
}

export interface SurfaceItem {
  readonly kind: 'tool' | 'resource' | 'prompt';
  readonly name: string;
  readonly at: Location;
}

export type StateKind =
  | 'reassigned'
  | 'mutated'
  | 'instance'
  | 'captures-server'
  /** Made at random by each process for itself. */
  | 'own-of-process'
  /** Made from what a client has sent in place of a variable of the environment. */
  | 'credential'
  | 'resource'
  /** What a function has worked out for the whole process, when it was first called. */
  | 'memo';
export type StateDecision = 'isolate' | 'share';

/** A binding that one process would share between clients, and what is done about it. */
export interface StateBinding {
  readonly name: string;
  readonly at: Location;
  readonly kind: StateKind;
  /** Places that write it. */
  readonly writtenBy: readonly Location[];
  readonly decision: StateDecision;
  readonly reason: string;
}

export interface EnvRead {
  readonly name: string;
  readonly at: Location;
  /** The process exits or throws without it. */
  readonly required: boolean;
  /** The name looks like a credential. */
  readonly secret: boolean;
}

export interface SessionFeature {
  readonly feature:
    | 'sampling'
    | 'elicitation'
    | 'roots'
    | 'subscriptions'
    | 'logging'
    | 'list-changed'
    | 'client-capabilities'
    | 'initialized'
    | 'notifications';
  readonly at: Location;
}

export interface ProcessGlue {
  readonly kind: 'signal' | 'stdin' | 'stdout' | 'exit' | 'console' | 'interval' | 'listen' | 'cwd' | 'argv';
  readonly at: Location;
}

/** What is known of a project before anything is decided. Serialisable. */
export interface Inspection {
  readonly entry?: Entry;
  readonly candidates: readonly Entry[];
  readonly moduleFormat: ModuleFormat;
  readonly language: Language;
  readonly packageManager: PackageManager;
  readonly build: Build;
  readonly sdk?: Sdk;
  readonly server?: ServerInspection;
  readonly surface: readonly SurfaceItem[];
  readonly state: readonly StateBinding[];
  readonly env: readonly EnvRead[];
  readonly sessionFeatures: readonly SessionFeature[];
  readonly startArguments?: StartArguments;
  readonly processGlue: readonly ProcessGlue[];
  readonly diagnostics: readonly Diagnostic[];
}

export type SessionMode = 'stateless' | 'stateful';

/** Everything that was asked or given, with nothing left open. */
export interface Options {
  readonly entry?: string;
  /** Directory of the generated service, relative to the root. */
  readonly out: string;
  readonly sessions: 'auto' | SessionMode;
  readonly state: 'isolate' | 'share';
  /** Bindings to share although they look like client state. */
  readonly share: readonly string[];
  /** How one client is kept apart from another: in one process, or each session in a worker of its own. */
  readonly isolation: 'auto' | 'worker';
  /** Where credentials that the project reads come from: its environment, or a header of each request. */
  readonly credentials: 'env' | 'header';
  /** `NAME` or `NAME=header` of each; empty: every variable that looks like a credential. */
  readonly credentialHeader: readonly string[];
  /** Command line arguments that the HTTP process passes to the server's own argument parsing. */
  readonly args: readonly string[];
  readonly auth: 'none' | 'api-key' | 'oauth';
  readonly rateLimit: 'memory' | 'redis' | 'none';
  readonly database: 'postgres' | 'none';
  readonly secrets: 'env' | 'file' | 'aws' | 'vault';
  readonly cache: boolean;
  readonly metrics: boolean;
  readonly tracing: boolean;
  readonly docker: boolean;
  readonly compose: boolean;
  readonly kubernetes: boolean;
  readonly ci: 'github' | 'none';
}

/** A replacement in one file; offsets into its original text. */
export interface TextEdit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** One file of a plan: `before === null` creates, `after === null` deletes, otherwise updates. */
export interface Change {
  readonly path: string;
  readonly before: string | null;
  readonly after: string | null;
  /** One line for the preview: why this file changes. */
  readonly why: string;
}

/** How the generated HTTP service obtains one server per client. Rendered by `generate/` as the seam module. */
export interface Seam {
  /**
   * `server`: the export is called once per client and returns (a promise of) an object with `connect(transport)`.
   * `server-factory`: the export is called once at start and returns (a promise of) such a function.
   * `connect`: the export is called once per client with the transport.
   * `program`: the module is the program itself, which says what serves a client when it comes to it.
   */
  readonly kind: 'server' | 'server-factory' | 'connect' | 'program';
  /** Project-relative path of the source module that exports it. */
  readonly module: string;
  readonly exportName: string;
  /** The property of what a `server-factory` returns that is the function, when it returns more. */
  readonly member?: string;
  /** The property of what the function gives that is the server, when it gives more. */
  readonly serverMember?: string;
  /** The function gives an object that connects a server, not the server itself. */
  readonly connects?: boolean;
  /** SDK line of the server. */
  readonly sdk: 'v1' | 'v2';
  readonly sessions: SessionMode;
  /** One line: why this session mode. */
  readonly because: string;
  /** The factory provably keeps nothing between requests, so that instances may serve one client after another. */
  readonly reusable: boolean;
  /** The list of tools is known to be the same for every request (no handler of the project computes it). */
  readonly fixedTools?: boolean;
  /** Nothing that is made while one client is served is used by another: its timers and processes end with its session. */
  readonly ownsWhatItStarts?: boolean;
  /** The project goes on after an exception that nothing has caught: its own listener does not end the process. */
  readonly survivesExceptions?: boolean;
  /** The server changes `process.env` while it serves: each client gets an environment of its own. */
  readonly ownEnvironment?: boolean;
  /**
   * SDK v2 only: false when client state has to survive from one call to the next. Revision 2026-07-28 has no
   * sessions, so such a server is served in the revisions before it, which clients fall back to.
   */
  readonly modernEra?: boolean;
  /** The program takes a client's transport where it would make its own. */
  readonly takesTransport?: boolean;
  /** Every session's server runs in a worker of its own, which loads the project's modules anew. */
  readonly workers?: boolean;
  /** Project-relative path of the module that holds `sessionScoped`, when the rewrite uses it. */
  readonly sessionScope?: string;
  readonly variables: readonly EnvRead[];
  /** Variables whose values callers send themselves, and the header of each. */
  readonly credentials?: readonly CredentialHeader[];
}

/** A variable that each caller sends for itself. */
export interface CredentialHeader {
  readonly variable: string;
  /** In lower case. */
  readonly header: string;
}

/** What the rewriter hands to the planner. */
export interface Rewrite {
  readonly changes: readonly Change[];
  readonly seam: Seam;
  readonly diagnostics: readonly Diagnostic[];
}

export interface GeneratedFile {
  readonly path: string;
  readonly text: string;
  readonly why: string;
}

/** What the generator hands to the planner. */
export interface GeneratedService {
  readonly files: readonly GeneratedFile[];
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, string>>;
  readonly diagnostics: readonly Diagnostic[];
}

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  /** What it is for, shown as progress: `install`, `build`. */
  readonly purpose: string;
}

/** Everything a run would do, as a value: preview, diff, JSON and apply read the same plan. */
export interface Plan {
  readonly changes: readonly Change[];
  readonly commands: readonly Command[];
  readonly diagnostics: readonly Diagnostic[];
}

/** `.create-mcp-prod.json`: what the next run or an update needs to know. */
export interface Manifest {
  readonly version: string;
  readonly options: Options;
  readonly seam: Seam;
  /** The generated files with the text they were generated with, for three-way updates. */
  readonly base: Readonly<Record<string, string>>;
  /** Surface of the stdio entry as recorded at conversion time, by the verification. */
  readonly surface?: unknown;
}

export interface Check {
  readonly id: string;
  readonly status: 'pass' | 'fail' | 'skip';
  readonly detail: string;
  /** Where it fails: every difference, one line each. */
  readonly differences?: readonly string[];
  /** How long it took, in milliseconds. */
  readonly ms?: number;
  readonly at?: Location;
}
