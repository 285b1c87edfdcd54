import { dirname, join, normalize } from 'node:path/posix';
import { parse } from 'jsonc-parser';
import type { Project } from '../model.js';
import { readTsconfig } from '../tsconfig.js';
import { emittedFrom } from './built-from.js';

/** Names of modules. */
export const SOURCE = /\.(?:[cm]?[jt]s|[jt]sx)$/;

/** Imports by a relative path, as text that is not parsed shows them. */
export const RELATIVE_IMPORT = /(?:\bimport\s*\(?\s*|\bfrom\s*|\brequire\(\s*)["'](\.{1,2}\/[^"']+)["']/g;

/**
 * Resolves import specifiers to files of the project as one of its packages does: relative paths, tsconfig `paths` and
 * `baseUrl`, package.json `imports`.
 */
export class Resolver {
  private readonly paths: readonly { readonly pattern: string; readonly targets: readonly string[] }[];
  private readonly baseUrl: string | undefined;
  private readonly imports: Readonly<Record<string, unknown>>;

  /** @param home directory of the package */
  constructor(
    private readonly project: Project,
    private readonly home = '.',
  ) {
    const options = readTsconfig(project, join(home, 'tsconfig.json')).compilerOptions;
    this.baseUrl = options.baseUrl;
    this.paths = Object.entries(options.paths ?? {}).map(([pattern, targets]) => ({ pattern, targets }));
    this.imports =
      (parse(project.files.get(join(home, 'package.json')) ?? '') as { imports?: Record<string, unknown> })
        ?.imports ?? {};
  }

  resolve(from: string, specifier: string): string | undefined {
    if (specifier.startsWith('.')) return this.file(join(dirname(from), specifier));
    for (const { pattern, targets } of this.paths) {
      const rest = matchPattern(pattern, specifier);
      if (rest === undefined) continue;
      for (const target of targets) {
        const found = this.file(join(this.baseUrl ?? '.', target.replace('*', rest)));
        if (found) return found;
      }
    }
    if (specifier.startsWith('#')) return this.importsEntry(specifier);
    return this.baseUrl !== undefined ? this.file(join(this.baseUrl, specifier)) : undefined;
  }

  /** Is it a module that was read, or one of a package under another name: `"imports": { "#fetch": "node-fetch" }`? */
  isKnown(from: string, specifier: string): boolean {
    const targets = targetsOf(this.imports, specifier);
    const isOfPackage = targets.length > 0 && !targets.some((target) => target.startsWith('.'));
    return isOfPackage || this.resolve(from, specifier) !== undefined;
  }

  private importsEntry(specifier: string): string | undefined {
    return targetsOf(this.imports, specifier)
      .map((target) => join(this.home, target))
      .map((target) => this.file(target) ?? emittedFrom(this.project, target, this.home))
      .find(Boolean);
  }

  /** The source a path stands for: itself, its TypeScript counterpart, or an index file. */
  file(path: string): string | undefined {
    return sourcesOf(path).find((candidate) => SOURCE.test(candidate) && this.project.files.has(candidate));
  }
}

/** The names that the source of an imported path may have, the likeliest first. */
export function sourcesOf(path: string): string[] {
  const clean = normalize(path).replace(/\/$/, '');
  const bare = clean.replace(/\.([cm]?)js$/, '');
  const m = /\.([cm]?)jsx?$/.exec(clean)?.[1] ?? '';
  return [
    ...(bare !== clean ? [`${bare}.${m}ts`, `${bare}.tsx`] : []),
    clean,
    ...['.ts', '.tsx', '.mts', '.cts', '.js', '.mjs', '.cjs', '.jsx'].map((extension) => clean + extension),
    ...['.ts', '.mts', '.js', '.mjs', '.cjs'].map((extension) => join(clean, `index${extension}`)),
  ];
}

/** What `imports` or `exports` of a package.json give for a specifier, in any condition. */
export const targetsOf = (table: Readonly<Record<string, unknown>>, specifier: string): string[] =>
  Object.entries(table).flatMap(([pattern, value]) => {
    const rest = matchPattern(pattern, specifier);
    return rest === undefined ? [] : targetsIn(value).map((target) => target.replace('*', rest));
  });

function matchPattern(pattern: string, specifier: string): string | undefined {
  if (!pattern.includes('*')) return pattern === specifier ? '' : undefined;
  const [head = '', tail = ''] = pattern.split('*');
  return specifier.startsWith(head) &&
    specifier.endsWith(tail) &&
    specifier.length >= head.length + tail.length
    ? specifier.slice(head.length, specifier.length - tail.length)
    : undefined;
}

function targetsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return value && typeof value === 'object' ? Object.values(value).flatMap(targetsIn) : [];
}
