import { parse } from 'jsonc-parser';
import type { Project } from '../model.js';

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
