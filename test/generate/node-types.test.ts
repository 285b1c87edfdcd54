import { expect, it } from 'vitest';
import { neededNodeTypes } from '../../src/generate/node-types.js';
import { inspectProject } from '../../src/inspect/inspect-project.js';
import { projectOf } from '../runtime/service.js';

/** What a project with these compiler options needs in place of the @types/node that it has. */
function neededFor(has: string, compilerOptions: object = {}, more: object = {}): string | undefined {
  const project = projectOf({
    'package.json': JSON.stringify({ bin: 'dist/index.js', scripts: { build: 'tsc' } }),
    'tsconfig.json': JSON.stringify({ compilerOptions: { outDir: 'dist', ...compilerOptions }, ...more }),
    'src/index.ts': `import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
new McpServer({ name: 'a', version: '1.0.0' }).connect(new StdioServerTransport());
`,
  });
  return neededNodeTypes(project, inspectProject(project), has);
}

it.each([
  ['^16.18.0', '^18.19.130'],
  ['^20.10.5', '^20.19.0'],
  ['^21.0.0', '^22.15.29'],
  ['~22.9.0', '^22.15.29'],
  ['^20.19.0', undefined],
  ['24.2.0', undefined],
  ['>=18', undefined],
  ['catalog:', undefined],
])('where the compiler checks what packages declare, %s becomes %s', (has, needed) => {
  expect(neededFor(has)).toBe(needed);
});

it('leaves types alone that are not checked, or perhaps not', () => {
  expect(neededFor('^20.10.5', { skipLibCheck: true })).toBeUndefined();
  expect(neededFor('^20.10.5', {}, { extends: '@tsconfig/node20/tsconfig.json' })).toBeUndefined();
});
