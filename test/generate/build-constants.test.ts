import { expect, it } from 'vitest';
import { buildConstants } from '../../src/generate/build-constants.js';
import { defaultOptions, projectOf } from '../runtime/service.js';

const reads = "const pkg = JSON.parse(readFileSync('package.json', 'utf8'));";

/** The module that the bundle of the service is given, or the names that it would lack. */
function given(configs: Record<string, string>, bundler: 'esbuild' | 'bun' = 'esbuild') {
  const files = { 'package.json': '{}', 'src/index.ts': 'declare const VERSION: string;', ...configs };
  const { files: written, diagnostics } = buildConstants(projectOf(files), defaultOptions, bundler);
  return written[0]?.text.split('\n').slice(1).join('\n') ?? diagnostics.map(({ args }) => args['name']);
}

const version = "import { version } from '../../package.json';\n\nexport { version as VERSION };\n";
const understood: [string, string, string][] = [
  [
    'a member of package.json',
    `${reads} build({ define: { VERSION: JSON.stringify(pkg.version) } });`,
    version,
  ],
  [
    'one that is imported',
    "import manifest from './package.json' with { type: 'json' };\ndefine: { 'VERSION': JSON.stringify(manifest.version), }",
    version,
  ],
  [
    'a variable of its own',
    "const { version } = require('./package.json');\ndefine: {\n  VERSION: JSON.stringify(version)\n}",
    version,
  ],
  [
    'a variable that has it',
    `${reads} const release = pkg.version; build({ define: { VERSION: JSON.stringify(release) } });`,
    version,
  ],
  [
    'what package managers tell',
    'const release = process.env.npm_package_version;\ndefine: { VERSION: JSON.stringify(release) }',
    version,
  ],
  ['a text', 'define: { VERSION: JSON.stringify("2.0") }', "export const VERSION = '2.0';\n"],
  ['a quoted text', `define: { VERSION: '"2.0"' }`, "export const VERSION = '2.0';\n"],
  ['a truth', "define: { VERSION: 'false' }", 'export const VERSION = false;\n'],
  [
    'the same in two builds',
    `${reads} [{ define: { VERSION: JSON.stringify(pkg.version) } }, { define: { VERSION: JSON.stringify(pkg.version) } }]`,
    version,
  ],
];
it.each(understood)('the bundle of the service gets %s', (_, config, module) => {
  expect(given({ 'build.mjs': config })).toBe(module);
});

it('the bundle of the service gets what stands for a variable of the environment', () => {
  const files = { 'src/index.ts': 'print(process.env.RELEASE, process.env.EDITION);' };
  const config = `define: { 'process.env.RELEASE': JSON.stringify(process.env.npm_package_version), 'process.env.EDITION': '"small"' }`;
  expect(given({ ...files, 'tsup.config.ts': config })).toBe(
    `import { version } from '../../package.json';

const process_env_EDITION = 'small';
export { process_env_EDITION as 'process.env.EDITION' };
export { version as 'process.env.RELEASE' };
`,
  );
});

it('where the build names one of several scripts, that one says it', () => {
  const manifest = '{ "scripts": { "build": "tsc && node ./build.mjs" } }';
  const other = 'define: { VERSION: JSON.stringify(commit()) }';
  const configs = { 'build.mjs': `define: { VERSION: '"2.0"' }`, 'scripts/binary.mjs': other };
  expect(given({ ...configs, 'package.json': manifest })).toBe("export const VERSION = '2.0';\n");
  expect(given(configs)).toEqual(['VERSION']);
});

it('what a test runner puts in does not count', () => {
  const build = 'define: { VERSION: \'"2.0"\' }';
  expect(given({ 'build.mjs': build, 'vitest.config.ts': 'define: { VERSION: \'"test"\' }' })).toBe(
    "export const VERSION = '2.0';\n",
  );
});

it.each([
  ['what is asked of another program', { 'build.mjs': 'define: { VERSION: JSON.stringify(commit()) }' }],
  ['a time', { 'build.mjs': 'define: { VERSION: JSON.stringify(Date.now()) }' }],
  [
    'something of another file',
    {
      'build.mjs': "const pkg = require('../package.json'); define: { VERSION: JSON.stringify(pkg.version) }",
    },
  ],
  [
    'what is not at the root',
    { 'scripts/build.mjs': `${reads} define: { VERSION: JSON.stringify(pkg.version) }` },
  ],
  ['a changed member', { 'build.mjs': `${reads} define: { VERSION: JSON.stringify(pkg.version + '-dev') }` }],
  [
    'one thing here and another there',
    { 'build.mjs': `[{ define: { VERSION: '"1"' } }, { define: { VERSION: '"2"' } }]` },
  ],
  ['what is set once more', { 'build.mjs': `const define = { VERSION: '"1"' }; define.VERSION = '"2"';` }],
])('it does not get %s', (_, configs) => {
  expect(given(configs)).toEqual(['VERSION']);
});

it('Bun’s bundler gets nothing', () => {
  expect(given({ 'build.mjs': `define: { VERSION: '"1"' }` }, 'bun')).toEqual(['VERSION']);
});
