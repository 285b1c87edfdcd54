import path from 'node:path/posix';
import type { Inspection, Options, Seam } from '../model.js';
import type { HttpEntry } from './http-entry.js';
import type { ModulePaths } from './module-paths.js';

/**
 * The generated module that tells the runtime how to obtain the project's servers. The project's own modules are
 * imported by functions, never at the top: the service decides when their code runs.
 */
export function renderSeam(
  inspection: Inspection,
  options: Options,
  seam: Seam,
  paths: ModulePaths,
  { worker }: Pick<HttpEntry, 'worker'>,
): string {
  const typescript = inspection.language === 'ts';
  const load = (module: string) => loading(inspection, paths, options.out, module);
  const variables = seam.variables.map(
    ({ name, required, secret }) => `  { name: '${name}', required: ${required}, secret: ${secret} },`,
  );
  const sections = [
    ...(typescript ? [importedTypes(seam), factoryType(seam)] : []),
    `/** ${sentence(seam.because)} */\n${constant('sessionMode', "'stateless' | 'stateful'", `'${seam.sessions}'`, typescript)}`,
    `/** Whether a server keeps nothing of a request it has answered, so that it may answer another client's. */\n${constant('reusable', 'boolean', String(seam.reusable), typescript)}`,
    `/** Whether the list of tools is the same for every client, until a server says that it has changed. */\n${constant('fixedTools', 'boolean', String(seam.fixedTools ?? false), typescript)}`,
    `/** Whether the project itself catches what nothing else has caught, and goes on. */\n${constant('survivesExceptions', 'boolean', String(seam.survivesExceptions ?? false), typescript)}`,
    `/** Whether no client uses what was started while another was served (timers, child processes). */\n${constant('ownsWhatItStarts', 'boolean', String(seam.ownsWhatItStarts ?? false), typescript)}`,
    `/** Variables that the project itself reads. */\n${constant('projectVariables', 'readonly { name: string; required: boolean; secret: boolean }[]', variables.length === 0 ? '[]' : `[\n${variables.join('\n')}\n]`, typescript)}`,
    (seam.credentials || seam.workers) && credentialHeaders(seam, typescript),
    seam.workers && workerFile(inspection, worker),
    seam.kind === 'program'
      ? programLoader(inspection, options, seam, paths)
      : `/** Loads the project's code; the result gives each client a server of its own. */\nexport async function loadServerFactory()${typescript ? ': Promise<ServerFactory>' : ''} {\n  const { ${seam.exportName} } = ${load(seam.module)};\n${factoryBody(seam, typescript)}}`,
  ];
  const text = `${sections.filter(Boolean).join('\n\n')}\n`;
  return inspection.moduleFormat === 'cjs' && !typescript ? asCommonJs(text) : text;
}

/** Is what the project gives a server of SDK v2, which is told what era its client is of? */
const givesServers = ({ sdk, connects }: Seam): boolean => sdk === 'v2' && connects !== true;

function importedTypes(seam: Seam): string {
  if (seam.sdk === 'v1')
    return "import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';";
  const names = !givesServers(seam)
    ? 'Transport'
    : seam.workers
      ? 'McpServerFactory, Transport'
      : 'McpRequestContext, McpServer, McpServerFactory, Server';
  return `import type { ${names} } from '@modelcontextprotocol/server';`;
}

const factoryType = (seam: Seam): string =>
  `/** Gives one fresh server. */\nexport type ServerFactory = ${
    givesServers(seam) && !seam.workers
      ? '(context?: McpRequestContext) => Promise<McpServer | Server>'
      : `() => Promise<{ connect(transport: Transport): Promise<${seam.connects ? 'unknown' : 'void'}> }>`
  };`;

function credentialHeaders({ credentials = [] }: Seam, typescript: boolean): string {
  const rows = credentials.map(
    ({ variable, header }) => `  { variable: '${variable}', header: '${header}' },`,
  );
  const value = rows.length === 0 ? '[]' : `[\n${rows.join('\n')}\n]`;
  const type = 'readonly { variable: string; header: string }[]';
  return `/** Variables whose values callers send, and the header of each. */\n${constant('credentialHeaders', type, value, typescript)}`;
}

/** The module of a session's worker, where it is when the service runs. */
function workerFile({ moduleFormat }: Inspection, specifier: string): string {
  const value =
    moduleFormat === 'cjs'
      ? `\`\${__dirname}/${specifier.replace('./', '')}\``
      : `new URL('${specifier}', import.meta.url)`;
  return `/** What a session's worker runs. */\nexport const workerFile = ${value};`;
}

/** The program is let come to where it serves. Bundled with the service, it is what the service is started as. */
function programLoader(inspection: Inspection, options: Options, seam: Seam, paths: ModulePaths): string {
  const { language, moduleFormat, build } = inspection;
  const specifier = paths.dynamicSpecifier(options.out, seam.module);
  const isCommonJs = language === 'js' && moduleFormat === 'cjs';
  const load = isCommonJs
    ? `async () => require('${paths.specifier(options.out, seam.module)}')`
    : `async () => import('${specifier}')`;
  const file = build.kind === 'bundler' ? undefined : programFile(inspection, specifier);
  const name = seam.connects ? 'client-program' : 'client-factory';
  const helper = paths.specifier(options.out, `${options.out}/${name}${paths.extension}`);
  const helpers = isCommonJs ? `require('${helper}')` : `await import('${helper}')`;
  const type = language === 'ts' ? ': Promise<ServerFactory>' : '';
  const start = `await startProgram(${[load, ...(file ? [file] : [])].join(', ')})`;
  const [what, body] = seam.connects
    ? [
        'connects each client as the program would',
        `const connect = ${start};\n  return async () => ({ connect });`,
      ]
    : [
        "gives each client a server from the program's factory",
        `const create${language === 'ts' ? ': McpServerFactory' : ''} = ${start};\n  return ${fromFactory(seam)};`,
      ];
  return `/** Starts the project's program; the result ${what}. */
export async function loadServerFactory()${type} {
  const { startProgram } = ${helpers};
  ${body}
}`;
}

/** The file of the program where it runs. */
function programFile({ moduleFormat, build, entry }: Inspection, specifier: string): string {
  const runs =
    build.kind !== 'none' || build.runner === 'node' ? specifier.replace(/\.([cm]?)ts$/, '.$1js') : specifier;
  const name = path.extname(runs) === '' ? `${runs}${path.extname(entry?.output ?? '.js')}` : runs;
  return moduleFormat === 'cjs'
    ? `\`\${__dirname}/${name.replace(/^\.\//, '')}\``
    : `new URL('${name}', import.meta.url)`;
}

/** The body that turns the project's export into a `ServerFactory`. */
function factoryBody(seam: Seam, typescript: boolean): string {
  const { kind, sdk, exportName, member, serverMember } = seam;
  const serverOf = (made: string) => serverIn(seam, made);
  if (kind === 'connect') {
    if (sdk === 'v2') throw new Error('SDK v2 needs a factory of servers, not a function that connects one');
    return `  return async () => ({\n    async connect(transport) {\n      await ${exportName}(transport);\n    },\n  });\n`;
  }
  const setUp = `await ${exportName}()`;
  if (givesServers(seam)) {
    // The type of the SDK gives the parameter its own, and asks for nothing but the server.
    const annotation = typescript && !serverMember ? ': McpServerFactory' : '';
    const source = kind === 'server' ? exportName : member ? `(${setUp}).${member}` : setUp;
    return `  const create${annotation} = ${source};\n  return ${fromFactory(seam)};\n`;
  }
  if (kind === 'server') return `  return async () => ${serverOf(`${exportName}()`)};\n`;
  return `  const ${member ? `{ ${member} }` : 'createServer'} = ${setUp};\n  return async () => ${serverOf(`${member ?? 'createServer'}()`)};\n`;
}

const serverIn = ({ serverMember }: Seam, made: string): string =>
  serverMember ? `(await ${made}).${serverMember}` : made;

/** A `ServerFactory` of what SDK v2 takes for a factory, which is told the era of its client. */
function fromFactory(seam: Seam): string {
  const { serverMember, workers } = seam;
  const parameter = workers ? '' : "context = { era: 'legacy' }";
  const given = serverMember ? '' : workers ? "{ era: 'legacy' }" : 'context';
  return `async (${parameter}) => ${serverIn(seam, `create(${given})`)}`;
}

function loading(
  { language, moduleFormat }: Inspection,
  paths: ModulePaths,
  folder: string,
  module: string,
): string {
  return language === 'js' && moduleFormat === 'cjs'
    ? `require('${paths.specifier(folder, module)}')`
    : `await import('${paths.dynamicSpecifier(folder, module)}')`;
}

const constant = (name: string, type: string, value: string, typescript: boolean): string =>
  `export const ${name}${typescript ? `: ${type}` : ''} = ${value};`;

const sentence = (text: string): string => {
  const plain = text.trim().replaceAll('*/', '* /').replace(/\.$/, '');
  return `${plain.charAt(0).toUpperCase()}${plain.slice(1)}.`;
};

function asCommonJs(text: string): string {
  const names = [...text.matchAll(/^export (?:const|async function) (\w+)/gm)].map((match) => match[1]);
  return `${text.replace(/^export /gm, '')}\nmodule.exports = { ${names.join(', ')} };\n`;
}
