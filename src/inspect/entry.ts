import { basename, dirname, join, normalize } from 'node:path/posix';
import type { Entry, Project } from '../model.js';
import { readTsconfig } from '../tsconfig.js';
import { isOutput, SOURCE, sourceOf, TEST_FILE } from './built-from.js';
import { type PackageJson, packageJsonOf } from './package-json.js';
import { RELATIVE_IMPORT, Resolver } from './resolver.js';

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
    for (const started of file ? loadedUncompiled(project, file) : [])
      if (!entries.some((entry) => entry.file === started))
        entries.push({
          file: started,
          output: outputOf(project, started, undefined),
          because: `${because}, ${file}`,
        });
    if (file && !entries.some((entry) => entry.file === file)) {
      const written = isWritten(project, pkg, output) ? output : undefined;
      entries.push({ file, output: written ?? publishedFor(project, pkg, file) ?? file, because });
    }
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
    const roots = rootsAbove(project, file);
    // What only declares is started by a module that imports it, if there is one.
    const inOrder = RUNS.test(text) ? [file, ...roots] : [...roots, file];
    for (const one of inOrder)
      if (!entries.some((entry) => entry.file === one))
        entries.push({ file: one, output: outputOf(project, one, entries[0]), because: CONNECTS });
  }
  return entries;
}

/** A statement at the top of a module that does something. */
const RUNS =
  /^(?:(?:await|void)\s+)?[\w$.]+\(|^(?:if|try|switch)\b|^(?:await|void|new)\s|^[;!]?\(|^const\s[^=]*=\s*(?:await|new)\s/m;

/** Why a file is an entry that nothing names: what starts the server may be another that imports it. */
export const CONNECTS = 'it connects stdio';

/** Loads a module, or has what is loaded then compiled on the way. */
const LOADS =
  /^(?:(?:const|let|var)\s[^=]*=\s*)?(?:await\s+)?(?:require|import)\([^()]*\)(?:\.register\(\))?$|^import\s[^()]*$|^register\(\)$/;

/**
 * The TypeScript that a script loads, where that is all it does: `require('tsx/cjs'); require('../src/index.ts')`. The
 * program is there, and is what the build compiles.
 */
function loadedUncompiled(project: Project, script: string): string[] {
  if (!/\.[cm]?js$/.test(script)) return [];
  const text = (project.files.get(script) ?? '').replace(/^#!.*|\/\*[\s\S]*?\*\/|^\s*\/\/.*/gm, '');
  const statements = text.split(/;|\n/).map((one) => one.trim());
  if (!statements.every((one) => one === '' || LOADS.test(one))) return [];
  return [...text.matchAll(RELATIVE_IMPORT)]
    .map(([, specifier = '']) => join(dirname(script), specifier))
    .filter((path) => /\.[cm]?ts$/.test(path) && project.files.has(path));
}

/** What a script that is not compiled starts of what is: `import './dist/program.js'`. */
function startedBy(project: Project, script: string): { file: string; output: string }[] {
  return [...(project.files.get(script) ?? '').matchAll(RELATIVE_IMPORT)].flatMap(([, specifier = '']) => {
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
    for (const [, specifier = ''] of text.matchAll(RELATIVE_IMPORT)) {
      const target = resolver.resolve(path, specifier);
      if (target) importers.set(target, [...(importers.get(target) ?? []), path]);
    }
  }
  const above = new Set([file]);
  for (const one of above) for (const importer of importers.get(one) ?? []) above.add(importer);
  return [...above].filter((one) => one !== file && !importers.has(one));
}

export const BUILDS = ['build', 'compile', 'prepare', 'prepack', 'prepublishOnly', 'prepublish'];

/** Is there, or does anything write, the file that package.json names? Some leave `main` or `module` as they were made for them. */
const isWritten = (project: Project, pkg: PackageJson, output: string): boolean =>
  !/\.[cm]?tsx?$/.test(output) && (project.outputs?.has(output) === true || buildsSomething(pkg));

/** The file for node that bun builds of a source and package.json names: it is published, whatever runs the source meanwhile. */
function publishedFor(project: Project, pkg: PackageJson, file: string): string | undefined {
  const isForNode = Object.values(pkg.scripts ?? {}).some((script) =>
    script
      .split(/&&|;/)
      .some(
        (command) =>
          /\bbun\s+build\b.*--target[= ]node\b/.test(command) &&
          command.split(/\s/).some((word) => normalize(word) === file),
      ),
  );
  return [pkg.main, exportOf(pkg.exports)]
    .flatMap((path) => (isForNode && path ? [normalize(path)] : []))
    .find((output) => sourceOf(project, output) === file && isWritten(project, pkg, output));
}

const buildsSomething = (pkg: PackageJson): boolean =>
  Object.entries(pkg.scripts ?? {}).some(
    ([name, script]) => BUILDS.includes(name) || (/\btsc\b/.test(script) && !/--noEmit\b/.test(script)),
  );

/** A script that starts the program over stdio: `stdio`, `start:stdio`, `start:v1-stdio`. */
const STDIO_SCRIPT = /^(?!.*(?:build|debug|dev|inspect|test|watch)).*\bstdio\b/;

/** Files that scripts run: `node dist/index.js`, `tsx src/index.ts`, `bun run src/index.ts`. */
export function startScripts(pkg: PackageJson): { path: string; program: string; because: string }[] {
  const sayStdio = Object.keys(pkg.scripts ?? {}).filter((name) => STDIO_SCRIPT.test(name));
  return ['start', ...sayStdio, 'serve', 'server', 'dev'].flatMap((name) => {
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
export function shiftOf(entry: Entry): { from: string; to: string } {
  const from = dirname(entry.file).split('/');
  const to = dirname(entry.output).split('/');
  while (from.length > 0 && to.length > 0 && from.at(-1) === to.at(-1) && from.at(-1) !== '.') {
    from.pop();
    to.pop();
  }
  return { from: from.join('/') || '.', to: to.join('/') || '.' };
}
