import type { Diagnostic, Entry, Location, ModuleFormat, Project } from '../model.js';
import { findBuild, moduleFormatOf } from './build.js';
import { callsOf } from './calls.js';
import { servesOneClient, usesOf } from './client-program.js';
import {
  type ConnectProblem,
  type ConnectSite,
  findConnect,
  liftPast,
  liftSite,
  serverIsParameter,
} from './connect.js';
import { type CredentialChoices, CredentialReads } from './credentials.js';
import { CONNECTS, findEntries } from './entry.js';
import { frameOf } from './frame.js';
import { findLifetimes, type Lifetimes, type StateChoices } from './lifetimes.js';
import { OnTheWay } from './on-the-way.js';
import { packageJsonOf } from './package-json.js';
import { findProgramLifetimes } from './program-lifetimes.js';
import { enclosingFunction, isInside, Resolver, rootOf, Sources, ts } from './source.js';
import { isBanner } from './transport-statements.js';
import { findUnparsed } from './unparsed.js';
import { findUnreadImport } from './unread-imports.js';
import { TooManyInclusions } from './value-flow.js';

/** Everything known about one entry, with its syntax trees: what the inspection reports and the rewriter works on. */
export interface Analysis {
  readonly entry: Entry;
  readonly entries: readonly Entry[];
  readonly sources: Sources;
  readonly site: ConnectSite;
  readonly lifetimes: Lifetimes;
  readonly credentials: CredentialReads;
  readonly sdkLine: 'v1' | 'v2';
  readonly moduleFormat: ModuleFormat;
}

export interface Failure {
  readonly entries: readonly Entry[];
  readonly entry?: Entry;
  readonly sources?: Sources;
  readonly diagnostics: readonly Diagnostic[];
}

export interface Given extends StateChoices, CredentialChoices {
  readonly entry?: string;
}

const analyses = new WeakMap<Project, Map<string, Analysis | Failure>>();

/** Analyses a project once per set of choices: the inspection and the rewriter share the result. */
export function analyse(project: Project, given: Given): Analysis | Failure {
  const known = analyses.get(project) ?? new Map<string, Analysis | Failure>();
  analyses.set(project, known);
  const endless = (): Failure => {
    const entries = findEntries(project);
    return { entries, diagnostics: [tooLarge(given.entry ?? entries[0]!.file)] };
  };
  const result = known.get(keyOf(given)) ?? unlessEndless(() => analyseAnew(project, given), endless);
  known.set(keyOf(given), result);
  // The rewriter asks by name for the entry that the inspection has found.
  if (result.entry) known.set(keyOf({ ...given, entry: result.entry.file }), result);
  return result;
}

/** What comes of reading a program, or what stands for it where following the program's values would not end. */
function unlessEndless<Read, Refused>(read: () => Read, refused: () => Refused): Read | Refused {
  try {
    return read();
  } catch (error) {
    if (error instanceof TooManyInclusions) return refused();
    throw error;
  }
}

const tooLarge = (file: string): Diagnostic => ({
  code: 'program-too-large',
  at: { file, line: 1, column: 1 },
  args: {},
});

const keyOf = (given: Given): string => JSON.stringify(given, Object.keys(given).sort());

function analyseAnew(project: Project, given: Given): Analysis | Failure {
  const found = findEntries(project);
  const entries = given.entry ? chosenEntry(project, given.entry, found) : found;
  if (entries.length === 0)
    return failure(found, given.entry ? 'entry-not-found' : 'server-not-found', undefined, {
      entry: given.entry ?? '',
    });
  const resolver = new Resolver(project);
  let first: Failure | undefined;
  for (const entry of entries) {
    const isBundled = findBuild(project, entry).kind === 'bundler';
    const sources = new Sources(project, entry.file, resolver, isBundled);
    const connect = findConnect(sources);
    if ('code' in connect) {
      const problem = { entries: found, entry, sources, diagnostics: [diagnosticOf(sources, connect)] };
      if (
        !first ||
        (first.diagnostics[0]?.code === 'stdio-transport-not-found' &&
          connect.code !== 'stdio-transport-not-found')
      )
        first = problem;
      continue;
    }
    const unparsed = findUnparsed(sources);
    if (unparsed) return { entries: found, entry, sources, diagnostics: [unparsed] };
    const site = settle(sources, connect);
    if ('diagnostic' in site) {
      const problem = { entries: found, entry, sources, diagnostics: [site.diagnostic] };
      if (entry.because !== CONNECTS) return problem;
      if (!first || first.diagnostics[0]?.code === 'stdio-transport-not-found') first = problem;
      continue;
    }
    const unread = findUnreadImport(sources);
    if (unread) return { entries: found, entry, sources, diagnostics: [unread] };
    const pkg = packageJsonOf(project);
    const all = { ...pkg.devDependencies, ...pkg.peerDependencies, ...pkg.dependencies };
    const sdkLine = all['@modelcontextprotocol/sdk'] ? 'v1' : 'v2';
    const credentials = new CredentialReads(sources, given);
    return {
      entry,
      entries: found,
      sources,
      site,
      lifetimes: lifetimesOf(sources, site, given, credentials),
      credentials,
      sdkLine,
      moduleFormat: moduleFormatOf(project, entry),
    };
  }
  return first!;
}

/**
 * The lifetimes of a program that is read once more with sources beside its own, or why they are not known.
 *
 * @param connect the call of the program's own sources that is converted
 */
export function lifetimesWith(
  sources: Sources,
  given: Given,
  isOwn: (node: ts.Node) => boolean,
  connect: string,
): Lifetimes | { readonly diagnostic: Diagnostic } {
  const found = findConnect(sources, isOwn);
  if ('code' in found) return { diagnostic: diagnosticOf(sources, found) };
  const site = settle(sources, found);
  if ('diagnostic' in site) return site;
  const where = at(sources, site.call);
  // The way to the connect turns out to do something that the servers depend on.
  if (place(where) !== connect)
    return { diagnostic: { code: 'start-not-repeatable', at: where, args: { connect } } };
  return unlessEndless(
    () => lifetimesOf(sources, site, given, new CredentialReads(sources, given)),
    () => ({ diagnostic: tooLarge(where.file) }),
  );
}

const lifetimesOf = (
  sources: Sources,
  site: ConnectSite,
  given: Given,
  credentials: CredentialReads,
): Lifetimes =>
  isProgram(site)
    ? findProgramLifetimes(sources, site, given, credentials)
    : findLifetimes(sources, site, given, credentials);

function chosenEntry(project: Project, wanted: string, found: readonly Entry[]): Entry[] {
  const path = wanted.replace(/^\.\//, '');
  const known = found.filter((entry) => entry.file === path || entry.output === path);
  if (known.length > 0 || !project.files.has(path)) return known;
  return [{ file: path, output: path, because: '--entry' }];
}

const isProgram = (
  site: ConnectSite,
): site is ConnectSite & { readonly program: ts.FunctionLikeDeclaration } => site.program !== undefined;

const at = (sources: Sources, node: ts.Node): Location => sources.locationOf(node);

function failure(
  entries: readonly Entry[],
  code: string,
  where: Location | undefined,
  args: Record<string, string>,
): Failure {
  return { entries, diagnostics: [{ code, ...(where ? { at: where } : {}), args }] };
}

function diagnosticOf(sources: Sources, problem: ConnectProblem): Diagnostic {
  const { code } = problem;
  switch (code) {
    case 'connect-ambiguous':
      return { code, at: at(sources, problem.node), args: { other: place(at(sources, problem.other)) } };
    case 'connect-not-found':
      return { code, at: at(sources, problem.node), args: {} };
    case 'stdio-transport-not-found':
      return { code, at: { file: sources.entry, line: 1, column: 1 }, args: frameworkIn(sources) };
  }
}

const FRAMEWORKS: Readonly<Record<string, string>> = {
  fastmcp: 'fastmcp has an HTTP transport of its own: start it with transportType "httpStream".',
  'mcp-framework':
    'mcp-framework has an HTTP transport of its own: pass transport: { type: "http-stream" } to MCPServer.',
  litemcp: 'litemcp is not maintained: move to the official SDK, then run this again.',
  tmcp: 'tmcp has @tmcp/transport-http: use it beside @tmcp/transport-stdio.',
  'easy-mcp': 'easy-mcp hides the server: move to the official SDK, then run this again.',
  'mcp-handler': 'mcp-handler already serves HTTP.',
  xmcp: 'xmcp builds an HTTP server itself: set http: true in xmcp.config.ts.',
};

function frameworkIn(sources: Sources): Record<string, string> {
  for (const file of sources.files.values()) {
    for (const { fileName } of ts.preProcessFile(file.text, true, true).importedFiles) {
      const name = Object.keys(FRAMEWORKS).find(
        (framework) => fileName === framework || fileName.startsWith(`${framework}/`),
      );
      if (name) return { framework: name, advice: FRAMEWORKS[name]! };
    }
  }
  return {};
}

export const place = (where: Location): string => `${where.file}:${where.line}:${where.column}`;

/** Moves the site outwards until it stands in a scope that can be split. */
function settle(sources: Sources, first: ConnectSite): ConnectSite | { readonly diagnostic: Diagnostic } {
  const entryText = sources.files.get(sources.entry)?.text ?? '';
  let site = first;
  const passed: ConnectSite[] = [];
  for (let depth = 0; depth < 8; depth++) {
    passed.unshift(site);
    if (!site.scope || (!serverIsParameter(sources, site) && canSplit(sources, site))) return site;
    // The factory given to `serveStdio` may depend on what the function around it prepared.
    const lifted = site.factory ? { problem: site.scope } : liftSite(sources, site);
    if (!('problem' in lifted)) {
      site = lifted;
      continue;
    }
    if (!/\b(?:require\.main|module\.parent|import\.meta\.main)\b/.test(entryText))
      for (const one of passed) {
        const program = servesOneClient(sources, one);
        if (program) return { ...one, runners: [], program };
      }
    const past = site.factory ? undefined : liftPast(sources, site);
    if (!past) return notFollowed(sources, lifted.problem, first);
    site = past;
  }
  return notFollowed(sources, first.call, first);
}

const notFollowed = (
  sources: Sources,
  problem: ts.Node,
  { call }: ConnectSite,
): { readonly diagnostic: Diagnostic } => ({
  diagnostic: {
    code: 'entry-not-followed',
    at: at(sources, problem),
    args: { connect: place(at(sources, call)) },
  },
});

/** Can the body around the connect be split into what runs once and what runs for each client? */
function canSplit(sources: Sources, site: ConnectSite): boolean {
  const fn = site.scope!;
  if (
    !fn.body ||
    !ts.isBlock(fn.body) ||
    ts.isClassElement(fn) ||
    ts.isObjectLiteralExpression(fn.parent) ||
    ts.isPropertyAssignment(fn.parent)
  )
    return false;
  if (ts.isClassLike(fn.parent) || ts.isPropertyDeclaration(fn.parent)) return false;
  if (enclosingFunction(fn)) return false;
  const calls = callsOf(sources, fn);
  const way = new OnTheWay(sources, fn);
  if (calls.length === 0)
    return (
      fn.parameters.every((parameter) => !isUsed(sources, parameter, beyondTheBranch(sources, site))) &&
      !usesOf(sources, fn).some((use) => prepares(sources, site, way, use))
    );
  if (fn.parameters.some((parameter) => isUsed(sources, parameter))) return false;
  return !calls.some((call) => prepares(sources, site, way, call));
}

function isUsed(
  sources: Sources,
  parameter: ts.ParameterDeclaration,
  counts: (reference: ts.Node) => boolean = () => true,
): boolean {
  if (!ts.isIdentifier(parameter.name)) return true;
  const symbol = sources.symbolOf(parameter.name);
  return symbol !== undefined && sources.referencesTo(symbol).some(counts);
}

/**
 * Is a use of a parameter more than the choice of this branch? `if (options.port) serveHttp(options); else connect()` of a
 * server that stands outside of the function is the stdio program's.
 */
function beyondTheBranch(sources: Sources, site: ConnectSite): (reference: ts.Node) => boolean {
  const server = site.server && sources.symbolOf(rootOf(site.server))?.valueDeclaration;
  if (!server || !site.scope || isInside(server, site.scope)) return () => true;
  const { holders, path } = frameOf(sources, site);
  const branches = [...holders, path].filter(ts.isIfStatement);
  return (reference) =>
    !branches.some(
      (branch) =>
        isInside(reference, branch.expression) ||
        [branch.thenStatement, branch.elseStatement].some(
          (arm) => arm && isInside(reference, arm) && !isInside(site.call, arm),
        ),
    );
}

/** Is something done on the way to a call, or another use of the function, that the server may depend on? */
function prepares(sources: Sources, site: ConnectSite, way: OnTheWay, use: ts.Node): boolean {
  if (way.changesBefore(use)) return true;
  const around = enclosingFunction(use);
  if (!around?.body) return false;
  const outer =
    ts.isBlock(around.body) && ts.isCallExpression(use)
      ? frameOf(sources, { ...site, call: use, scope: around })
      : undefined;
  const effects = outer?.before.some(
    (statement) =>
      ts.isExpressionStatement(statement) &&
      !isBanner(statement) &&
      !/^process\s*\.\s*on\b/.test(statement.getText()),
  );
  if (effects) return true;
  const callers = callsOf(sources, around);
  // A function that is handed to another is called on the way of the one it is written in.
  const handed = callers.length === 0 && ts.isCallExpression(around.parent) ? [around] : [];
  return [...callers, ...handed].some(
    (one) => enclosingFunction(one) !== around && prepares(sources, site, way, one),
  );
}
