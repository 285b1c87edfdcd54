import { isBuiltin } from 'node:module';
import path from 'node:path/posix';
import type { Inspection, Options, Project } from '../model.js';
import { readTsconfig } from '../tsconfig.js';
import { type BuildConstants, buildConstants } from './build-constants.js';
import { readPackageFacts } from './files/package-facts.js';
import { loaderFlags } from './loaders.js';
import type { ModulePaths } from './module-paths.js';
import { ownSources } from './own-sources.js';

/** How the HTTP service of a project is built and started. */
export interface HttpEntry {
  /** Command and arguments that start it, from the project's root. */
  readonly start: readonly string[];
  /** Entries of package.json's `scripts`. */
  readonly scripts: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  /** Where the module that runs in a worker is, from the modules that start it. */
  readonly worker: string;
  /** What the project's own bundler puts in, when the service has a bundle of its own. */
  readonly constants?: BuildConstants;
}

const runners = { node: ['node'], bun: ['bun'], 'node-types': ['node'] } as const;

/**
 * What runs a source. tsx as a hook of node: its own command starts node as a child, and ends it when a signal is not
 * answered within milliseconds.
 */
function runnerOf(project: Project, { build }: Inspection): readonly string[] {
  if (build.runner !== 'tsx') return runners[build.runner];
  const { dependencies, devDependencies } = readPackageFacts(project);
  const range = { ...devDependencies, ...dependencies }['tsx'] ?? '';
  return /^[\^~>=v\s]*[0-3]\./.test(range) ? ['tsx'] : ['node', '--import', 'tsx'];
}

/** Follows the project's own way: its compiler, its runner, or beside its bundler. */
export function httpEntry(
  project: Project,
  inspection: Inspection,
  options: Options,
  paths: ModulePaths,
): HttpEntry {
  const { build } = inspection;
  const main = `${options.out}/main${paths.extension}`;
  if (build.kind === 'none')
    return started([...runnerOf(project, inspection), main], `./session-worker${paths.extension}`, options);
  const compiled =
    build.kind === 'tsc' && isCompiled(project, inspection, main)
      ? compiledPath(project, inspection, main)
      : undefined;
  if (compiled)
    return started(
      [...runners[built(build)], compiled],
      `./session-worker${path.extname(compiled)}`,
      options,
    );
  return bundled(project, inspection, options, paths);
}

/** What runs the output of a build. */
const built = ({ runner }: Inspection['build']): 'node' | 'bun' => (runner === 'bun' ? 'bun' : 'node');

const started = (
  command: readonly string[],
  worker: string,
  options: Options,
  more: Partial<HttpEntry> = {},
): HttpEntry => {
  const start = [...command, ...options.args];
  return {
    start,
    scripts: { ...more.scripts, 'start:http': start.map(quote).join(' ') },
    devDependencies: more.devDependencies ?? {},
    worker,
    ...(more.constants && { constants: more.constants }),
  };
};

const quote = (argument: string): string =>
  /^[\w@%+=:,./-]+$/.test(argument) ? argument : JSON.stringify(argument);

/** Where the compiler puts `file`: as its configuration says, or as the entry shows how folders map. */
function compiledPath(project: Project, { entry, build }: Inspection, file: string): string | undefined {
  const output = file.replace(/\.([mc]?)tsx?$/, '.$1js');
  const below = (root: string, target: string): string | undefined => {
    const within = path.relative(root, output);
    return within.startsWith('..') ? undefined : path.join(target, within);
  };
  const tsconfig = build.tsconfig ?? 'tsconfig.json';
  const { rootDir, outDir } = readTsconfig(project, tsconfig).compilerOptions;
  // Some package.json name a `bin` that their build does not write there.
  if (rootDir !== undefined && outDir !== undefined) return below(rootDir, outDir);
  if (entry && entry.file !== entry.output) {
    const source = stripped(entry.file).split('/');
    const built = stripped(entry.output).split('/');
    while (source.length > 0 && source.at(-1) === built.at(-1)) {
      source.pop();
      built.pop();
    }
    const mapped = below(source.join('/') || '.', built.join('/'));
    if (mapped !== undefined) return mapped;
  }
  return build.outDir === undefined ? output : below(build.rootDir ?? '.', build.outDir);
}

const stripped = (file: string): string => file.replace(/\.[mc]?[jt]sx?$/, '');

/** Does the project's tsconfig take in a file that nothing imports? */
function isCompiled(project: Project, { build }: Inspection, file: string): boolean {
  const folder = path.dirname(build.tsconfig ?? 'tsconfig.json');
  const config = readTsconfig(project, build.tsconfig ?? 'tsconfig.json');
  const within = path.relative(folder, file);
  if (within.startsWith('..')) return false;
  const include = config.include ?? (config.files ? [] : ['**/*']);
  return (
    include.some((pattern) => covers(pattern, within, isPlainFolder(pattern))) &&
    !(config.exclude ?? []).some((pattern) => covers(pattern, within, true))
  );
}

/** In `include` a folder stands for everything in it when its name is plain: `*` and `src/*` are files beside each other. */
const isPlainFolder = (pattern: string): boolean => !/[*?]/.test(path.basename(pattern));

/** Does one pattern of `include` or `exclude` take in `file`, itself or with a folder that the pattern names? */
function covers(pattern: string, file: string, hasFolders: boolean): boolean {
  const plain = pattern.replace(/^\.\//, '').replace(/\/$/, '');
  if (plain === '.' || plain === '' || file === plain || file.startsWith(`${plain}/`)) return true;
  if (!/[*?]/.test(plain)) return false;
  const expression = plain
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*\*\/|\*\*|\*|\?/g, (wild) => wildcards[wild] ?? wild);
  return new RegExp(`^${expression}${hasFolders ? '(?:$|/)' : '$'}`).test(file);
}

const wildcards: Readonly<Record<string, string>> = {
  '**/': '(?:.*/)?',
  '**': '.*',
  '*': '[^/]*',
  '?': '[^/]',
};

/**
 * A bundler that we do not know builds the project: the service gets a bundle of its own beside the entry's, so that
 * what is read relative to the file is found. Packages stay outside of it, unless they could not be required, or perhaps
 * not be found, and the project's own bundle has them inside.
 */
function bundled(project: Project, inspection: Inspection, options: Options, paths: ModulePaths): HttpEntry {
  const output = inspection.entry?.output ?? 'dist/index.js';
  const extension = path.extname(output) || '.js';
  const file = path.join(path.dirname(output), `http${extension}`);
  const commonJs = file.endsWith('.cjs') || (inspection.moduleFormat === 'cjs' && !file.endsWith('.mjs'));
  // Bun's own bundler knows what its sources may use (macros, loaders).
  const isBun = inspection.build.tool === 'bun';
  const format = `--format=${commonJs ? 'cjs' : 'esm'}`;
  const mayHold = commonJs ? !isBun : importsFolders(project, options);
  const own = mayHold
    ? externalFlags(project, output, isBun ? /\bbun\s+build\b/ : /\besbuild\b.*\s--bundle\b/)
    : undefined;
  const external = own ?? ['--packages=external'];
  // Packages that require have nothing to do it with inside of esbuild's ES modules.
  const holds = !external.includes('--packages=external');
  const require = holds && !commonJs && !isBun ? [REQUIRE] : [];
  const constants = buildConstants(project, options, isBun ? 'bun' : 'esbuild');
  const bundle = (name: string, outfile: string): string => {
    const source = `${options.out}/${name}${paths.extension}`;
    const command = isBun
      ? ['bun', 'build', source, '--target=node', ...external, '--sourcemap=linked', format]
      : [
          'esbuild',
          source,
          '--bundle',
          '--platform=node',
          ...external,
          ...require,
          ...constants.flags,
          ...loaderFlags(project, options),
          '--sourcemap',
          format,
        ];
    // With a source map, --outfile makes some releases of Bun write beside the source.
    const { dir, base } = path.parse(outfile);
    const output = isBun ? [`--outdir=${dir || '.'}`, `--entry-naming=${base}`] : [`--outfile=${outfile}`];
    return [...command, ...output].join(' ');
  };
  const worker = `http-worker${extension}`;
  const build = [
    bundle('main', file),
    ...(options.isolation === 'worker'
      ? [bundle('session-worker', path.join(path.dirname(output), worker))]
      : []),
  ].join(' && ');
  const script = inspection.build.script;
  const existing = script === undefined ? undefined : readPackageFacts(project).scripts[script];
  const chained = existing !== undefined && script !== undefined && !existing.includes('build:http');
  return started([...runners[built(inspection.build)], file], `./${worker}`, options, {
    scripts: {
      'build:http': build,
      ...(chained && { [script]: `${existing} && ${inspection.packageManager} run build:http` }),
    },
    devDependencies: isBun ? {} : { esbuild: '^0.25.0' },
    constants,
  });
}

/** Gives an ES module a `require`, as a flag of esbuild. */
const REQUIRE =
  '--banner:js="import { createRequire } from \'node:module\'; const require = createRequire(import.meta.url);"';

/**
 * Does the project import something below a package without an extension, as `pkg/folder`? Unless the package exports it
 * under that name, only bundlers find it there; Node does not, from an ES module.
 */
function importsFolders(project: Project, options: Options): boolean {
  const below = /\b(?:from|import)\s*\(?\s*['"]((?:@[\w.-]+\/)?[\w-][\w.-]*\/[\w./-]+)['"]/g;
  return ownSources(project, options).some(([, text]) =>
    [...text.matchAll(below)].some(([, name = '']) => !isBuiltin(name) && !/\.[cm]?js(?:on)?$/.test(name)),
  );
}

/** What the project's own command keeps out of the bundle that it writes there; undefined when there is no such command. */
function externalFlags(project: Project, output: string, bundler: RegExp): readonly string[] | undefined {
  const commands = Object.values(readPackageFacts(project).scripts).flatMap((script) => script.split('&&'));
  const flagOf = (command: string, flag: string): string | undefined => {
    const value = new RegExp(`--${flag}[= ]["']?([\\w@./-]+)`).exec(command)?.[1];
    return value === undefined ? undefined : path.join(value);
  };
  const own = commands.find(
    (command) =>
      bundler.test(command) &&
      (flagOf(command, 'outfile') === output || flagOf(command, 'outdir') === path.dirname(output)),
  );
  return own === undefined ? undefined : (own.match(/--(?:packages|external)[=: ]\S+/g) ?? []);
}
