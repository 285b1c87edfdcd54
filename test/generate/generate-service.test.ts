import { describe, expect, it } from 'vitest';
import { readTemplate } from '../../src/disk.js';
import { generateService } from '../../src/generate/generate-service.js';
import type { Inspection, Options, Seam } from '../../src/model.js';
import { defaultOptions, defaultSeam, inspection, projectOf } from '../runtime/service.js';

interface Given {
  readonly files?: Record<string, string>;
  readonly inspection?: Partial<Inspection>;
  readonly options?: Partial<Options>;
  readonly seam?: Partial<Seam>;
}

const generate = (given: Given = {}) =>
  generateService({
    project: projectOf({ 'package.json': '{}', ...given.files }),
    inspection: inspection(given.inspection),
    options: { ...defaultOptions, ...given.options },
    seam: { ...defaultSeam, ...given.seam },
    readTemplate,
  });

const textOf = (given: Given, name: string): string =>
  generate(given).files.find(({ path }) => path === `src/http/${name}`)?.text ?? '';

describe('what package.json needs', () => {
  it('is what the project lacks', () => {
    const files = {
      'package.json':
        '{ "dependencies": { "zod": "^3.25.0", "express": "^4.19.0" }, "devDependencies": { "@types/node": "^22" } }',
    };
    const { dependencies, devDependencies } = generate({ files });
    expect(Object.keys(dependencies).sort()).toEqual(['cors', 'helmet', 'pino', 'rate-limiter-flexible']);
    expect(devDependencies).toEqual({ '@types/cors': expect.any(String), '@types/express': '^4.17.21' });
  });

  it('is the Express 4 that the project develops with', () => {
    const files = { 'package.json': '{ "devDependencies": { "express": "^4.21.2" } }' };
    const { dependencies, devDependencies } = generate({ files });
    expect(dependencies).toHaveProperty('express', '^4.0.0');
    expect(devDependencies).toHaveProperty('@types/express', '^4.17.21');
  });

  it.each([
    ['^0.4.0', '^3.23.8'],
    ['1.12.1', '^3.23.8'],
    ['~1.12.1', '^3.23.8'],
    ['^1.12.1', '^3.23.8 || ^4.0.0'],
    ['>=1.9', '^3.23.8 || ^4.0.0'],
    ['^1.26.0', '^3.25.0 || ^4.0.0'],
    ['latest', '^3.25.0 || ^4.0.0'],
  ])('lets the zod stay that SDK %s brings', (range, zod) => {
    const { dependencies } = generate({ inspection: { sdk: { line: 'v1', range, api: 'McpServer' } } });
    expect(dependencies).toHaveProperty('zod', zod);
  });

  it('has no types for JavaScript', () => {
    expect(generate({ inspection: { language: 'js' } }).devDependencies).toEqual({});
  });
});

describe('the database', () => {
  const options = { database: 'postgres' } as const;
  const withDependency = (name: string, source: string) =>
    generate({
      options,
      files: {
        'package.json': JSON.stringify({ dependencies: { [name]: '^1.0.0' } }),
        'src/create-server.ts': source,
      },
    });
  const own = 'This project opens pools of its own.';

  it.each([
    ['pg', "import { Pool } from 'pg';"],
    ['pg-pool', "import Pool from 'pg-pool';"],
    ['drizzle-orm', "import { drizzle } from 'drizzle-orm/node-postgres';"],
  ])('is reached by the pool that the project opens with %s', (name, source) => {
    const { files, diagnostics } = withDependency(name, source);
    expect(files.find(({ path }) => path === 'src/http/postgres.ts')?.text).toContain(own);
    expect(diagnostics).toEqual([]);
  });

  it.each(['mysql2', 'mongoose', '@prisma/client'])(
    'is said to be out of reach where the project uses %s',
    (name) => {
      const { files, diagnostics } = withDependency(name, `import client from '${name}';`);
      expect(files.find(({ path }) => path === 'src/http/postgres.ts')?.text).not.toContain(own);
      const args = { clients: name, module: 'src/http/postgres' };
      expect(diagnostics).toEqual([{ code: 'database-not-wired', args }]);
      const readme = files.find(({ path }) => path === 'src/http/README.md')?.text;
      expect(readme).toContain(`Connections of \`${name}\` are opened by the server's own code`);
    },
  );
});

describe('the seam', () => {
  it('calls the factory of the project, or makes it once', () => {
    expect(textOf({}, 'server-factory.ts')).toContain(
      "const { createServer } = await import('../create-server.js');\n  return async () => createServer();",
    );
    const factory = textOf(
      { seam: { kind: 'server-factory', exportName: 'makeFactory' } },
      'server-factory.ts',
    );
    expect(factory).toContain('const createServer = await makeFactory();');
    const connecting = textOf({ seam: { kind: 'connect', exportName: 'serve' } }, 'server-factory.ts');
    expect(connecting).toContain('await serve(transport);');
  });

  it('answers tools/list from memory only where the SDK makes the list', () => {
    const registered = { 'src/create-server.ts': "new McpServer(info).registerTool('a', {}, run);" };
    expect(textOf({ files: registered }, 'server-factory.ts')).toContain('fixedTools: boolean = true');
    const handled = { 'src/create-server.ts': 'server.setRequestHandler(ListToolsRequestSchema, list);' };
    expect(textOf({ files: handled }, 'server-factory.ts')).toContain('fixedTools: boolean = false');
    const elsewhere = { 'src/create-server.ts': "export { createServer } from '@example/tools';" };
    expect(textOf({ files: elsewhere }, 'server-factory.ts')).toContain('fixedTools: boolean = false');
    const rewritten = { 'src/create-server.ts': "new McpServer(info); added.description = 'another';" };
    expect(textOf({ files: rewritten }, 'server-factory.ts')).toContain('fixedTools: boolean = false');
  });

  it('writes CommonJS for JavaScript without modules', () => {
    const given: Given = {
      inspection: {
        language: 'js',
        moduleFormat: 'cjs',
        entry: { file: 'src/index.js', output: 'src/index.js', because: 'main' },
      },
      seam: { module: 'src/create-server.js' },
    };
    expect(textOf(given, 'server-factory.js')).toContain("require('../create-server.js')");
    expect(textOf(given, 'features.js')).toMatch(/module\.exports = \{ createEndpoint, .* \};\n$/);
    expect(
      generate(given)
        .files.map(({ text }) => text)
        .join(),
    ).not.toMatch(/^(import|export) /m);
  });
});

describe('imports', () => {
  it('carry the extension that the project writes', () => {
    const build = { kind: 'none', tool: 'none', runner: 'node-types', importExtension: '.ts' } as const;
    const main = textOf({ inspection: { build } }, 'main.ts');
    expect(main).toContain("from './app.ts'");
    expect(main).not.toContain(".js'");
    const bare = textOf({ inspection: { build: { ...build, importExtension: '' } } }, 'main.ts');
    expect(bare).toContain("from './app'");
  });

  it('name only files that are there', () => {
    for (const sessions of ['stateless', 'stateful'] as const) {
      const { files } = generate({ seam: { sessions } });
      const names = new Set(files.map(({ path }) => path));
      for (const { text } of files.filter(({ path }) => path.endsWith('.ts'))) {
        for (const [, name] of text.matchAll(/from '\.\/([\w-]+)\.js'/g))
          expect(names).toContain(`src/http/${name}.ts`);
      }
    }
  });
});

it('is the same for the same project', () => {
  expect(generate()).toEqual(generate());
});
