import { expect, it } from 'vitest';
import { inspectProject } from '../../src/inspect/inspect-project.js';
import { rewriteProject } from '../../src/rewrite/rewrite-project.js';
import { defaultOptions, projectOf } from '../runtime/service.js';

/** How the function that connects takes its transport, where it makes it by this expression. */
function taken(made: string): string | undefined {
  const project = projectOf({
    'package.json': JSON.stringify({
      name: 'runner',
      type: 'module',
      bin: 'index.js',
      dependencies: { '@modelcontextprotocol/sdk': '^1.29.0' },
    }),
    'index.js': `
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
class App {
  constructor(options = {}) {
    this.options = options;
    this.server = new McpServer({ name: 'runner', version: '1.0.0' });
  }
  async run() {
    const transport = ${made};
    await this.server.connect(transport);
  }
}
await new App().run();
`,
  });
  const { changes } = rewriteProject(project, inspectProject(project, defaultOptions), defaultOptions);
  const text = changes.map(({ after }) => after).join('\n');
  return /const transport = (.*);/.exec(text)?.[1];
}

it.each([
  ['this.options.create?.() ?? new StdioServerTransport()', (made: string) => made],
  ['this.options.transport || new StdioServerTransport()', (made: string) => `(${made})`],
  ['this.options.quiet ? silent() : new StdioServerTransport()', (made: string) => `(${made})`],
])('what is given comes before what is chosen otherwise: %s', (made, beside) => {
  expect(taken(made)).toBe(`serverTransport ?? ${beside(made)}`);
});
