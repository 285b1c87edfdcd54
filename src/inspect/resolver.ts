import { dirname, join, normalize } from 'node:path/posix';
import { parse } from 'jsonc-parser';
import type { Project } from '../model.js';
import { readTsconfig } from '../tsconfig.js';

/** Names of modules. */
export const SOURCE = /\.(?:[cm]?[jt]s|[jt]sx)$/;

/** Resolves import specifiers to files of the project: relative paths, tsconfig `paths` and `baseUrl`, package.json `imports`. */
export class Resolver {
  private readonly paths: readonly { readonly pattern: string; readonly targets: readonly string[] }[];
  private readonly baseUrl: string | undefined;
  private readonly imports: Readonly<Record<string, unknown>>;

  constructor(private readonly project: Project) {
    const options = readTsconfig(project).compilerOptions;
    this.baseUrl = options.baseUrl;
    this.paths = Object.entries(options.paths ?? {}).map(([pattern, targets]) => ({ pattern, targets }));
    this.imports =
      (parse(project.files.get('package.json') ?? '') as { imports?: Record<string, unknown> })?.imports ??
      {};
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

  private importsEntry(specifier: string): string | undefined {
    for (const [pattern, value] of Object.entries(this.imports)) {
      const rest = matchPattern(pattern, specifier);
      const target = targetsIn(value)
        .map((one) => this.file(one.replace('*', rest ?? '')))
        .find(Boolean);
      if (rest !== undefined && target) return target;
    }
    return undefined;
  }

  /** The source a path stands for: itself, its TypeScript counterpart, or an index file. */
  file(path: string): string | undefined {
    const clean = normalize(path).replace(/\/$/, '');
    const has = (candidate: string) => SOURCE.test(candidate) && this.project.files.has(candidate);
    const bare = clean.replace(/\.([cm]?)js$/, '');
    const m = /\.([cm]?)jsx?$/.exec(clean)?.[1] ?? '';
    const candidates = [
      ...(bare !== clean ? [`${bare}.${m}ts`, `${bare}.tsx`] : []),
      clean,
      ...['.ts', '.tsx', '.mts', '.cts', '.js', '.mjs', '.cjs', '.jsx'].map((extension) => clean + extension),
      ...['.ts', '.mts', '.js', '.mjs', '.cjs'].map((extension) => join(clean, `index${extension}`)),
    ];
    return candidates.find(has);
  }
}

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
