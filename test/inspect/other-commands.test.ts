import { expect, it } from 'vitest';
import { inspectProject } from '../../src/inspect/inspect-project.js';
import { rewriteProject } from '../../src/rewrite/rewrite-project.js';
import { defaultOptions, projectOf } from '../runtime/service.js';

const PACKAGE = JSON.stringify({
  type: 'module',
  bin: 'dist/index.js',
  scripts: { build: 'tsc' },
  dependencies: { '@modelcontextprotocol/sdk': '^1.29.0', commander: '^14.0.0' },
});

const SERVE = `
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { greet } from './greetings.js';
export async function serve(options) {
  const server = new McpServer({ name: options.name ?? 'letters', version: '1.0.0' });
  server.registerTool('write', {}, async (args) => ({ content: [{ type: 'text', text: greet(args.name) }] }));
  await server.connect(new StdioServerTransport());
}
`;

const GREETINGS = `
const greetings = [];
export const greet = (one: string) => { greetings.push(one); return greetings.join(); };
`;

/** Where a program is refused whose commands do this. */
function refusedFor(commands: string): string[] {
  const project = projectOf({
    'package.json': PACKAGE,
    'tsconfig.json': JSON.stringify({ compilerOptions: { outDir: 'dist', rootDir: 'src' } }),
    'src/serve.ts': SERVE,
    'src/greetings.ts': GREETINGS,
    'src/index.ts': `import { program } from 'commander';
import { greet } from './greetings.js';
import { serve } from './serve.js';
${commands}
program.parse();
`,
  });
  const { diagnostics } = rewriteProject(project, inspectProject(project, defaultOptions), defaultOptions);
  return diagnostics
    .filter(({ code }) => code === 'start-not-repeatable')
    .map(({ code, at }) => `${code} ${at?.file}:${at?.line}`);
}

it('what another command changes is not changed in a process that serves', () => {
  const commands = `program.command('hello').action(() => { console.log(greet('all')); });
program.command('serve').option('--name').action(async (options) => { await serve(options); });`;
  expect(refusedFor(commands)).toEqual([]);
});

it('what runs before every command is not repeated, and refused', () => {
  const commands = `program.hook('preAction', () => { greet('all'); });
program.command('serve').option('--name').action(async (options) => { await serve(options); });`;
  expect(refusedFor(commands)).toEqual(['start-not-repeatable src/index.ts:4']);
});
