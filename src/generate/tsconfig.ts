import path from 'node:path/posix';
import { parse } from 'jsonc-parser';
import type { Project } from '../model.js';

/** What is read of a tsconfig. */
export interface Tsconfig {
  readonly extends?: string | readonly string[];
  readonly compilerOptions?: { readonly esModuleInterop?: boolean; readonly module?: string };
  readonly files?: readonly string[];
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
}

/** A tsconfig of the project with what it inherits from the project's own files. Empty when there is none. */
export function readTsconfig(project: Project, file: string): Tsconfig {
  const text = project.files.get(file) ?? project.workspaceFiles?.get(file);
  if (text === undefined) return {};
  const own = (parse(text) ?? {}) as Tsconfig;
  const bases = [own.extends ?? []].flat().filter((base) => base.startsWith('.'));
  const inherited = bases.map((base) => {
    const target = path.join(path.dirname(file), base);
    return readTsconfig(project, target.endsWith('.json') ? target : `${target}.json`);
  });
  const chain = [...inherited, own];
  const compilerOptions = Object.assign({}, ...chain.map((config) => config.compilerOptions));
  return { ...(Object.assign({}, ...chain) as Tsconfig), compilerOptions };
}
