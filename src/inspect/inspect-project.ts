import type {
  Diagnostic,
  Inspection,
  Project,
  Sdk,
  ServerShape,
  SessionMode,
  StateBinding,
  StateKind,
} from '../model.js';
import { type Analysis, analyse, type Given, place } from './analysis.js';
import { findBuild, findPackageManager, languageOf, moduleFormatOf } from './build.js';
import { findEnv, findProcessGlue, findSessionFeatures, findSurface } from './findings.js';
import { packageJsonOf } from './package-json.js';
import { topLevelStatement, ts, unwrap } from './source.js';
import { findStartArguments } from './start-arguments.js';
import { bindingOf } from './state.js';
import { findStateBeside } from './state-beside.js';

/** Reads a project: its entry, build, server, surface, state and what HTTP will change for it. Pure. */
export function inspectProject(project: Project, given: Partial<Given> = {}): Inspection {
  const choices: Given = {
    state: 'isolate',
    share: [],
    credentials: 'env',
    credentialHeader: [],
    ...given,
  };
  const result = analyse(project, choices);
  const entry = 'entry' in result ? result.entry : undefined;
  const sources = 'sources' in result ? result.sources : undefined;
  const sdk = sdkOf(project, sources ? [...sources.files.values()].map((file) => file.text) : []);
  const base = {
    candidates: result.entries,
    packageManager: findPackageManager(project),
    ...(sdk ? { sdk } : {}),
    ...(entry
      ? {
          entry,
          moduleFormat: moduleFormatOf(project, entry),
          language: languageOf(entry),
          build: findBuild(project, entry),
        }
      : {
          moduleFormat: 'esm' as const,
          language: 'ts' as const,
          build: { kind: 'none', tool: 'none', runner: 'node', importExtension: '.js' } as const,
        }),
    surface: sources ? findSurface(sources) : [],
    env: sources ? findEnv(sources) : [],
    sessionFeatures: sources ? findSessionFeatures(sources) : [],
    processGlue: sources ? findProcessGlue(sources) : [],
  };
  if ('diagnostics' in result) return { ...base, state: [], diagnostics: refusal(result.diagnostics, sdk) };
  const startArguments = findStartArguments(result.sources, result.site);
  return {
    ...base,
    ...(startArguments ? { startArguments } : {}),
    server: {
      shape: shapeOf(result),
      construction: constructionOf(result),
      connect: result.sources.locationOf(result.site.call),
    },
    state: stateOf(project, result, choices),
    diagnostics: [],
  };
}

/** Without the SDK in package.json there is nothing to convert, whatever else was seen. */
function refusal(diagnostics: readonly Diagnostic[], sdk: Sdk | undefined): Diagnostic[] {
  return diagnostics.map((diagnostic) => {
    if (diagnostic.code !== 'stdio-transport-not-found') return diagnostic;
    if (diagnostic.args['framework']) return { ...diagnostic, code: 'framework' };
    return sdk ? diagnostic : { ...diagnostic, code: 'server-not-found' };
  });
}

function sdkOf(project: Project, texts: readonly string[]): Sdk | undefined {
  const pkg = packageJsonOf(project);
  const all = { ...pkg.peerDependencies, ...pkg.devDependencies, ...pkg.dependencies };
  const v1 = all['@modelcontextprotocol/sdk'];
  const v2 = all['@modelcontextprotocol/server'];
  const range = v1 ?? v2;
  if (!range) return undefined;
  return {
    line: v1 ? 'v1' : 'v2',
    range,
    api: texts.some((text) => /\bnew\s+McpServer\b|extends\s+McpServer\b/.test(text))
      ? 'McpServer'
      : 'Server',
  };
}

function shapeOf({ site, lifetimes, sources }: Analysis): ServerShape {
  if (site.factory) return 'serve-stdio';
  if (site.program) return 'program';
  if (site.runners.some((runner) => ts.isClassElement(runner.fn))) return 'class-owner';
  const server = site.server && unwrap(site.server);
  const declaration = server ? sources.symbolOf(server)?.valueDeclaration : undefined;
  const initializer =
    declaration && ts.isVariableDeclaration(declaration) && declaration.initializer
      ? unwrap(declaration.initializer)
      : server;
  if (declaration && declaration.getSourceFile() !== lifetimes.frame.file) return 'singleton-module';
  if (initializer && ts.isCallExpression(initializer)) return 'factory';
  return lifetimes.frame.fn &&
    declaration &&
    topLevelStatement(declaration) === topLevelStatement(lifetimes.frame.fn)
    ? 'function-local'
    : 'module-level';
}

function constructionOf({ site, sources }: Analysis) {
  const server = site.server && unwrap(site.server);
  return sources.locationOf((server && sources.symbolOf(server)?.valueDeclaration) ?? site.call);
}

function stateOf(project: Project, analysis: Analysis, given: Given): StateBinding[] {
  const { lifetimes, sources } = analysis;
  const own = [...lifetimes.findings, ...lifetimes.kept].map((finding) => bindingOf(sources, finding));
  const known = new Set(own.map(({ at }) => place(at)));
  return [
    ...own,
    ...findStateBeside(project, analysis, given).kept.filter(({ at }) => !known.has(place(at))),
  ];
}

/** State that is the same again when it is made anew for a request. */
const REMADE: ReadonlySet<StateKind> = new Set(['captures-server', 'credential']);

/** Stateless when nothing needs a session; the reason in one line. */
export function sessionModeFor(inspection: Inspection): {
  readonly mode: SessionMode;
  readonly because: string;
} {
  const state = inspection.state.find(
    (binding) => binding.decision === 'isolate' && !REMADE.has(binding.kind),
  );
  if (state)
    return {
      mode: 'stateful',
      because: `${state.name} (${place(state.at)}) must survive from one call of a client to the next`,
    };
  const feature = inspection.sessionFeatures[0];
  if (feature)
    return {
      mode: 'stateful',
      because: `the server uses ${feature.feature} (${place(feature.at)}), which needs a session`,
    };
  return {
    mode: 'stateless',
    because: 'nothing is kept from one call to the next, and no session feature is used',
  };
}
