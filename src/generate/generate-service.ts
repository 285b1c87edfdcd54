import { parse } from 'jsonc-parser';
import type { Diagnostic, Inspection, Options, Project, Seam } from '../model.js';
import { version } from '../version.js';
import { codeStyle, endsLinesWithCrlf, restyle } from './code-style.js';
import { databaseDiagnostics } from './databases.js';
import { chosenFeatures, type Feature } from './features.js';
import { operationsFiles } from './files/operations.js';
import { type HttpEntry, httpEntry } from './http-entry.js';
import { modulePaths } from './module-paths.js';
import { neededNodeTypes } from './node-types.js';
import { ownSources } from './own-sources.js';
import { renderFeatures } from './render-features.js';
import { renderSeam } from './render-seam.js';
import { type GeneratedFile, runtimeFiles } from './runtime-files.js';

export type { GeneratedFile } from './runtime-files.js';

export interface ServiceInput {
  readonly project: Project;
  readonly inspection: Inspection;
  readonly options: Options;
  readonly seam: Seam;
  /** Text of a module of the runtime, by its path below `templates/`. */
  readonly readTemplate: (name: string) => string;
}

/** Everything generated for a project, and what its package.json needs for it. */
export interface GeneratedService {
  readonly files: readonly GeneratedFile[];
  /** Packages that the project does not have yet, with ranges. */
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  /** To be set in package.json; an existing `build` may be among them, extended. */
  readonly scripts: Readonly<Record<string, string>>;
  readonly diagnostics: readonly Diagnostic[];
}

const coreDependencies = {
  cors: '^2.8.5',
  express: '^5.1.0',
  helmet: '^8.0.0',
  pino: '^10.0.0',
};

/** zod for a project that has none: a range that lets the copy stay which its SDK has been installed with. */
function zodFor(sdk: Inspection['sdk']): string {
  if (sdk?.line !== 'v1') return '^4.1.0';
  const [, upTo = '', major = '1', minor = '99'] = /(\^|>=?\s*)?(\d+)(?:\.(\d+))?/.exec(sdk.range) ?? [];
  if (Number(major) > 1 || (Number(major) === 1 && Number(minor) >= 23)) return '^3.25.0 || ^4.0.0';
  // `^1.12.0` stands for the latest 1.x as well, whose zod 4 the project's own schemas have been written with.
  return upTo && Number(major) === 1 ? '^3.23.8 || ^4.0.0' : '^3.23.8';
}

const coreTypes = { '@types/cors': '^2.8.17', '@types/express': '^5.0.0', '@types/node': '^20.19.0' };

/** Writes the HTTP service around a factory. Pure: the same input gives the same files. */
export function generateService(input: ServiceInput): GeneratedService {
  const { project, inspection, options, readTemplate } = input;
  const seam = { fixedTools: leavesToolListToSdk(project, options), ...input.seam };
  const paths = modulePaths(inspection);
  const uses = (name: string) => imports(project, options, name);
  const chosen = chosenFeatures(options, seam, uses);
  const entry = httpEntry(project, inspection, options, paths);
  const own = (name: string, text: string, why: string): GeneratedFile => ({
    path: `${options.out}/${name}${paths.extension}`,
    text,
    why,
  });
  const style = codeStyle(project, options.out);
  const withLines = (text: string) => (endsLinesWithCrlf(project) ? text.replaceAll('\n', '\r\n') : text);
  const code = [
    ...runtimeFiles(project, inspection, options, seam, chosen, paths, readTemplate),
    own(
      'server-factory',
      renderSeam(inspection, options, seam, paths, entry),
      'how the service gets its servers',
    ),
    own('features', renderFeatures(inspection, options, seam, chosen, paths), 'what the service is made of'),
    ...(entry.constants?.files ?? []),
  ];
  return {
    files: [
      ...code.map((file) => ({ ...file, text: withLines(restyle(file.text, style)) })),
      ...operationsFiles({ ...input, seam, start: entry.start, toolVersion: version }),
    ],
    ...packages(project, inspection, chosen, entry),
    scripts: entry.scripts,
    diagnostics: [...databaseDiagnostics(project, options, uses), ...(entry.constants?.diagnostics ?? [])],
  };
}

/** Does a source file of the project itself import this package? (Its manifest says so after a conversion, too.) */
function imports(project: Project, options: Options, name: string): boolean {
  const statement = new RegExp(`(?:from|require\\(|import\\()\\s*['"]${name}['"]`);
  return ownSources(project, options).some(([, text]) => statement.test(text));
}

/**
 * Does the SDK itself answer `tools/list`, from what is registered, and say when that changes? A handler of the project's, or
 * of a package that makes the server, may say anything, and what is written into a registered tool without its `update`
 * changes the list unsaid.
 */
function leavesToolListToSdk(project: Project, options: Options): boolean {
  const makes = /\b(?:new|extends)\s+McpServer\b/;
  const answers = /ListToolsRequestSchema|tools\/list|_registeredTools/;
  const writes = /\.(?:enabled|title|description|annotations|(?:input|output)Schema)\s*=(?![=>])/;
  const texts = ownSources(project, options).map(([, text]) => text);
  return (
    texts.some((text) => makes.test(text)) && !texts.some((text) => answers.test(text) || writes.test(text))
  );
}

type Ranges = Readonly<Record<string, string>>;

/** What is missing, of what the generated code imports; what the project has, it keeps where that does. */
function packages(
  project: Project,
  inspection: Inspection,
  chosen: readonly Feature[],
  entry: HttpEntry,
): Pick<GeneratedService, 'dependencies' | 'devDependencies'> {
  const manifest = parse(project.files.get('package.json') ?? '{}') as Record<string, Ranges | undefined>;
  const { dependencies = {}, devDependencies = {}, optionalDependencies = {} } = manifest;
  const present = { ...optionalDependencies, ...dependencies };
  // Express 4 does as well; as a tool of development it comes to be needed when the service runs.
  const hasExpress4 = /^\D*4\b/.test(present.express ?? devDependencies.express ?? '');
  const wanted: Ranges = Object.assign(
    {},
    coreDependencies,
    hasExpress4 && { express: '^4.0.0' },
    // As a tool of development it comes to be needed, too, where the project's bundle holds it.
    { zod: devDependencies.zod ?? zodFor(inspection.sdk) },
    ...chosen.map((feature) => feature.dependencies),
  );
  const types: Ranges = Object.assign({}, coreTypes, ...chosen.map((feature) => feature.types));
  const development = { ...(inspection.language === 'ts' && types), ...entry.devDependencies };
  // Types follow the version that the project already has.
  const major = hasExpress4 ? { '@types/express': '^4.17.21' } : {};
  const nodeTypes = devDependencies['@types/node'] ?? present['@types/node'];
  const raised = nodeTypes && neededNodeTypes(project, inspection, nodeTypes);
  return {
    dependencies: lacking(wanted, present),
    devDependencies: {
      ...lacking(
        { ...development, ...(inspection.language === 'ts' && major) },
        { ...present, ...devDependencies },
      ),
      ...(raised ? { '@types/node': raised } : {}),
    },
  };
}

const lacking = (wanted: Ranges, present: Ranges): Ranges =>
  Object.fromEntries(Object.entries(wanted).filter(([name]) => !(name in present)));
