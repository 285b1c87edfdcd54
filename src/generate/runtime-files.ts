import path from 'node:path/posix';
import type { Inspection, Options, Project, Seam } from '../model.js';
import { readTsconfig } from '../tsconfig.js';
import type { Feature } from './features.js';
import type { ModulePaths } from './module-paths.js';
import { featureFile, servesModernEra } from './render-features.js';

/** A generated file. */
export interface GeneratedFile {
  /** Relative to the project's root. */
  readonly path: string;
  readonly text: string;
  /** One line for the preview. */
  readonly why: string;
}

/** The modules of every service: template below `templates/http`, and what it is for. */
const core: Readonly<Record<string, string>> = {
  main: 'starts the service',
  app: 'the HTTP listener and the routes beside /mcp',
  mcp: 'the /mcp endpoint: from HTTP to the server and back',
  transport: 'the SDK’s transport interface on node:http',
  exchange: 'one request and its answer, JSON or a stream',
  'event-stream': 'server-sent events, resumable',
  'json-rpc': 'messages and refusals',
  gate: 'Host, Origin, CORS, authentication, limits',
  config: 'settings from the environment, validated',
  settings: 'how settings are read',
  logger: 'JSON log lines',
  health: '/health, /livez and /readyz',
  shutdown: 'the orderly end',
  'process-guard': 'keeps the process from the server’s own exits and signal handlers',
  'session-scope': 'state that each client has for itself',
  'session-resources': 'what ends with a session',
  sdk: 'what comes from the SDK',
  feature: 'what a feature can do',
};

const perMode: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  stateless: { stateless: 'a server for each request' },
  stateful: { stateful: 'a server for each session', session: 'one client’s session' },
};

/** Modules that are another template for an SDK. */
const perSdk: Readonly<Partial<Record<Seam['sdk'], Readonly<Record<string, string>>>>> = {
  v2: { sdk: 'sdk-v2/sdk', 'message-origin': 'sdk-v2/message-origin' },
};

/** The runtime's modules for this project: templates with their imports respelled, in its language and module format. */
export function runtimeFiles(
  project: Project,
  inspection: Inspection,
  options: Options,
  seam: Seam,
  chosen: readonly Feature[],
  paths: ModulePaths,
  readTemplate: (name: string) => string,
): GeneratedFile[] {
  const modules: { template: string; name: string; why: string }[] = [];
  const add = (template: string, why: string, name = path.basename(template)) =>
    modules.push({ template, name, why });
  const defaults = defaultImports(project, inspection);
  const own = { ...core, ...perMode[seam.sessions] };
  const forSdk = (template: string) => perSdk[seam.sdk]?.[template] ?? template;
  for (const [name, why] of Object.entries(own)) add(forSdk(name), why);
  if (servesModernEra(seam)) add('sdk-v2/modern-era', 'the protocol revision without sessions');
  const isProgram = seam.kind === 'program';
  if ((isProgram && seam.connects) || seam.takesTransport)
    add('client-transport', 'gives the program the transport of the client that it serves');
  if (isProgram) {
    add('program-start', 'lets the program come to where it serves');
    if (seam.connects) add('client-program', 'lets the program go on from there for each client');
    else add('sdk-v2/client-factory', 'takes the factory that the program serves with');
  }
  for (const feature of chosen) {
    add(feature.template, feature.label, featureFile(feature));
    for (const extra of (feature.with ?? []).map(forSdk))
      if (!modules.some(({ template }) => template === extra)) add(extra, feature.label);
  }
  return modules
    .filter(({ template }) => inspection.language === 'ts' || template !== 'feature')
    .map(({ template, name, why }) => ({
      path: `${options.out}/${name}${paths.extension}`,
      text: defaults(respelled(readTemplate(templatePath(inspection, template)), options.out, paths)),
      why,
    }));
}

/** Where the text of one of the runtime's modules is in this project's language, below `templates/`. */
const templatePath = ({ language, moduleFormat }: Inspection, template: string): string =>
  language === 'ts' ? `http/${template}.ts` : `js/${moduleFormat}/${template}.js`;

/** How default imports of CommonJS packages are written for this compiler's configuration. */
function defaultImports(
  project: Project,
  { language, moduleFormat, build }: Inspection,
): (text: string) => string {
  if (language === 'js') return (text) => text;
  const { compilerOptions, extends: base } = readTsconfig(project, build.tsconfig ?? 'tsconfig.json');
  const { module = '', moduleResolution = '' } = compilerOptions;
  const isModern =
    /^(?:node16|node18|node20|nodenext|preserve|system)$/i.test(module) ||
    /^bundler$/i.test(moduleResolution);
  const isAllowed =
    compilerOptions.esModuleInterop === true || compilerOptions.allowSyntheticDefaultImports === true;
  if (isModern || isAllowed) return (text) => text;
  if (/^commonjs$/i.test(module) || (module === '' && moduleFormat === 'cjs')) return withRequire;
  // A configuration that a package brings is not read; what it most likely says is trusted.
  return base !== undefined || module === '' ? (text) => text : withoutCheck;
}

const withRequire = (text: string): string =>
  text.replace(/^import (cors|express) from '\1';/gm, "import $1 = require('$1');");

const withoutCheck = (text: string): string =>
  text.replace(
    /^import (cors|express) from '\1';/gm,
    '// @ts-ignore: without esModuleInterop the compiler does not know the default export that Node gives.\n$&',
  );

/** Relative imports with the extension that this project writes. */
const respelled = (text: string, folder: string, paths: ModulePaths): string =>
  text.replace(
    /(from |import\(|require\()'\.{1,2}\/(?:[\w-]+\/)*([\w-]+)\.js'/g,
    (_, before: string, name: string) => {
      return `${before}'${paths.specifier(folder, `${folder}/${name}${paths.extension}`)}'`;
    },
  );
