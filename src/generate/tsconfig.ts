import path from 'node:path/posix';
import { parse } from 'jsonc-parser';
import type { Project } from '../model.js';

/** What is read of a tsconfig. */
export interface Tsconfig {
  readonly extends?: string | readonly string[];
  readonly compilerOptions?: {
    readonly esModuleInterop?: boolean;
    readonly allowSyntheticDefaultImports?: boolean;
    readonly module?: string;
    readonly moduleResolution?: string;
    readonly rootDir?: string;
    readonly outDir?: string;
  };
  readonly files?: readonly string[];
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
}

/**
 * A tsconfig of the project with what it inherits from the project's own files; `rootDir` and `outDir` relative to the
 * project's root. Empty when there is none.
 */
export function readTsconfig(project: Project, file: string): Tsconfig {
  const text = project.files.get(file) ?? project.workspaceFiles?.get(file);
  if (text === undefined) return {};
  const own = (parse(text) ?? {}) as Tsconfig;
  const folder = path.dirname(file);
  const bases = [own.extends ?? []].flat().filter((base) => base.startsWith('.'));
  const inherited = bases.map((base) => {
    const target = path.join(folder, base);
    return readTsconfig(project, target.endsWith('.json') ? target : `${target}.json`);
  });
  const { rootDir, outDir } = own.compilerOptions ?? {};
  const located = {
    ...own.compilerOptions,
    ...(rootDir !== undefined && { rootDir: path.join(folder, rootDir) }),
    ...(outDir !== undefined && { outDir: path.join(folder, outDir) }),
  };
  const compilerOptions = Object.assign({}, ...inherited.map((config) => config.compilerOptions), located);
  return { ...(Object.assign({}, ...inherited, own) as Tsconfig), compilerOptions };
}
