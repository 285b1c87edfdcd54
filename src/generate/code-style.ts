import { parse } from 'jsonc-parser';
import type { Project } from '../model.js';

/** How a project writes its code, as far as generated files follow it. */
export interface CodeStyle {
  readonly indent: string;
  readonly quote: "'" | '"';
  readonly semicolons: boolean;
}

/** Do the sources end their lines as on Windows? */
export const endsLinesWithCrlf = ({ files }: Project): boolean => {
  const sources = [...files].filter(([file]) => /\.[cm]?[jt]sx?$/.test(file)).map(([, text]) => text);
  const crlf = sources.filter((text) => text.includes('\r\n')).length;
  return crlf * 2 > sources.length;
};

type Json = Readonly<Record<string, unknown>>;

/** What the project's formatter is told; without one, what most of its lines outside of `out` look like. */
export function codeStyle(project: Project, out: string): CodeStyle {
  return prettierStyle(project) ?? biomeStyle(project) ?? usualStyle(project, out);
}

function prettierStyle(project: Project): CodeStyle | undefined {
  const manifest = parse(project.files.get('package.json') ?? '{}') as { prettier?: unknown };
  const text = prettierFiles.map((name) => project.files.get(name)).find((found) => found !== undefined);
  const configured = typeof manifest.prettier === 'object' ? JSON.stringify(manifest.prettier) : text;
  if (configured === undefined) return undefined;
  // JSON, YAML and JavaScript all write `name: value` for these.
  const option = (name: string) =>
    new RegExp(`["']?${name}["']?\\s*[:=]\\s*["']?(\\w+)`).exec(configured)?.[1];
  const width = Number(option('tabWidth') ?? 2);
  return {
    indent: option('useTabs') === 'true' ? '\t' : ' '.repeat(width),
    quote: option('singleQuote') === 'true' ? "'" : '"',
    semicolons: option('semi') !== 'false',
  };
}

const prettierFiles = [
  '.prettierrc',
  ...['json', 'json5', 'yaml', 'yml', 'js', 'cjs', 'mjs', 'ts', 'toml'].map((kind) => `.prettierrc.${kind}`),
  ...['js', 'cjs', 'mjs', 'ts'].map((kind) => `prettier.config.${kind}`),
];

function biomeStyle(project: Project): CodeStyle | undefined {
  const text = project.files.get('biome.json') ?? project.files.get('biome.jsonc');
  if (text === undefined) return undefined;
  const { formatter = {}, javascript = {} } = (parse(text) ?? {}) as { formatter?: Json; javascript?: Json };
  const own = (javascript['formatter'] ?? {}) as Json;
  if (formatter['enabled'] === false) return undefined;
  const spaces = (own['indentStyle'] ?? formatter['indentStyle']) === 'space';
  return {
    indent: spaces ? ' '.repeat(Number(own['indentWidth'] ?? formatter['indentWidth'] ?? 2)) : '\t',
    quote: own['quoteStyle'] === 'single' ? "'" : '"',
    semicolons: own['semicolons'] !== 'asNeeded',
  };
}

function usualStyle(project: Project, out: string): CodeStyle {
  const sources = [...project.files].filter(
    ([file]) =>
      /\.[cm]?[jt]sx?$/.test(file) && !file.startsWith(`${out}/`) && !/\.d\.[cm]?ts$|config\./.test(file),
  );
  const text = sources.map(([, source]) => source).join('\n');
  const count = (pattern: RegExp) => (text.match(pattern) ?? []).length;
  const imported = '(?:^import .*|\\brequire\\()';
  const wide = count(/^ {4}\S/gm) > 0 && count(/^ {2}\S/gm) * 10 < count(/^ {4}\S/gm);
  return {
    indent: count(/^\t/gm) > count(/^ {2}/gm) ? '\t' : wide ? '    ' : '  ',
    quote: count(new RegExp(`${imported}"`, 'gm')) > count(new RegExp(`${imported}'`, 'gm')) ? '"' : "'",
    semicolons: count(/^import .*['"]$/gm) <= count(/^import .*['"];$/gm),
  };
}

/** Templates are written with two spaces, single quotes and semicolons; this writes them in another style. */
export function restyle(code: string, style: CodeStyle): string {
  const pieces = split(code);
  const written = pieces.map(({ kind, text }, index) => {
    if (kind === 'string') return style.quote === '"' ? doubleQuoted(text) : text;
    if (kind !== 'code' || style.semicolons) return text;
    return withoutSemicolons(
      text,
      pieces.slice(index + 1).find((piece) => piece.kind !== 'comment')?.text ?? '',
    );
  });
  return written.join('').replace(/^(?: {2})+/gm, (spaces) => style.indent.repeat(spaces.length / 2));
}

interface Piece {
  readonly kind: 'code' | 'string' | 'comment' | 'verbatim';
  readonly text: string;
}

/** Strings, comments, and what must stay as it is (templates, regular expressions), with the code between them. */
function split(code: string): Piece[] {
  const token =
    /(?<comment>\/\/[^\n]*|\/\*[\s\S]*?\*\/)|(?<string>'(?:\\.|[^'\\\n])*')|(?<verbatim>"(?:\\.|[^"\\\n])*"|`(?:\\.|\$\{(?:[^{}`]|\{[^{}]*\}|`(?:\\.|\$\{[^{}]*\}|[^`\\])*`)*\}|[^`\\])*`|(?<=[=(,:!&|?;{}\n]\s*)\/(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\\n])+\/[a-z]*)/g;
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of code.matchAll(token)) {
    if (match.index > end) pieces.push({ kind: 'code', text: code.slice(end, match.index) });
    const { comment, string } = match.groups ?? {};
    const kind = comment !== undefined ? 'comment' : string !== undefined ? 'string' : 'verbatim';
    pieces.push({ kind, text: match[0] });
    end = match.index + match[0].length;
  }
  pieces.push({ kind: 'code', text: code.slice(end) });
  return pieces;
}

/** Formatters keep the quotes that need no escapes. */
const doubleQuoted = (text: string): string =>
  text.includes('"') ? text : `"${text.slice(1, -1).replaceAll("\\'", "'")}"`;

/** A line that begins with one of these would continue the one before. */
const continues = /^[([`+\-*/]/;

function withoutSemicolons(code: string, next: string): string {
  return code.replace(/;(?=[ \t]*(?:\n|$))/g, (semicolon, offset: number) => {
    const rest = code.slice(offset + 1);
    const following = rest.trimStart() === '' ? next : rest.trimStart();
    return !rest.includes('\n') || continues.test(following) ? semicolon : '';
  });
}
