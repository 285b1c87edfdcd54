import { isError } from '../../src/diagnostics.js';
import { inspectProject } from '../../src/inspect/inspect-project.js';
import type { Options } from '../../src/model.js';
import { rewriteProject } from '../../src/rewrite/rewrite-project.js';
import { defaultOptions, projectOf } from '../runtime/service.js';

export interface Source {
  /** Statements of the entry module in front of the server. */
  readonly before: string;
  /** What its one tool does with the argument `args`. */
  readonly tool: string;
  /** Statements behind it. */
  readonly after?: string;
  /** Other modules. */
  readonly files?: Readonly<Record<string, string>>;
  readonly options?: Partial<Options>;
  /** CommonJS JavaScript instead of a TypeScript module. */
  readonly commonJs?: boolean;
}

const asModule = ({ before, tool, after = '' }: Source): string => `
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
${before}
const server = new McpServer({ name: 'judged', version: '1.0.0' });
server.registerTool('act', {}, async (args) => {
  ${tool}
  return { content: [] };
});
${after}
await server.connect(new StdioServerTransport());
`;

const asCommonJs = ({ before, tool }: Source): string => `
const { McpServer } = require('@modelcontextprotocol/sdk/server/mcp.js');
const { StdioServerTransport } = require('@modelcontextprotocol/sdk/server/stdio.js');
${before}
const server = new McpServer({ name: 'judged', version: '1.0.0' });
server.registerTool('act', {}, async (args) => {
  ${tool}
  return { content: [] };
});
server.connect(new StdioServerTransport());
`;

/** What is found of a program's state, `name kind decision` for each row, and the codes it is refused with. */
export function judge(source: Source): string[] {
  const entry = source.commonJs ? 'index.js' : 'src/index.ts';
  const project = projectOf({
    'package.json': JSON.stringify({
      name: 'judged',
      ...(source.commonJs ? { bin: 'index.js' } : { type: 'module', bin: 'dist/index.js' }),
      dependencies: { '@modelcontextprotocol/sdk': '^1.29.0', zod: '^4.1.0' },
    }),
    'tsconfig.json': JSON.stringify({
      compilerOptions: { outDir: 'dist', rootDir: 'src', module: 'NodeNext', strict: true },
    }),
    [entry]: source.commonJs ? asCommonJs(source) : asModule(source),
    ...source.files,
  });
  const options = { ...defaultOptions, ...source.options };
  const inspection = inspectProject(project, options);
  const rewrite =
    inspection.diagnostics.length > 0 ? undefined : rewriteProject(project, inspection, options);
  const refusals = [...inspection.diagnostics, ...(rewrite?.diagnostics ?? [])]
    .filter(isError)
    .map(({ code }) => code);
  return [
    ...inspection.state.map(({ name, kind, decision }) => `${name} ${kind} ${decision}`),
    ...new Set(refusals),
  ];
}
