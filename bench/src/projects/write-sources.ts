/** Writes the stdio servers that are measured, and the same servers as factories for the patterns without conversion. */

import fs from 'node:fs';
import path from 'node:path';
import { constants, type Dialect, registrations, type Size } from './registrations.js';

const imports = {
  v1: [
    "import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';",
    "import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';",
    "import { z } from 'zod';",
  ],
  v2: ["import { McpServer } from '@modelcontextprotocol/server';", "import { z } from 'zod';"],
} as const;

const construction = "const server = new McpServer({ name: 'bench', version: '1.0.0' });";
const indented = (text: string): string => text.replace(/^(?=.)/gm, '  ');

/** A TypeScript project with a stdio server, as people write it: everything at the top level of `src/index.ts`. */
export function writeStdioProject(folder: string, size: Size): void {
  const source = [
    ...imports.v1,
    '',
    constants,
    '',
    construction,
    '',
    registrations(size, 'v1').join('\n\n'),
    '',
    'const transport = new StdioServerTransport();',
    'await server.connect(transport);',
    '',
  ];
  writeProject(folder, { 'src/index.ts': source.join('\n') });
}

/** The same in many files: each of `files - 1` modules registers three of the tools. */
export function writeManyFiles(folder: string, files: number): void {
  const tools = registrations({ tools: Math.min(200, 3 * (files - 1)), resources: 0, prompts: 0 }, 'v1');
  const names = Array.from({ length: files - 1 }, (_, index) => `group${index + 1}`);
  const modules = names.map((name, index) => {
    const own = tools.slice(index * 3, index * 3 + 3).map(indented);
    const source = [
      "import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';",
      "import { z } from 'zod';",
      '',
      constants,
      '',
      `export function register_${name}(server: McpServer): void {`,
      ...own,
      '}',
      '',
    ];
    return [`src/${name}.ts`, source.join('\n')];
  });
  const index = [
    ...imports.v1.slice(0, 2),
    ...names.map((name) => `import { register_${name} } from './${name}.js';`),
    '',
    construction,
    ...names.map((name) => `register_${name}(server);`),
    '',
    'await server.connect(new StdioServerTransport());',
    '',
  ];
  writeProject(folder, { ...Object.fromEntries(modules), 'src/index.ts': index.join('\n') });
}

/** A module that exports `createServer`, written by hand as it were. */
export function writeFactory(file: string, size: Size, dialect: Dialect): void {
  const source = [
    ...imports[dialect].filter((line) => !line.includes('Stdio')),
    '',
    constants,
    '',
    'export function createServer() {',
    indented(construction),
    indented(registrations(size, dialect).join('\n\n')),
    '  return server;',
    '}',
    '',
  ];
  write(file, source.join('\n'));
}

const manifest = {
  name: 'bench-server',
  version: '1.0.0',
  type: 'module',
  bin: { 'bench-server': 'dist/index.js' },
  scripts: { build: 'tsc' },
  dependencies: { '@modelcontextprotocol/sdk': '^1.32.2', zod: '^4.6.7' },
  devDependencies: { '@types/node': '^20.19.43', typescript: '^5.9.0' },
};

const tsconfig = {
  compilerOptions: {
    target: 'ES2022',
    module: 'NodeNext',
    moduleResolution: 'NodeNext',
    rootDir: 'src',
    outDir: 'dist',
    strict: true,
    skipLibCheck: true,
  },
  include: ['src'],
};

function writeProject(folder: string, sources: Readonly<Record<string, string>>): void {
  write(path.join(folder, 'package.json'), JSON.stringify(manifest, null, 2));
  write(path.join(folder, 'tsconfig.json'), JSON.stringify(tsconfig, null, 2));
  for (const [name, text] of Object.entries(sources)) write(path.join(folder, name), text);
}

function write(file: string, text: string): void {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
}
