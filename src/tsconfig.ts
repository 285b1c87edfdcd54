import path from 'node:path/posix';
import { parse } from 'jsonc-parser';
import type { Project } from './model.js';

export interface CompilerOptions {
  readonly [name: string]: unknown;
  readonly allowSyntheticDefaultImports?: boolean;
  readonly baseUrl?: string;
  readonly esModuleInterop?: boolean;
  readonly module?: string;
  readonly moduleResolution?: string;
  readonly outDir?: string;
  readonly paths?: Readonly<Record<string, readonly string[]>>;
  readonly rootDir?: string;
}

/** What is read of a tsconfig. */
export interface Tsconfig {
  readonly extends?: string | readonly string[];
  readonly compilerOptions: CompilerOptions;
  readonly files?: readonly string[];
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
}

/**
 * A tsconfig of the project with what it inherits from the project's own files; `rootDir`, `outDir` and `baseUrl`
 * relative to the project's root. Empty when there is none.
 */
export function readTsconfig(
  project: Project,
  file = 'tsconfig.json',
  inheriting: readonly string[] = [],
): Tsconfig {
  const text = project.files.get(file) ?? project.workspaceFiles?.get(file);
  if (text === undefined || inheriting.includes(file)) return { compilerOptions: {} };
  const own = (parse(text) ?? {}) as Partial<Tsconfig>;
  const folder = path.dirname(file);
  const bases = [own.extends ?? []]
    .flat()
    .filter((base) => base.startsWith('.'))
    .map((base) => path.join(folder, base.endsWith('.json') ? base : `${base}.json`))
    .map((base) => readTsconfig(project, base, [...inheriting, file]));
  const compilerOptions = Object.assign(
    {},
    ...bases.map((base) => base.compilerOptions),
    located(own.compilerOptions ?? {}, folder),
  );
  return { ...(Object.assign({}, ...bases, own) as Partial<Tsconfig>), compilerOptions };
}

/** Does a tsconfig inherit from one of a package, which is not read? */
export const inheritsFromPackage = (project: Project, file: string): boolean =>
  /"extends"\s*:\s*(?:\[\s*)?"[^."]/.test(project.files.get(file) ?? '');

/** Paths that a tsconfig in `folder` gives, relative to the project's root. */
function located(options: CompilerOptions, folder: string): CompilerOptions {
  const given = Object.entries(options).map(([name, value]) =>
    ['baseUrl', 'outDir', 'rootDir'].includes(name) && typeof value === 'string'
      ? [name, path.join(folder, value).replace(/\/$/, '')]
      : [name, value],
  );
  const needsBase = options.paths && options.baseUrl === undefined && folder !== '.';
  return { ...Object.fromEntries(given), ...(needsBase ? { baseUrl: folder } : {}) };
}
