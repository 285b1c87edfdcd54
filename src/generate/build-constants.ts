import path from 'node:path/posix';
import type { Diagnostic, Location, Options, Project } from '../model.js';
import { readPackageFacts } from './files/package-facts.js';
import { ownSources } from './own-sources.js';

/** A name that the project's own bundler puts a value in for. */
interface BuildConstant {
  readonly name: string;
  readonly at: Location;
  /** The file that says so. */
  readonly config: string;
  /** What stands for it, where that is known to be the same whenever the bundle is made. */
  readonly value?: ConstantValue | undefined;
}

/** A member of package.json, or a literal of JavaScript. */
type ConstantValue = { readonly member: string } | { readonly literal: string };

/** How the bundle of the service gets the constants of the project's own. */
export interface BuildConstants {
  /** Arguments of esbuild. */
  readonly flags: readonly string[];
  /** The module that they name. */
  readonly files: readonly { readonly path: string; readonly text: string; readonly why: string }[];
  /** Those that nobody would put in there: the start of the service would fail. */
  readonly diagnostics: readonly Diagnostic[];
}

const declared = /^[ \t]*(?:export\s+)?declare\s+(?:const|let|var)\s+([\w$]+)/gm;
/** Variables of the environment that a bundler may write the values of; `NODE_ENV` is the environment's own. */
const environment = /(?<![\w$.])(process\.env\.(?!NODE_ENV\b)\w+)/g;

/** Configurations that say what tests see. */
const OF_TESTS = /(?:^|\/)(?:vitest|jest)\.[\w.]+$/;

/**
 * Constants that the project's own bundler puts in (`define: { VERSION: … }` for `declare const VERSION: string`, or for
 * `process.env.VERSION`), for a bundle of the service's own that `bundler` makes.
 */
export function buildConstants(
  project: Project,
  options: Options,
  bundler: 'esbuild' | 'bun',
): BuildConstants {
  const found = constantsOf(project, options);
  const injects = (constant: BuildConstant): constant is BuildConstant & { value: ConstantValue } =>
    bundler === 'esbuild' && constant.value !== undefined;
  // In an order that does not change when the sources are moved.
  const inOrder = found.filter(injects).sort((one, other) => (one.name < other.name ? -1 : 1));
  const given = new Map(inOrder.map((constant) => [constant.name, constant]));
  const file = `${options.out}/build-constants.mjs`;
  const why = 'what the project’s own bundler puts in for names that nothing declares';
  return {
    flags: given.size > 0 ? [`--inject:${file}`] : [],
    files: given.size > 0 ? [{ path: file, text: moduleOf([...given.values()], file), why }] : [],
    diagnostics: found
      .filter((constant) => !injects(constant))
      .map(({ name, at, config }) => ({ code: 'build-constant', at, args: { name, config } })),
  };
}

function constantsOf(project: Project, options: Options): BuildConstant[] {
  const sources = ownSources(project, options);
  const manifest = project.files.get('package.json') ?? '';
  const { build = '' } = readPackageFacts(project).scripts;
  return sources.flatMap(([file, text]) =>
    [...text.matchAll(declared), ...text.matchAll(environment)].flatMap((match): BuildConstant[] => {
      const name = match[1]!;
      const all = [...sources, ['package.json', manifest] as const].filter(
        ([other, its]) => other !== file && !OF_TESTS.test(other) && gives(its, name),
      );
      // `node build.mjs` says which of them makes the program; others make something else of it.
      const named = all.filter(([script]) =>
        build.split(/\s+/).some((word) => path.normalize(word) === script),
      );
      const configs = named.length > 0 ? named : all;
      const [config] = configs[0] ?? [];
      if (!config) return [];
      const before = text.slice(0, match.index + match[0].length - name.length).split('\n');
      const at = { file, line: before.length, column: before.at(-1)!.length + 1 };
      return [{ name, at, config, value: onlyOne(configs.flatMap((one) => valuesIn(one, name))) }];
    }),
  );
}

const escaped = (name: string): string => name.replace(/[$.]/g, '\\$&');

/** Does a bundler's configuration, or a script that runs one, put in a constant? */
function gives(text: string, name: string): boolean {
  return new RegExp(
    `(?:\\bdefine\\s*[:=]|\\bDefinePlugin\\()\\s*\\{[\\s\\S]*?(?<![\\w$.])${escaped(name)}['"]?\\s*:|--define[:= ]${escaped(name)}\\s*=`,
  ).test(text);
}

/** What a configuration puts in for a name, wherever it mentions it; undefined where that is not known. */
function valuesIn([file, text]: readonly [string, string], name: string): (ConstantValue | undefined)[] {
  const mentions = text.match(new RegExp(`(?<![\\w$])${escaped(name)}(?![\\w$])`, 'g')) ?? [];
  const blocks = [...text.matchAll(/(?:\bdefine\s*[:=]|\bDefinePlugin\()\s*\{([^{}]*)\}/g)];
  const entry = new RegExp(`(?<![\\w$])['"]?${escaped(name)}['"]?\\s*:\\s*([^,\\n]+?)\\s*(?:,|\\n|$)`);
  const values = blocks.flatMap(([, block = '']) => entry.exec(block)?.[1] ?? []);
  if (values.length !== mentions.length) return [undefined];
  return values.map((expression) => literalOf(expression) ?? memberOf(file, text, named(text, expression)));
}

const onlyOne = (values: readonly (ConstantValue | undefined)[]): ConstantValue | undefined =>
  values.every((value) => JSON.stringify(value) === JSON.stringify(values[0])) ? values[0] : undefined;

/** `JSON.stringify('text')`, `'true'`, `'"text"'`. */
function literalOf(expression: string): ConstantValue | undefined {
  const said = /^JSON\.stringify\(\s*(?:(['"])(?<text>[^'"\\]*)\1|(?<plain>true|false|\d+))\s*\)$/.exec(
    expression,
  );
  const { text, plain } = said?.groups ?? {};
  if (plain !== undefined) return { literal: plain };
  if (text !== undefined) return { literal: `'${text}'` };
  const quoted = /^(['"`])(?:(?<plain>true|false|\d+)|(?!\1)["'](?<text>[^'"`\\]*)["'])\1$/.exec(
    expression,
  )?.groups;
  if (quoted?.['plain'] !== undefined) return { literal: quoted['plain'] };
  return quoted?.['text'] === undefined ? undefined : { literal: `'${quoted['text']}'` };
}

/** `JSON.stringify(version)`, with what the configuration has in that variable: `const version = manifest.version`. */
function named(text: string, expression: string): string {
  const name = /^JSON\.stringify\(\s*(\w+)\s*\)$/.exec(expression)?.[1];
  const value = name && new RegExp(`\\bconst\\s+${name}\\s*=\\s*([\\w.]+)\\s*(?:;|\\n)`).exec(text)?.[1];
  return value ? `JSON.stringify(${value})` : expression;
}

/** `JSON.stringify(manifest.version)`, where the configuration beside package.json has read it into that variable. */
function memberOf(file: string, text: string, expression: string): ConstantValue | undefined {
  // Package managers say it to the scripts they run.
  const told = /^JSON\.stringify\(\s*process\.env\.npm_package_(version|name|description)\s*\)$/.exec(
    expression,
  );
  if (told) return { member: told[1]! };
  const [, owner, member] =
    /^JSON\.stringify\(\s*(?:(\w+)\.)?(version|name|description)\s*\)$/.exec(expression) ?? [];
  if (member === undefined || file.includes('/')) return undefined;
  const variable = owner ?? `\\{[^{}]*\\b${member}\\b[^{}:]*\\}`;
  const reads = new RegExp(
    `\\b(?:const|let|var|import)\\s+${variable}(?![\\w$])[^;]{0,200}?(['"\`])(?:\\./)?package\\.json\\1`,
  ).exec(text)?.[0];
  return reads === undefined || /['"`]\.\.[/'"`]/.test(reads) ? undefined : { member };
}

/** A module that exports a value for each name; what nothing declares, and a variable of the environment, is taken from there. */
function moduleOf(constants: readonly (BuildConstant & { value: ConstantValue })[], file: string): string {
  const configs = [...new Set(constants.map(({ config }) => config))].join(', ');
  const members = constants.flatMap(({ value }) => ('member' in value ? [value.member] : []));
  const read = [...new Set(members)];
  const manifest = path.relative(path.dirname(file), 'package.json');
  return [
    `// What ${configs} puts in for names that nothing declares; build:http puts in the same.`,
    ...(read.length > 0 ? [`import { ${read.join(', ')} } from '${manifest}';`, ''] : []),
    ...constants.map(({ name, value }) => exportOf(name, value)),
    '',
  ].join('\n');
}

function exportOf(name: string, value: ConstantValue): string {
  const isName = /^[\w$]+$/.test(name);
  const exported = isName ? name : `'${name}'`;
  if ('member' in value) return `export { ${value.member} as ${exported} };`;
  if (isName) return `export const ${name} = ${value.literal};`;
  const local = name.replace(/\W/g, '_');
  return `const ${local} = ${value.literal};\nexport { ${local} as ${exported} };`;
}
