import { describe, expect, it } from 'vitest';
import { formatCheckOf } from '../../src/inspect/build.js';
import { inspectProject } from '../../src/inspect/inspect-project.js';
import { projectOf } from '../runtime/service.js';

const SERVER = `import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
await new McpServer({ name: 'a', version: '1.0.0' }).connect(new StdioServerTransport());
`;

const runnerOf = (start: string, shebang = ''): string =>
  inspectProject(
    projectOf({
      'package.json': JSON.stringify({ bin: 'dist/index.js', scripts: { build: 'tsc', start } }),
      'src/index.ts': shebang + SERVER,
    }),
  ).build.runner;

describe('what runs the output of a build', () => {
  const cases: [string, string, string, string][] = [
    ['node', 'node dist/index.js', '', 'node'],
    ['bun, by the script', 'bun dist/index.js', '', 'bun'],
    ['bun, by the first line', 'node dist/index.js', '#!/usr/bin/env bun\n', 'bun'],
    ['node, by the first line', 'bun ./dist/index.js', '#!/usr/bin/env node\n', 'node'],
    ['node, where bun starts something else', 'bun scripts/dev.ts', '', 'node'],
  ];
  it.each(cases)('%s', (_name, start, shebang, runner) => {
    expect(runnerOf(start, shebang)).toBe(runner);
  });
});

describe('the format of what a bundler writes, in a package that is not one of ES modules', () => {
  const cases: [string, string, string][] = [
    ['tsup', 'tsup src/index.ts', 'cjs'],
    ['esbuild', 'esbuild src/index.ts --bundle --platform=node --outfile=dist/index.js', 'cjs'],
    ['esbuild, told otherwise', 'esbuild src/index.ts --bundle --format=esm --outfile=dist/index.js', 'esm'],
    ['tsc', 'tsc', 'esm'],
  ];
  it.each(cases)('%s', (_name, build, format) => {
    const { moduleFormat } = inspectProject(
      projectOf({
        'package.json': JSON.stringify({ bin: 'dist/index.js', scripts: { build } }),
        'tsconfig.json': '{ "compilerOptions": { "module": "es2022", "outDir": "dist" } }',
        'src/index.ts': SERVER,
      }),
    );
    expect(moduleFormat).toBe(format);
  });
});

describe('what builds', () => {
  const toolOf = (script: string): string =>
    inspectProject(
      projectOf({
        'package.json': JSON.stringify({ bin: 'dist/index.js', scripts: { build: 'bun scripts/build.ts' } }),
        'scripts/build.ts': script,
        'src/index.ts': SERVER,
      }),
    ).build.tool;

  it.each([
    ['bun, as a global', 'await Bun.build(options);', 'bun'],
    ['bun, imported', "import { build } from 'bun';\nawait build(options);", 'bun'],
    ['tsc, where bun runs it', "import { $ } from 'bun';\nawait $`tsc`;", 'tsc'],
  ])('%s', (_name, script, tool) => {
    expect(toolOf(script)).toBe(tool);
  });
});

describe('a build that stops at files which are not laid out', () => {
  const checkOf = (prebuild: string): string | undefined =>
    formatCheckOf(
      projectOf({
        'package.json': JSON.stringify({ bin: 'dist/index.js', scripts: { build: 'tsc', prebuild } }),
        'eslint.config.js': "import standard from '@stylistic/eslint-plugin';\nexport default [standard];",
      }),
    );

  it.each([
    ['checks', 'npx eslint src', true],
    ['checks with what is installed', 'node_modules/.bin/eslint .', true],
    ['mends', 'eslint src --fix', false],
    ['removes its report', 'rm -f eslint-report.json', false],
  ])('%s', (_name, command, stops) => {
    expect(checkOf(command)).toBe(stops ? command : undefined);
  });
});
