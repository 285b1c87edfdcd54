import { describe, expect, it } from 'vitest';
import { httpEntry } from '../../src/generate/http-entry.js';
import { modulePaths } from '../../src/generate/module-paths.js';
import type { Build, Inspection, Options } from '../../src/model.js';
import { defaultOptions, inspection, projectOf } from '../runtime/service.js';

const tsc: Build = { kind: 'tsc', tool: 'tsc', runner: 'node', importExtension: '.js', script: 'build' };
const at = (file: string, output: string) => ({ file, output, because: 'bin' });

interface Case {
  readonly inspection: Partial<Inspection>;
  readonly options?: Partial<Options>;
  readonly files?: Record<string, string>;
}

function entryOf({ inspection: given, options, files }: Case) {
  const found = inspection(given);
  const manifest = '{ "scripts": { "build": "tsup" } }';
  const project = projectOf({ 'package.json': manifest, ...files });
  return httpEntry(project, found, { ...defaultOptions, ...options }, modulePaths(found));
}

const starts: [string, Case, string][] = [
  ['src to dist', { inspection: { build: tsc } }, 'node dist/http/main.js'],
  [
    'the root to build',
    { inspection: { build: tsc, entry: at('index.ts', 'build/index.js') }, options: { out: 'http' } },
    'node build/http/main.js',
  ],
  [
    'src kept below dist',
    { inspection: { build: tsc, entry: at('src/index.ts', 'dist/src/index.js') } },
    'node dist/src/http/main.js',
  ],
  [
    'beside the sources',
    { inspection: { build: tsc, entry: at('src/index.ts', 'src/index.js') } },
    'node src/http/main.js',
  ],
  [
    '.mts',
    { inspection: { build: tsc, entry: at('src/index.mts', 'dist/index.mjs') } },
    'node dist/http/main.mjs',
  ],
  [
    'tsx',
    { inspection: { build: { ...tsc, kind: 'none', runner: 'tsx' } } },
    'node --import tsx src/http/main.ts',
  ],
  ['bun, what was built', { inspection: { build: { ...tsc, runner: 'bun' } } }, 'bun dist/http/main.js'],
  ['bun', { inspection: { build: { ...tsc, kind: 'none', runner: 'bun' } } }, 'bun src/http/main.ts'],
  [
    'type stripping',
    { inspection: { build: { ...tsc, kind: 'none', runner: 'node-types' } } },
    'node src/http/main.ts',
  ],
  [
    'JavaScript',
    {
      inspection: {
        language: 'js',
        build: { ...tsc, kind: 'none' },
        entry: at('src/index.js', 'src/index.js'),
      },
    },
    'node src/http/main.js',
  ],
  [
    'arguments',
    { inspection: { build: tsc }, options: { args: ['--root', '/my data'] } },
    'node dist/http/main.js --root "/my data"',
  ],
];

describe('the service is started', () => {
  it.each(starts)('%s', (_name, given, start) => {
    expect(entryOf(given).scripts).toEqual({ 'start:http': start });
  });
});

describe('beside a bundler', () => {
  const tsup: Build = { ...tsc, kind: 'bundler', tool: 'tsup', importExtension: '' };

  it('bundles into the entry’s folder, and builds with the project', () => {
    expect(entryOf({ inspection: { build: tsup, packageManager: 'pnpm' } })).toMatchObject({
      start: ['node', 'dist/http.js'],
      scripts: {
        build: 'tsup && pnpm run build:http',
        'build:http': expect.stringMatching(
          /^esbuild src\/http\/main\.ts .*--format=esm --outfile=dist\/http\.js$/,
        ),
        'start:http': 'node dist/http.js',
      },
      devDependencies: { esbuild: expect.any(String) },
    });
  });

  it('reads what the project imports as its own bundler does', () => {
    const files = {
      'src/index.ts': `import query from './orders.graphql';\nimport names from './names.txt';`,
      'tsup.config.ts': `export default { entry: ['src/index.ts'], loader: { '.graphql': 'text', '.sql': 'text' } };`,
    };
    expect(entryOf({ inspection: { build: tsup }, files }).scripts['build:http']).toMatch(
      / --loader:\.graphql=text --sourcemap /,
    );
  });

  it('follows the module format of the output', () => {
    const cjs = entryOf({ inspection: { build: tsup, entry: at('src/index.ts', 'dist/index.cjs') } });
    expect(cjs.scripts['build:http']).toContain('--format=cjs --outfile=dist/http.cjs');
    const plain = entryOf({ inspection: { build: tsup, moduleFormat: 'cjs' } });
    expect(plain.scripts['build:http']).toContain('--format=cjs --outfile=dist/http.js');
  });

  it('has inside what the project has inside of a bundle that requires', () => {
    const scripts = (format: string) => {
      const build = `esbuild src/index.ts --bundle --platform=node --external:fsevents --format=${format} --outfile=dist/index.${format === 'cjs' ? 'cjs' : 'mjs'}`;
      const entry = at('src/index.ts', `dist/index.${format === 'cjs' ? 'cjs' : 'mjs'}`);
      const files = { 'package.json': JSON.stringify({ scripts: { build } }) };
      return entryOf({ inspection: { build: { ...tsup, tool: 'esbuild' }, entry }, files }).scripts;
    };
    expect(scripts('cjs')['build:http']).toContain(' --external:fsevents --sourcemap');
    expect(scripts('cjs')['build:http']).not.toContain('--packages');
    expect(scripts('esm')['build:http']).toContain('--packages=external');
  });

  it('has inside what only a bundler finds, where the project has it inside', () => {
    const command = (imported: string, flags = '') => {
      const build = `bun build src/index.ts --outdir ./dist --target node${flags}`;
      const files = {
        'package.json': JSON.stringify({ scripts: { build } }),
        'src/index.ts': `import { parse } from '${imported}';`,
      };
      return entryOf({ inspection: { build: { ...tsup, tool: 'bun' } }, files }).scripts['build:http'];
    };
    expect(command('graphql/language')).not.toContain('external');
    expect(command('graphql/language', ' --external pg')).toContain('--target=node --external pg ');
    for (const name of ['graphql', '@scope/package', 'node:fs/promises', 'graphql/language/index.js'])
      expect(command(name)).toContain('--packages=external');
  });

  it('gives what requires a way to do it, where an ES module has it inside', () => {
    const build =
      'esbuild src/index.ts --bundle --platform=node --external:pg --format=esm --outfile=dist/index.mjs';
    const files = (imported: string) => ({
      'package.json': JSON.stringify({ scripts: { build } }),
      'src/index.ts': `import { parse } from '${imported}';`,
    });
    const command = (imported: string) =>
      entryOf({
        inspection: { build: { ...tsup, tool: 'esbuild' }, entry: at('src/index.ts', 'dist/index.mjs') },
        files: files(imported),
      }).scripts['build:http'];
    expect(command('graphql/language')).toMatch(/ --external:pg --banner:js="import \{ createRequire \} /);
    expect(command('graphql')).toContain(' --packages=external --sourcemap');
  });

  it('does not extend the build a second time', () => {
    const files = { 'package.json': '{ "scripts": { "build": "tsup && npm run build:http" } }' };
    expect(entryOf({ inspection: { build: tsup }, files }).scripts).not.toHaveProperty('build');
  });
});

describe('a compiler that would pass the service over', () => {
  const configurations: [string, string, boolean][] = [
    ['the folder', '{ "include": ["src"] }', true],
    ['a pattern', '{ "include": ["src/**/*.ts"] }', true],
    ['everything', '{ "compilerOptions": {} /* all files */ }', true],
    ['listed files only', '{ "files": ["src/index.ts"] }', false],
    ['another folder', '{ "include": ["lib/**/*"] }', false],
    ['an excluded folder', '{ "include": ["src"], "exclude": ["src/http"] }', false],
    ['one level', '{ "include": ["src/*.ts"] }', false],
    ['all of one level', '{ "include": ["src/*"] }', false],
    ['folders of any name', '{ "include": ["s*/http"] }', true],
    ['an excluded pattern of folders', '{ "include": ["src"], "exclude": ["src/h*"] }', false],
  ];
  it.each(configurations)('%s', (_name, tsconfig, compiled) => {
    const { scripts } = entryOf({ inspection: { build: tsc }, files: { 'tsconfig.json': tsconfig } });
    expect('build:http' in scripts).toBe(!compiled);
  });

  it('knows better than package.json where its output is', () => {
    const tsconfig =
      '{ "compilerOptions": { "rootDir": ".", "outDir": "./dist" }, "include": ["src", "tests"] }';
    const { scripts } = entryOf({ inspection: { build: tsc }, files: { 'tsconfig.json': tsconfig } });
    expect(scripts['start:http']).toBe('node dist/src/http/main.js');
  });

  it('looks into the configuration that is extended', () => {
    const files = { 'tsconfig.json': '{ "extends": "./base" }', 'base.json': '{ "include": ["lib"] }' };
    expect(entryOf({ inspection: { build: tsc }, files }).scripts).toHaveProperty('build:http');
  });
});
