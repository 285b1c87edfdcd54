import { expect, it } from 'vitest';
import { Sources } from '../../src/inspect/source.js';
import { projectOf } from '../runtime/service.js';

/** The modules that are read of a program that loads others by computed names. */
const read = (entry: string) => [
  ...new Sources(
    projectOf({
      'package.json': '{}',
      'index.js': entry,
      'bin/proxy.js': 'process.argv[2];',
      'tools/greet.js': 'exports.name = 1;',
    }),
    'index.js',
  ).files.keys(),
];

it.each([
  "for (const name of names) require(path.join(__dirname, 'tools', name));",
  "for (const name of names) require(path.join(__dirname, 'dist', name + '.js'));",
])('a path that begins where the module is may be any module below: %s', (entry) => {
  expect(read(entry)).toEqual(['index.js', 'bin/proxy.js', 'tools/greet.js']);
});

it.each([
  "const built = path.join(__dirname, 'dist', 'index.js');\nrequire(built);",
  "require(path.join(__dirname, './dist/index.js'));",
])('what a build has written is one file, and none of the sources: %s', (entry) => {
  expect(read(entry)).toEqual(['index.js']);
});

it.each([
  "// The import is an `import()` of one module.\nconst globals = readdirSync('.');",
  '/**\n * What require() gives is global.\n */\nexports.name = 1;',
  "const loaded = require(name);\nconst where = 'a global';",
])('neither a comment nor a word that begins like a scan loads any: %s', (entry) => {
  expect(read(entry)).toEqual(['index.js']);
});

it('what stands behind a comment on its line is no comment', () => {
  const entry =
    "const names = readdirSync('tools');\n/* each */ for (const name of names) require(`./tools/${name}`);";
  expect(read(entry)).toContain('tools/greet.js');
});
