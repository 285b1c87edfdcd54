import { describe, expect, it } from 'vitest';
import { type CodeStyle, codeStyle, restyle } from '../../src/generate/code-style.js';
import { projectOf } from '../runtime/service.js';

const plain: CodeStyle = { indent: '  ', quote: "'", semicolons: true };
const styleOf = (files: Record<string, string>) =>
  codeStyle(projectOf({ 'package.json': '{}', ...files }), 'src/http');

describe('the style of a project', () => {
  const styles: [string, Record<string, string>, Partial<CodeStyle>][] = [
    ['prettier as it is', { '.prettierrc': '{}' }, { quote: '"' }],
    [
      'prettier in JSON',
      { '.prettierrc.json': '{ "useTabs": true, "semi": false, "singleQuote": true }' },
      { indent: '\t', semicolons: false },
    ],
    ['prettier in YAML', { '.prettierrc': 'tabWidth: 4\nsingleQuote: true\n' }, { indent: '    ' }],
    [
      'prettier in JavaScript',
      { 'prettier.config.mjs': 'export default { singleQuote: true, semi: false };' },
      { semicolons: false },
    ],
    [
      'prettier in package.json',
      { 'package.json': '{ "prettier": { "tabWidth": 4 } }' },
      { indent: '    ', quote: '"' },
    ],
    ['biome as it is', { 'biome.json': '{}' }, { indent: '\t', quote: '"' }],
    [
      'biome',
      {
        'biome.jsonc':
          '{ "formatter": { "indentStyle": "space", "indentWidth": 4 }, /* ours */ "javascript": { "formatter": { "quoteStyle": "single", "semicolons": "asNeeded" } } }',
      },
      { indent: '    ', semicolons: false },
    ],
    [
      'the usual',
      { 'src/a.ts': 'import a from "a"\nexport function f() {\n\treturn a\n}\n' },
      { indent: '\t', quote: '"', semicolons: false },
    ],
    [
      'four spaces',
      { 'src/a.js': "const a = require('a');\nfunction f() {\n    return a;\n}\n" },
      { indent: '    ' },
    ],
    [
      'not what was generated',
      { 'src/a.ts': "import a from 'a';\n", 'src/http/b.ts': 'import b from "b"\nimport c from "c"\n\tx\n' },
      {},
    ],
  ];
  it.each(styles)('%s', (_name, files, expected) => {
    expect(styleOf(files)).toEqual({ ...plain, ...expected });
  });
});

describe('code in another style', () => {
  const code = [
    "/** It's a comment; */",
    "import { a } from 'a';",
    '',
    'export class A {',
    '  #b = \'say "hi"\';',
    '',
    '  /**',
    '   * Kept.',
    '   */',
    '  c(): void {',
    "    const d = [a, 'it\\'s', `${['x'].join(';')} ;`, /['\";]/.test('e')];",
    '    [1].forEach(a);',
    '  }',
    '}',
    '',
  ].join('\n');

  it('stays as it is in the style it has', () => {
    expect(restyle(code, plain)).toBe(code);
  });

  it('has other quotes, indentation and line ends, and means the same', () => {
    expect(restyle(code, { indent: '\t', quote: '"', semicolons: false })).toBe(
      [
        "/** It's a comment; */",
        'import { a } from "a"',
        '',
        'export class A {',
        '\t#b = \'say "hi"\'',
        '',
        '\t/**',
        '\t * Kept.',
        '\t */',
        '\tc(): void {',
        // The line after it begins with a bracket.
        "\t\tconst d = [a, \"it's\", `${['x'].join(';')} ;`, /['\";]/.test(\"e\")];",
        '\t\t[1].forEach(a)',
        '\t}',
        '}',
        '',
      ].join('\n'),
    );
  });
});
