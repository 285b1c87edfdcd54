import type { Analysis } from '../inspect/analysis.js';
import { formatCheckOf } from '../inspect/build.js';
import { callsFrame } from '../inspect/frame.js';
import { isAwaitedState } from '../inspect/lifetimes.js';
import { isInside, ts } from '../inspect/source.js';
import { findArgumentsNeeded } from '../inspect/start-arguments.js';
import { findStateBeside } from '../inspect/state-beside.js';
import { intersects, namesOf } from '../inspect/statement-names.js';
import { findTransportChanges, statementOf } from '../inspect/transport-changes.js';
import type { Diagnostic, Inspection, Location, Options, Project } from '../model.js';
import { inheritsFromPackage, readTsconfig } from '../tsconfig.js';
import { badHeaders, readOutside } from './credential-headers.js';
import { listensToMessages } from './place-statements.js';
import { isOfModule } from './split.js';
import { workerProblems } from './workers.js';

/**
 * Why a project is not rewritten: what would not mean the same for many clients in one process.
 *
 * @param sent variables that callers send
 */
export function findRefusals(
  project: Project,
  analysis: Analysis,
  inspection: Inspection,
  options: Options,
  sent: ReadonlySet<string>,
): Diagnostic[] {
  return [
    ...(options.isolation === 'worker'
      ? workerProblems(analysis.sources, inspection, options)
      : [
          ...notIsolated(analysis),
          ...sharedBeside(project, analysis, options),
          ...credentialsNotFollowed(project, analysis, sent),
          ...loadedLater(analysis),
          ...startRepeated(analysis),
          ...transportsChanged(analysis),
          ...transportNeeded(analysis),
          ...builtinBundled(project, analysis, inspection),
        ]),
    ...portsTaken(analysis),
    ...badCredentials(options, sent),
    ...argumentsNeeded(analysis, options),
    ...oldModules(project, inspection),
    ...formatChecked(project),
  ];
}

/** State that must be separated and cannot be. */
const notIsolated = ({ sources, lifetimes }: Analysis): Diagnostic[] =>
  lifetimes.findings
    .filter(
      (finding) =>
        finding.decision === 'isolate' &&
        !finding.separated &&
        finding.kind !== 'credential' &&
        (finding.stuck || isAwaitedState(finding)),
    )
    .map(({ name, declaration }) => {
      return notSeparated(
        name,
        sources.locationOf(declaration),
        `${declaredOtherwise(name, declaration)} sharing`,
      );
    });

/** How the author can declare it so that it can be separated, up to the word in front of "sharing". */
function declaredOtherwise(name: string, declaration: ts.Node): string {
  if (ts.isExportAssignment(declaration)) return 'Give it a name and export that by default, accept';
  if (!/^\w+$/.test(name)) return 'Accept';
  const isInBlock = ts.isVariableDeclaration(declaration) && !isOfModule(declaration);
  return isInBlock
    ? 'Declare it at the top level of its module, accept'
    : `Declare it on its own (const ${name} = …), accept`;
}

/** State in sources beside the project's own, which stay as they are. */
function sharedBeside(project: Project, analysis: Analysis, options: Options): Diagnostic[] {
  const { shared, diagnostics } = findStateBeside(project, analysis, options);
  return [
    ...diagnostics,
    ...shared.map(({ name, at }) => notSeparated(name, at, 'Move it into this package, accept sharing')),
  ];
}

const notSeparated = (name: string, at: Location, accept: string): Diagnostic => ({
  code: 'state-not-isolated',
  at,
  args: {
    name,
    wayOut: `${accept} with --share ${name}, or give every session a worker of its own with --isolation worker.`,
  },
});

function credentialsNotFollowed(
  project: Project,
  analysis: Analysis,
  sent: ReadonlySet<string>,
): Diagnostic[] {
  const { sources, lifetimes } = analysis;
  const found = lifetimes.unfollowed.map(({ code, node, name }) => ({
    code,
    ...(node ? { at: sources.locationOf(node) } : {}),
    args: { name: name ?? [...sent].join(', ') },
  }));
  return [...found, ...readOutside(project, analysis)];
}

const loadedLater = ({ sources, lifetimes }: Analysis): Diagnostic[] =>
  lifetimes.loadedLater
    .slice(0, 5)
    .map((statement) => ({ code: 'registered-when-loaded', at: sources.locationOf(statement), args: {} }));

/** What leads from the program's start to where it connects happens once, and cannot be repeated for each client. */
function startRepeated({ sources, lifetimes, entry, site }: Analysis): Diagnostic[] {
  const { frame, elsewhere } = lifetimes;
  const { file, line, column } = sources.locationOf(site.call);
  const first = elsewhere.find(
    (statement) =>
      site.program !== undefined ||
      (statement.getSourceFile() !== frame.file &&
        (sources.pathOf(statement) === entry.file || callsFrame(sources, statement, frame))),
  );
  const args = { connect: `${file}:${line}:${column}` };
  return first ? [{ code: 'start-not-repeatable', at: sources.locationOf(first), args }] : [];
}

/** What is done to messages in the transport of the stdio program; listening to them is done for every client. */
const transportsChanged = (analysis: Analysis): Diagnostic[] =>
  findTransportChanges(analysis)
    .filter((node) => !listensToMessages(analysis.site, statementOf(node)))
    .slice(0, 1)
    .map((node) => ({ code: 'transport-changed', at: analysis.sources.locationOf(node), args: {} }));

/** What each client's server is told to do with the transport of the stdio program: `server.oninitialized = () => …`. */
function transportNeeded({ sources, site, lifetimes }: Analysis): Diagnostic[] {
  const { frame, transport } = lifetimes;
  const names = namesOf(sources, new Set([...transport].filter(ts.isVariableStatement)));
  const local = [...frame.file.statements, ...frame.before, ...frame.after];
  const needing = local.find(
    (statement) =>
      ts.isExpressionStatement(statement) &&
      !isInside(site.call, statement) &&
      !transport.has(statement) &&
      !listensToMessages(site, statement) &&
      intersects(sources.symbolsIn(statement), names),
  );
  return needing ? [{ code: 'transport-needed', at: sources.locationOf(needing), args: {} }] : [];
}

const portsTaken = ({ sources, lifetimes }: Analysis): Diagnostic[] =>
  lifetimes.takenPorts.map(({ node, port }) => ({
    code: 'port-per-client',
    at: sources.locationOf(node),
    args: { port },
  }));

function badCredentials(options: Options, sent: ReadonlySet<string>): Diagnostic[] {
  if (options.credentials === 'header' && sent.size === 0) return [{ code: 'credentials-missing', args: {} }];
  return badHeaders(sent, options);
}

function argumentsNeeded({ sources, site }: Analysis, options: Options): Diagnostic[] {
  if (options.args.length > 0) return [];
  const check = findArgumentsNeeded(sources, site);
  return check ? [{ code: 'arguments-needed', at: sources.locationOf(check), args: {} }] : [];
}

/** New files, and text that has moved further in, would be laid out otherwise in places. */
function formatChecked(project: Project): Diagnostic[] {
  const command = formatCheckOf(project);
  const at = { file: 'package.json', line: 1, column: 1 };
  return command ? [{ code: 'format-checked', at, args: { command } }] : [];
}

/**
 * Vite takes what its configuration does not name as external for a browser's, and leaves nothing of it: neither of
 * `node:async_hooks`, which sources import that keep something for each client.
 */
function builtinBundled(
  project: Project,
  { lifetimes, site }: Analysis,
  { build }: Inspection,
): Diagnostic[] {
  if (build.tool !== 'vite' || (lifetimes.isolated.size === 0 && !site.program)) return [];
  return [...project.files].flatMap(([file, text]) => {
    const external = /(?:^|\/)vite[\w.-]*\.config\.[cm]?[jt]s$/.test(file)
      ? /\bexternal\s*:\s*\[([^\]]*)\]/.exec(text)
      : null;
    const isNamed = /async_hooks|\^node:|\.\.\./.test(external?.[1] ?? '');
    if (!external || isNamed || /\bssr\b/.test(text)) return [];
    const line = text.slice(0, external.index).split('\n').length;
    return [{ code: 'builtin-bundled', at: { file, line, column: 1 }, args: {} }];
  });
}

/** What the service's own modules need of the compiler's configuration. */
function oldModules(project: Project, { build, language }: Inspection): Diagnostic[] {
  const { tsconfig, kind } = build;
  if (!tsconfig || language !== 'ts' || kind !== 'tsc') return [];
  const options = readTsconfig(project, tsconfig).compilerOptions;
  const at = { file: tsconfig, line: 1, column: 1 };
  const module = String(options['module'] ?? '');
  if (/^es(?:6|2015)$/i.test(module)) return [{ code: 'module-too-old', at, args: { module } }];
  // Types of packages written for CommonJS: a configuration that a package brings is not read, and trusted.
  const isKnown = !inheritsFromPackage(project, tsconfig) && /^(?:commonjs|es20\d\d|esnext)$/i.test(module);
  const isLenient = ['esModuleInterop', 'allowSyntheticDefaultImports', 'skipLibCheck'].some(
    (name) => options[name] === true,
  );
  const bundles = /^bundler$/i.test(String(options['moduleResolution'] ?? ''));
  return isKnown && !isLenient && !bundles ? [{ code: 'interop-needed', at, args: {} }] : [];
}
