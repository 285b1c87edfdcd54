import type { Inspection, Options, Seam } from '../model.js';
import type { ModulePaths } from './module-paths.js';

/**
 * The generated module that tells the runtime how to obtain the project's servers. The project's own modules are
 * imported by functions, never at the top: the service decides when their code runs.
 */
export function renderSeam(inspection: Inspection, options: Options, seam: Seam, paths: ModulePaths): string {
  const typescript = inspection.language === 'ts';
  const load = (module: string) => loading(inspection, paths, options.out, module);
  const variables = seam.variables.map(
    ({ name, required, secret }) => `  { name: '${name}', required: ${required}, secret: ${secret} },`,
  );
  const sections = [
    typescript ? header[seam.sdk] : undefined,
    typescript ? factoryType[seam.sdk] : undefined,
    `/** ${sentence(seam.because)} */\n${constant('sessionMode', "'stateless' | 'stateful'", `'${seam.sessions}'`, typescript)}`,
    `/** Whether a server keeps nothing of a request it has answered, so that it may answer another client's. */\n${constant('reusable', 'boolean', String(seam.reusable), typescript)}`,
    `/** Whether the list of tools is the same for every client, until a server says that it has changed. */\n${constant('fixedTools', 'boolean', String(seam.fixedTools ?? false), typescript)}`,
    `/** Whether the project itself catches what nothing else has caught, and goes on. */\n${constant('survivesExceptions', 'boolean', String(seam.survivesExceptions ?? false), typescript)}`,
    `/** Variables that the project itself reads. */\n${constant('projectVariables', 'readonly { name: string; required: boolean; secret: boolean }[]', variables.length === 0 ? '[]' : `[\n${variables.join('\n')}\n]`, typescript)}`,
    seam.credentials &&
      `/** Variables whose values callers send, and the header of each. */\n${constant('credentialHeaders', 'readonly { variable: string; header: string }[]', `[\n${seam.credentials.map(({ variable, header }) => `  { variable: '${variable}', header: '${header}' },`).join('\n')}\n]`, typescript)}`,
    `/** Loads the project's code; the result gives each client a server of its own. */\nexport async function loadServerFactory()${typescript ? ': Promise<ServerFactory>' : ''} {\n  const { ${seam.exportName} } = ${load(seam.module)};\n${factoryBody(seam, typescript)}}`,
    cleanUp(seam, load, typescript),
  ];
  const text = `${sections.filter((section) => section !== undefined).join('\n\n')}\n`;
  return inspection.moduleFormat === 'cjs' && !typescript ? asCommonJs(text) : text;
}

const header: Readonly<Record<Seam['sdk'], string>> = {
  v1: "import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';",
  v2: "import type { McpRequestContext, McpServer, McpServerFactory, Server } from '@modelcontextprotocol/server';",
};

const factoryType: Readonly<Record<Seam['sdk'], string>> = {
  v1: '/** Gives one fresh server. */\nexport type ServerFactory = () => Promise<{ connect(transport: Transport): Promise<void> }>;',
  v2: '/** Gives one fresh server. */\nexport type ServerFactory = (context?: McpRequestContext) => Promise<McpServer | Server>;',
};

/** The body that turns the project's export into a `ServerFactory`. */
function factoryBody({ kind, sdk, exportName }: Seam, typescript: boolean): string {
  if (kind === 'connect') {
    if (sdk === 'v2') throw new Error('SDK v2 needs a factory of servers, not a function that connects one');
    return `  return async () => ({\n    async connect(transport) {\n      await ${exportName}(transport);\n    },\n  });\n`;
  }
  if (sdk === 'v2') {
    const annotation = typescript ? ': McpServerFactory' : '';
    const source = kind === 'server-factory' ? `await ${exportName}()` : exportName;
    return `  const create${annotation} = ${source};\n  return async (context = { era: 'legacy' }) => create(context);\n`;
  }
  if (kind === 'server') return `  return async () => ${exportName}();\n`;
  return `  const createServer = await ${exportName}();\n  return async () => createServer();\n`;
}

function cleanUp(seam: Seam, load: (module: string) => string, typescript: boolean): string {
  const type = typescript ? ': Promise<(() => unknown) | undefined>' : '';
  const body = seam.cleanUp
    ? `  const { ${seam.cleanUp.exportName} } = ${load(seam.cleanUp.module)};\n  return ${seam.cleanUp.exportName};\n`
    : '  return undefined;\n';
  return `/** What the project does when it is stopped, if anything. */\nexport async function loadCleanUp()${type} {\n${body}}`;
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
