import { basename, join, normalize, relative } from 'node:path/posix';
import type { Project } from '../model.js';
import { readTsconfig } from '../tsconfig.js';
import { packageJsonOf } from './package-json.js';

export const SOURCE = /\.(?:[cm]?[jt]s|tsx)$/;
export const TEST_FILE =
  /(?:^|\/)(?:tests?|__tests__|examples?|e2e|scripts?|fixtures?|benchmarks?)\/|\.(?:test|spec|d)\.[cm]?[jt]sx?$/;

/** Is it a file of an output directory? */
export const isOutput = (project: Project, file: string): boolean =>
  project.outputs?.has(file) === true || /^(?:dist|build|out|lib-dist|\.smithery)\//.test(file);

/** The source that a built file comes from; the file itself when it is a source. */
export function sourceOf(project: Project, output: string): string | undefined {
  const exists = (path: string) => project.files.has(path) && !isOutput(project, path);
  if (exists(output) && SOURCE.test(output)) return output;
  const written = writtenBy(project, output);
  if (written && exists(written)) return written;
  return emittedFrom(project, output) ?? bundledFrom(project, output);
}

/**
 * The source that a compiler writes to a path: by the directories of its tsconfig, or the usual ones.
 *
 * @param home directory of the package that the path belongs to
 */
export function emittedFrom(project: Project, output: string, home = '.'): string | undefined {
  const { outDir, rootDir = join(home, 'src') } = readTsconfig(
    project,
    join(home, 'tsconfig.json'),
  ).compilerOptions;
  const stem = output.replace(/\.[cm]?jsx?$/, '');
  const below = relative(home, stem);
  const stems = [
    ...(outDir && stem.startsWith(`${outDir}/`)
      ? [rootDir, home].map((source) => join(source, stem.slice(outDir.length + 1)))
      : []),
    ...[
      below.replace(/^[^/]+\//, 'src/'),
      below.replace(/^[^/]+\//, ''),
      below.replace(/^(?:[^/]+\/)+src\//, 'src/'),
    ].map((source) => join(home, source)),
  ];
  return stems
    .flatMap((one) =>
      ['.ts', '.mts', '.cts', '.tsx', '.js', '.mjs', '.cjs'].map((extension) => one + extension),
    )
    .find((path) => project.files.has(path) && !isOutput(project, path));
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
