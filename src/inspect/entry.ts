import { basename, dirname, join, normalize } from 'node:path/posix';
import { parse } from 'jsonc-parser';
import type { Build, Entry, Language, ModuleFormat, PackageManager, Project } from '../model.js';
import { readTsconfig } from '../tsconfig.js';
import { Resolver } from './resolver.js';

/** package.json, as far as the inspection reads it. */
export interface PackageJson {
  readonly name?: string;
  readonly version?: string;
  readonly type?: string;
  readonly main?: string;
  readonly module?: string;
  readonly bin?: string | Readonly<Record<string, string>>;
  readonly exports?: unknown;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly packageManager?: string;
  readonly tshy?: { readonly dialects?: readonly string[] };
}

export const packageJsonOf = (project: Project): PackageJson =>
  (parse(project.files.get('package.json') ?? '') ?? {}) as PackageJson;

const SOURCE = /\.(?:[cm]?[jt]s|tsx)$/;
const TEST_FILE =
  /(?:^|\/)(?:tests?|__tests__|examples?|e2e|scripts?|fixtures?|benchmarks?)\/|\.(?:test|spec|d)\.[cm]?[jt]sx?$/;
const STDIO = /\bnew\s+\w*Stdio\w*Transport\s*\(|\bserveStdio\s*\(/;

/** Files that may start the stdio server, best first, each with the reason why it is one. */
export function findEntries(project: Project): Entry[] {
  const pkg = packageJsonOf(project);
  const named: { path: string; because: string }[] = [
    ...Object.values(typeof pkg.bin === 'string' ? { [pkg.name ?? 'bin']: pkg.bin } : (pkg.bin ?? {})).map(
      (path) => ({ path, because: 'bin' }),
    ),
    ...startScripts(pkg),
    ...[pkg.main, pkg.module, exportOf(pkg.exports)].flatMap((path) =>
      path ? [{ path, because: 'main' }] : [],
    ),
  ];
  const entries: Entry[] = [];
  for (const { path, because } of named) {
    const output = normalize(path);
    const file = sourceOf(project, output);
    if (file && !entries.some((entry) => entry.file === file))
      entries.push({ file, output: isWritten(project, pkg, output) ? output : file, because });
    for (const started of file === output ? startedBy(project, file) : [])
      if (!entries.some((entry) => entry.file === started.file))
        entries.push({ ...started, because: `${because}, ${file}` });
  }
  for (const [file, text] of project.files) {
    if (
      !SOURCE.test(file) ||
      TEST_FILE.test(file) ||
      !STDIO.test(text) ||
      entries.some((entry) => entry.file === file)
    )
      continue;
    if (isOutput(project, file)) continue;
    entries.push({ file, output: outputOf(project, file, entries[0]), because: CONNECTS });
    for (const root of rootsAbove(project, file))
      if (!entries.some((entry) => entry.file === root))
        entries.push({ file: root, output: outputOf(project, root, entries[0]), because: CONNECTS });
  }
  return entries;
}

/** Why a file is an entry that nothing names: what starts the server may be another that imports it. */
export const CONNECTS = 'it connects stdio';

const IMPORTED = /(?:\bimport\s*\(?\s*|\bfrom\s*|\brequire\(\s*)["'](\.{1,2}\/[^"']+)["']/g;

/** What a script that is not compiled starts of what is: `import './dist/program.js'`. */
function startedBy(project: Project, script: string): { file: string; output: string }[] {
  return [...(project.files.get(script) ?? '').matchAll(IMPORTED)].flatMap(([, specifier = '']) => {
    const output = join(dirname(script), specifier);
    const file =
      project.files.has(output) && !isOutput(project, output) ? undefined : sourceOf(project, output);
    return file ? [{ file, output }] : [];
  });
}

/** The sources that import a file, directly or through others, and that none imports. */
function rootsAbove(project: Project, file: string): string[] {
  const resolver = new Resolver(project);
  const importers = new Map<string, string[]>();
  for (const [path, text] of project.files) {
    if (!SOURCE.test(path) || TEST_FILE.test(path) || isOutput(project, path)) continue;
    for (const [, specifier = ''] of text.matchAll(IMPORTED)) {
      const target = resolver.resolve(path, specifier);
      if (target) importers.set(target, [...(importers.get(target) ?? []), path]);
    }
  }
  const above = new Set([file]);
  for (const one of above) for (const importer of importers.get(one) ?? []) above.add(importer);
  return [...above].filter((one) => one !== file && !importers.has(one));
}

const BUILDS = ['build', 'compile', 'prepare', 'prepack', 'prepublishOnly', 'prepublish'];

/** Is there, or does anything write, the file that package.json names? Some leave `main` as `npm init` made it. */
const isWritten = (project: Project, pkg: PackageJson, output: string): boolean =>
  project.outputs?.has(output) === true ||
  Object.entries(pkg.scripts ?? {}).some(
    ([name, script]) => BUILDS.includes(name) || (/\btsc\b/.test(script) && !/--noEmit\b/.test(script)),
  );

/** Files that scripts run: `node dist/index.js`, `tsx src/index.ts`, `bun run src/index.ts`. */
function startScripts(pkg: PackageJson): { path: string; program: string; because: string }[] {
  return ['start', 'start:stdio', 'stdio', 'serve', 'server', 'dev'].flatMap((name) => {
    const script = pkg.scripts?.[name] ?? '';
    const [, program = '', path] =
      /(?:^|&&|\s)(node|tsx|ts-node|ts-node-esm|bun|bunx|nodemon)\b(?:\s+(?:run|watch|--?[\w-]+(?:[= ](?![\w./-]*\.[cm]?[jt]s\b)\S+)?))*\s+["']?([\w./@-]+\.[cm]?[jt]sx?)\b/.exec(
        script,
      ) ?? [];
    return path ? [{ path, program, because: `scripts.${name}` }] : [];
  });
}

function exportOf(exports: unknown): string | undefined {
  if (typeof exports === 'string') return exports;
  if (!exports || typeof exports !== 'object') return undefined;
  const root = (exports as Record<string, unknown>)['.'] ?? exports;
  if (typeof root === 'string') return root;
  for (const condition of ['import', 'node', 'require', 'default']) {
    const target = (root as Record<string, unknown>)[condition];
    const found = typeof target === 'string' ? target : exportOf(target);
    if (found && SOURCE.test(found)) return found;
  }
  return undefined;
}

const isOutput = (project: Project, file: string): boolean =>
  project.outputs?.has(file) === true || /^(?:dist|build|out|lib-dist|\.smithery)\//.test(file);

/** The source that a built file comes from; the file itself when it is a source. */
function sourceOf(project: Project, output: string): string | undefined {
  const exists = (path: string) => project.files.has(path) && !isOutput(project, path);
  if (exists(output) && SOURCE.test(output)) return output;
  const written = writtenBy(project, output);
  if (written && exists(written)) return written;
  const options = readTsconfig(project).compilerOptions;
  const stem = output.replace(/\.[cm]?jsx?$/, '');
  const stems = [
    ...(options.outDir && stem.startsWith(`${options.outDir}/`)
      ? [
          join(options.rootDir ?? 'src', stem.slice(options.outDir.length + 1)),
          stem.slice(options.outDir.length + 1),
        ]
      : []),
    stem.replace(/^[^/]+\//, 'src/'),
    stem.replace(/^[^/]+\//, ''),
    stem.replace(/^(?:[^/]+\/)+src\//, 'src/'),
  ];
  const extensions = ['.ts', '.mts', '.cts', '.tsx', '.js', '.mjs', '.cjs'];
  for (const one of stems)
    for (const extension of extensions) if (exists(one + extension)) return one + extension;
  return bundledFrom(project, output);
}

/** The source that a command names together with what it writes: `esbuild src/cli.ts --outfile=dist/main.cjs`. */
function writtenBy(project: Project, output: string): string | undefined {
  for (const script of Object.values(packageJsonOf(project).scripts ?? {}))
    for (const command of script.split(/&&|\|\||;/)) {
      const target = /--outfile[= ]["']?([\w@./-]+)/.exec(command)?.[1];
      const source = /\s["']?((?:\.\/)?[\w@./-]+\.[cm]?[jt]sx?)["']?(?=\s|$)/.exec(command)?.[1];
      if (target && source && normalize(target) === output) return normalize(source);
    }
  return undefined;
}

/** A bundler's configuration or command names its entry: `tsup src/cli.ts`, `entry: ['src/cli.ts']`. */
function bundledFrom(project: Project, output: string): string | undefined {
  const pkg = packageJsonOf(project);
  const texts = [
    // The service's own step of the build names the service.
    ...Object.entries(pkg.scripts ?? {}).flatMap(([name, script]) => (name === 'build:http' ? [] : [script])),
    ...[...project.files]
      .filter(([path]) => !path.includes('/') || /^(?:scripts?|build|config)\//.test(path))
      .filter(([path]) =>
        /(?:tsup|tsdown|rollup|webpack|vite|esbuild|build|rolldown|bunup|unbuild)[\w.-]*\.[cm]?[jt]s(?:on)?$/.test(
          path,
        ),
      )
      .map(([, text]) => text),
  ];
  const mentioned = texts.flatMap((text) =>
    [...text.matchAll(/["'\s(=]((?:\.\/)?[\w@./-]+\.[cm]?tsx?)\b/g)].map((match) => normalize(match[1]!)),
  );
  const known = [...new Set(mentioned)].filter(
    (path) => project.files.has(path) && !TEST_FILE.test(path) && !/config\.[cm]?ts$/.test(path),
  );
  const stem = basename(output).replace(/\.[cm]?jsx?$/, '');
  // `entry: { cli: 'src/main.ts' }`
  const keyed = new RegExp(`["']?\\b${stem}["']?\\s*:\\s*["'](?:\\./)?([\\w@./-]+)["']`);
  const named = texts
    .map((text) => normalize(keyed.exec(text)?.[1] ?? ''))
    .find((path) => known.includes(path));
  return (
    named ??
    known.find((path) => basename(path).replace(/\.[cm]?tsx?$/, '') === stem) ??
    (known.length === 1 ? known[0] : undefined)
  );
}

/** Where the build puts a source, by the same shift as a known pair, or by tsconfig. */
function outputOf(project: Project, file: string, known: Entry | undefined): string {
  if (!/\.[cm]?tsx?$/.test(file)) return file;
  if (known && known.output !== known.file) return shiftPath(known, file);
  const options = readTsconfig(project).compilerOptions;
  const built = file.replace(/\.([cm]?)tsx?$/, '.$1js');
  if (options['noEmit'] || !options.outDir) return file;
  const root = options.rootDir ?? 'src';
  return join(options.outDir, built.startsWith(`${root}/`) ? built.slice(root.length + 1) : built);
}

/** Applies the source → output shift of one entry to another file: `src/a.ts → dist/a.js` maps `src/http/b.ts` to `dist/http/b.js`. */
function shiftPath(entry: Entry, file: string): string {
  const { from, to } = shiftOf(entry);
  const built = file.replace(/\.([cm]?)tsx?$/, '.$1js');
  return from === '.'
    ? join(to, built)
    : built.startsWith(`${from}/`)
      ? join(to, built.slice(from.length + 1))
      : join(to, basename(built));
}

/** The directories that correspond between source and output, after their common tail is taken off. */
function shiftOf(entry: Entry): { from: string; to: string } {
  const from = dirname(entry.file).split('/');
  const to = dirname(entry.output).split('/');
  while (from.length > 0 && to.length > 0 && from.at(-1) === to.at(-1) && from.at(-1) !== '.') {
    from.pop();
    to.pop();
  }
  return { from: from.join('/') || '.', to: to.join('/') || '.' };
}

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

/** A script with the scripts it runs (`npm run build:x`) and the build files it starts. */
function expandScript(pkg: PackageJson, script: string, depth = 0): string {
  if (depth > 3) return script;
  const inner = [
    ...script.matchAll(/(?:npm|pnpm|yarn|bun)\s+(?:run\s+|-s\s+)*([\w:.-]+)|run-[sp]\s+([\w:.\s-]+)/g),
  ].flatMap((match) => (match[1] ?? match[2] ?? '').split(/\s+/));
  return [
    script,
    ...inner.flatMap((name) =>
      pkg.scripts?.[name] && pkg.scripts[name] !== script
        ? [expandScript(pkg, pkg.scripts[name]!, depth + 1)]
        : [],
    ),
  ].join(' && ');
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
