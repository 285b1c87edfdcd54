import { basename, dirname, join, normalize } from 'node:path/posix';
import type { Build, Entry, Language, ModuleFormat, PackageManager, Project } from '../model.js';
import { readTsconfig } from '../tsconfig.js';
import { SOURCE } from './built-from.js';
import { BUILDS, shiftOf, startScripts } from './entry.js';
import { type PackageJson, packageJsonOf } from './package-json.js';

/** How the project is built and run. */
export function findBuild(project: Project, entry: Entry): Build {
  const { script, text } = buildScript(packageJsonOf(project));
  const built = entry.output !== entry.file;
  const importExtension = importExtensionOf(project, entry);
  if (!built) return { kind: 'none', tool: 'none', runner: runnerOf(project, entry), importExtension };
  const tool = bundlerIn(text, project) ?? 'tsc';
  const { from, to } = shiftOf(entry);
  const tsconfig = emittingConfig(project, text);
  return {
    kind: tool === 'tsc' || tool === 'swc' || tool === 'babel' ? 'tsc' : 'bundler',
    tool,
    runner: runsWithBun(project, entry) ? 'bun' : 'node',
    rootDir: from,
    outDir: to,
    ...(tsconfig ? { tsconfig } : {}),
    ...(script ? { script } : {}),
    importExtension,
  };
}

/** The script that builds the project, and all that it runs. */
function buildScript(pkg: PackageJson): { readonly script: string | undefined; readonly text: string } {
  const script = BUILDS.find((name) => pkg.scripts?.[name]);
  return { script, text: script ? expandScript(pkg, pkg.scripts![script]!) : '' };
}

/** The command of the build that fails on files which are not laid out as the project's own formatter would. */
export function formatCheckOf(project: Project): string | undefined {
  const pkg = packageJsonOf(project);
  const { script } = buildScript(pkg);
  const scripts = script ? [`pre${script}`, script, `post${script}`] : [];
  const commands = scripts
    .flatMap((name) => expandScript(pkg, pkg.scripts?.[name] ?? '').split(/&&|;/))
    .map((command) => command.trim());
  const lintsLayout = [...project.files].some(
    ([path, text]) => /^(?:eslint\.config\.|\.eslintrc)/.test(path) && LAYOUT_RULES.test(text),
  );
  return commands.find(
    (command) =>
      /\bprettier\b.*\s(?:--check|--list-different|-[cl])(?:\s|$)/.test(command) ||
      (lintsLayout && /(?:^|[\s/])eslint(?![\w.-])(?!.*\s--fix\b)/.test(command)),
  );
}

/** What brings rules of layout into ESLint's configuration. */
const LAYOUT_RULES =
  /@antfu\/eslint-config|@stylistic|eslint-plugin-prettier|prettier\/prettier|\bairbnb|\bstandard\b/;

/** Is it bun that runs the output: by the first line of the entry, or else by the script that starts it? */
function runsWithBun(project: Project, entry: Entry): boolean {
  const shebang = /^#!.*/.exec(project.files.get(entry.file) ?? '')?.[0];
  if (shebang) return /\bbun\b/.test(shebang);
  return startScripts(packageJsonOf(project)).some(
    ({ path, program }) => program === 'bun' && normalize(path) === entry.output,
  );
}

/** The tsconfig of the `tsc` in the build that writes files; others only check types. */
function emittingConfig(project: Project, script: string): string | undefined {
  const configs = script
    .split(/&&|\|\|?|;/)
    .filter((command) => /\btsc\b/.test(command) && !/--noEmit\b/.test(command))
    .map((command) => /(?:-p|--project|-b|--build)\s+(?!-)(\S+)/.exec(command)?.[1] ?? 'tsconfig.json')
    .map((path) => normalize(path.endsWith('.json') ? path : join(path, 'tsconfig.json')));
  const known = [...configs, 'tsconfig.json'].filter((path) => project.files.has(path));
  return known.find((path) => readTsconfig(project, path).compilerOptions['noEmit'] !== true) ?? known[0];
}

/** A script with the scripts it runs (`npm run build:x -- --flag`) and the build files it starts. */
function expandScript(pkg: PackageJson, script: string, depth = 0): string {
  if (depth > 3) return script;
  const started =
    /(?:npm|pnpm|yarn|bun)\s+(?:run\s+|-s\s+)*(?<one>[\w:.-]+)(?:\s+--\s+(?<args>[^&|;]+))?|run-[sp]\s+(?<several>[\w:.\s-]+)/g;
  const inner = [...script.matchAll(started)].flatMap(({ groups }) =>
    (groups?.['one'] ?? groups?.['several'] ?? '')
      .split(/\s+/)
      .flatMap((name) => pkg.scripts?.[name] ?? [])
      .filter((text) => text !== script)
      .map((text) => expandScript(pkg, `${text} ${groups?.['args'] ?? ''}`.trim(), depth + 1)),
  );
  return [script, ...inner].join(' && ');
}

const BUNDLERS = [
  'tsup',
  'tsdown',
  'esbuild',
  'rollup',
  'rolldown',
  'webpack',
  'bunup',
  'unbuild',
  'pkgroll',
  'ncc',
  'microbundle',
  'parcel',
  'obuild',
  'bunchee',
  'zshy',
];

/** The build with the script of the project's own that it starts. */
function withBuildFile(text: string, project: Project): string {
  const file = /\b(?:node|bun|tsx)\s+(?:run\s+|--\S+\s+)*([\w./-]+\.[cm]?[jt]s)\b/.exec(text)?.[1];
  return file ? `${text} ${project.files.get(normalize(file)) ?? ''}` : text;
}

/** Bundlers that give what is no CommonJS an extension of its own, and those that write it on request only. */
function bundlesCommonJs(project: Project): boolean {
  const { text } = buildScript(packageJsonOf(project));
  const tool = bundlerIn(text, project) ?? '';
  if (/^(?:tsup|tsdown|ncc)$/.test(tool)) return true;
  return tool === 'esbuild' && !/\besm\b/.test(withBuildFile(text, project));
}

function bundlerIn(text: string, project: Project): string | undefined {
  const all = withBuildFile(text, project);
  const named = BUNDLERS.find(
    (tool) => tool !== 'zshy' && new RegExp(`(?:^|[\\s"'/])${tool}(?:$|[\\s"'])`).test(all),
  );
  if (named) return named;
  if (/\bbun\s+build\b|Bun\.build|\{[^}]*\bbuild\b[^}]*\}\s*from\s+["']bun["']/.test(all)) return 'bun';
  if (/\bvite\s+build\b/.test(all) && !/\btsc\b(?!\s+--noEmit)/.test(all)) return 'vite';
  if (/\bswc\b/.test(all) && !/\btsc\b(?!.*--noEmit|.*emitDeclarationOnly)/.test(all)) return 'swc';
  return /\bbabel\b/.test(all) ? 'babel' : undefined;
}

function runnerOf(project: Project, entry: Entry): Build['runner'] {
  const pkg = packageJsonOf(project);
  const text = project.files.get(entry.file) ?? '';
  const shebang = /^#!.*$/m.exec(text.slice(0, 200))?.[0] ?? '';
  const scripts = Object.values(pkg.scripts ?? {})
    .filter((script) => script.includes(basename(entry.file)))
    .join(' ');
  const all = `${shebang} ${scripts}`;
  if (!/\.[cm]?tsx?$/.test(entry.file)) return /\bbun\b/.test(shebang) ? 'bun' : 'node';
  if (/\bbun\b/.test(all)) return 'bun';
  if (/\btsx\b|\bts-node\b/.test(all)) return 'tsx';
  if (/strip-types|\bnode\b/.test(all)) return 'node-types';
  const all2 = { ...pkg.dependencies, ...pkg.devDependencies };
  return all2['tsx'] || all2['ts-node'] ? 'tsx' : findPackageManager(project) === 'bun' ? 'bun' : 'tsx';
}

/** The extension that relative imports carry in the sources beside the entry. */
function importExtensionOf(project: Project, entry: Entry): Build['importExtension'] {
  const counts = new Map<string, number>();
  for (const [path, text] of project.files) {
    if (
      !SOURCE.test(path) ||
      (path !== entry.file && dirname(path).split('/')[0] !== dirname(entry.file).split('/')[0])
    )
      continue;
    for (const match of text.matchAll(/(?:from\s+|require\(\s*|import\(\s*)["'](\.{1,2}\/[^"']+)["']/g)) {
      const extension = /\.(?:[cm]?[jt]s)$/.exec(match[1]!)?.[0] ?? '';
      counts.set(extension, (counts.get(extension) ?? 0) + 1);
    }
  }
  const most = [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
  const options = readTsconfig(project).compilerOptions;
  const isEsm = moduleFormatOf(project, entry) === 'esm';
  const isTypeScript = /\.[cm]?tsx?$/.test(entry.file);
  const nodeResolves = /^node(?:16|18|20|next)$/i.test(
    String(options['moduleResolution'] ?? options['module'] ?? ''),
  );
  const needsExtension = isEsm && (!isTypeScript || nodeResolves);
  if (most !== undefined && !(most === '' && needsExtension)) return most as Build['importExtension'];
  if (options['allowImportingTsExtensions'] || options['rewriteRelativeImportExtensions']) return '.ts';
  const own = /\.([cm]?)[jt]sx?$/.exec(entry.file)?.[1] ?? '';
  return own ? (`.${own}js` as Build['importExtension']) : isEsm || !isTypeScript ? '.js' : '';
}

export function moduleFormatOf(project: Project, entry: Entry): ModuleFormat {
  const extension = /\.([cm])[jt]s$/.exec(entry.file)?.[1] ?? /\.([cm])js$/.exec(entry.output)?.[1];
  if (extension) return extension === 'm' ? 'esm' : 'cjs';
  const text = project.files.get(entry.file) ?? '';
  const isTypeScript = /\.tsx?$/.test(entry.file);
  if (packageJsonOf(project).type === 'module') return 'esm';
  if (!isTypeScript)
    return /^\s*(?:import\s[^(]|export\s)/m.test(text) && !/\brequire\(/.test(text) ? 'esm' : 'cjs';
  const module = String(readTsconfig(project).compilerOptions.module ?? '').toLowerCase();
  if (entry.output === entry.file) return module === 'commonjs' ? 'cjs' : 'esm';
  if (bundlesCommonJs(project)) return 'cjs';
  if (/^es|preserve/.test(module)) return 'esm';
  return 'cjs';
}

/** Are the sources of an ES module compiled to CommonJS as well, where nothing is awaited at module level? */
export function isAlsoCommonJs(project: Project): boolean {
  const { tshy } = packageJsonOf(project);
  return tshy !== undefined && (tshy.dialects ?? ['commonjs']).includes('commonjs');
}

export const languageOf = (entry: Entry): Language => (/\.[cm]?tsx?$/.test(entry.file) ? 'ts' : 'js');

export function findPackageManager(project: Project): PackageManager {
  const declared = /^(npm|pnpm|yarn|bun)@/.exec(packageJsonOf(project).packageManager ?? '')?.[1];
  if (declared) return declared as PackageManager;
  const has = (name: string) =>
    project.files.has(name) ||
    [...(project.workspaceFiles?.keys() ?? [])].some((path) => basename(path) === name);
  if (has('pnpm-lock.yaml') || has('pnpm-workspace.yaml')) return 'pnpm';
  if (has('yarn.lock')) return 'yarn';
  if (has('bun.lock') || has('bun.lockb')) return 'bun';
  return 'npm';
}
