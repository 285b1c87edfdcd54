/** Reads the user's project into a value. Nothing here writes. */

import fs from 'node:fs';
import path from 'node:path';
import { type ParseError, parse, printParseErrorCode } from 'jsonc-parser';
import type { Diagnostic, Project } from '../model.js';
import { readBeside } from './read-beside.js';
import { readWorkspace } from './read-workspace.js';

const MAX_FILE_BYTES = 1_000_000;
const MAX_FILES = 5000;

/** Directories that never hold sources of the project, whatever .gitignore says. */
const FOREIGN = new Set(
  'node_modules bower_components .git .hg .svn .yarn .pnpm-store .turbo .cache .next .nuxt .venv venv __pycache__ coverage'.split(
    ' ',
  ),
);

const SOURCE = /\.(?:[cm]?[jt]s|[jt]sx|jsonc?)$/;
const CONFIGURATION =
  /(?:\.(?:ya?ml|toml|conf|cfg|tmpl)|(?:^|\/)(?:Dockerfile[^/]*|Procfile|README[^/]*\.md|\.env\.(?:example|sample|template)|\.(?:gitignore|gitattributes|dockerignore|npmrc|nvmrc|node-version|editorconfig|prettierrc|prettierignore|tool-versions)))$/i;

/** Lock files are known by name only: their text decides nothing and is large. */
const LOCK_FILES = new Set(
  'package-lock.json npm-shrinkwrap.json pnpm-lock.yaml yarn.lock bun.lock bun.lockb deno.lock'.split(' '),
);

/** A directory cannot be read as a project; the diagnostic says why. */
export class UnreadableProject extends Error {
  constructor(readonly diagnostic: Diagnostic) {
    super(diagnostic.code);
  }
}

/** What one walk gathers. */
export interface Gathered {
  readonly files: Map<string, string>;
  /** Names of files in output directories. */
  readonly outputs: Set<string>;
  readonly diagnostics: Diagnostic[];
}

/** Reads every file of interest below `directory`, and of the workspace around it. */
export function readProject(directory: string): Project {
  const root = realDirectory(directory);
  const manifest = readIfThere(path.join(root, 'package.json'));
  if (manifest === undefined) {
    throw new UnreadableProject({ code: 'package-json-missing', args: { dir: directory } });
  }
  refuseBrokenJson(manifest);
  const own = gather(root, '.');
  const workspace = readWorkspace(root, own.files);
  const around = workspace?.gathered.files ?? new Map<string, string>();
  const beside = readBeside(root, own.files, around);
  readExtendedConfigurations(root, own.files, around);
  return {
    root,
    files: own.files,
    outputs: own.outputs,
    diagnostics: [...own.diagnostics, ...(workspace?.gathered.diagnostics ?? []), ...beside],
    ...(workspace ? { workspaceRoot: workspace.root } : {}),
    ...(around.size > 0 ? { workspaceFiles: around } : {}),
  };
}

function refuseBrokenJson(text: string): void {
  const errors: ParseError[] = [];
  const value: unknown = parse(text.replace(/^\uFEFF/, ''), errors);
  const [first] = errors;
  if (!first && value !== null && typeof value === 'object') return;
  const before = text.slice(0, first?.offset ?? 0).split('\n');
  const at = { file: 'package.json', line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
  const reason = first ? printParseErrorCode(first.error) : 'it is not an object';
  throw new UnreadableProject({ code: 'package-json-invalid', at, args: { reason } });
}

function realDirectory(directory: string): string {
  const stat = fs.statSync(directory, { throwIfNoEntry: false });
  if (!stat?.isDirectory())
    throw new UnreadableProject({ code: 'directory-missing', args: { dir: directory } });
  return fs.realpathSync(directory);
}

/** Walks `directory` (relative to `root`), keeping paths relative to `root`. */
export function gather(root: string, directory: string): Gathered {
  const gathered: Gathered = { files: new Map(), outputs: new Set(), diagnostics: [] };
  const base = path.join(root, directory);
  walk(base, directory === '.' ? '' : `${directory}/`, outputDirectories(base), gathered, {
    output: false,
    local: '',
  });
  return gathered;
}

function walk(
  absolute: string,
  prefix: string,
  outputs: ReadonlySet<string>,
  gathered: Gathered,
  at: { readonly output: boolean; readonly local: string },
): void {
  const entries = fs.readdirSync(absolute, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const local = at.local + entry.name;
    const file = path.join(absolute, entry.name);
    if (entry.isDirectory()) {
      if (FOREIGN.has(entry.name)) continue;
      const output = at.output || outputs.has(entry.name) || outputs.has(`/${local}`);
      walk(file, `${prefix}${entry.name}/`, outputs, gathered, { output, local: `${local}/` });
    } else if (at.output) {
      if (gathered.outputs.size < MAX_FILES) gathered.outputs.add(prefix + entry.name);
    } else if (entry.isFile() || (entry.isSymbolicLink() && isFile(file))) {
      keep(file, prefix + entry.name, gathered);
    }
  }
}

function keep(absolute: string, name: string, gathered: Gathered): void {
  const basename = path.posix.basename(name);
  if (LOCK_FILES.has(basename)) {
    gathered.files.set(name, '');
    return;
  }
  if (!SOURCE.test(name) && !CONFIGURATION.test(name)) return;
  if (gathered.files.size >= MAX_FILES) {
    if (!gathered.diagnostics.some((one) => one.code === 'project-too-large')) {
      gathered.diagnostics.push({
        code: 'project-too-large',
        args: { limit: String(MAX_FILES), file: name },
      });
    }
    return;
  }
  if (fs.statSync(absolute).size > MAX_FILE_BYTES) {
    gathered.diagnostics.push({ code: 'file-too-large', args: { file: name, limit: '1 MB' } });
    return;
  }
  gathered.files.set(name, fs.readFileSync(absolute, 'utf8'));
}

const NO_FILE: ReadonlySet<string> = new Set(['ELOOP', 'ENOTDIR']);

/** A link that leads nowhere, or back to itself, is no file, nor is what would lie below a file. */
function isFile(file: string): boolean {
  try {
    return fs.statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
  } catch (error) {
    if (NO_FILE.has((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

/**
 * Directories whose files are output, of which only the names matter: `dist`, what tsconfig.json emits to, and what
 * .gitignore names plainly. A name matches at any depth, a path with a leading slash from the root.
 */
function outputDirectories(base: string): ReadonlySet<string> {
  const outputs = new Set(['dist']);
  const outDir = (parse(readIfThere(path.join(base, 'tsconfig.json')) ?? '{}') as TsConfig | undefined)
    ?.compilerOptions?.outDir;
  if (typeof outDir === 'string') {
    const local = path.posix.normalize(outDir).replace(/^\.?\/|\/$/g, '');
    if (local && local !== '.' && !local.startsWith('..')) outputs.add(`/${local}`);
  }
  for (const line of (readIfThere(path.join(base, '.gitignore')) ?? '').split(/\r?\n/)) {
    const plain = /^(\/|\*\*\/)?([\w.@-]+(?:\/[\w.@-]+)*)\/?$/.exec(line.trim());
    if (plain?.[2]) outputs.add(plain[1] === '/' || plain[2].includes('/') ? `/${plain[2]}` : plain[2]);
  }
  return outputs;
}

interface TsConfig {
  readonly extends?: string | readonly string[];
  readonly compilerOptions?: { readonly outDir?: unknown };
}

/** Follows `extends` of every tsconfig out of the project: into the workspace, or into an installed package. */
function readExtendedConfigurations(
  root: string,
  own: Map<string, string>,
  around: Map<string, string>,
): void {
  const queue = [...own.keys(), ...around.keys()].filter((name) =>
    /(?:^|\/)[jt]sconfig[^/]*\.json$/.test(name),
  );
  const seen = new Set(queue);
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    const config = parse(own.get(name) ?? around.get(name) ?? '') as TsConfig | undefined;
    for (const target of [config?.extends ?? []].flat()) {
      const file = resolveExtended(root, path.posix.dirname(name), target);
      if (!file || seen.has(file)) continue;
      seen.add(file);
      queue.push(file);
      const text = readIfThere(path.join(root, file));
      if (text !== undefined && !own.has(file) && !around.has(file)) {
        (file.startsWith('../') ? around : own).set(file, text);
      }
    }
  }
}

function resolveExtended(root: string, from: string, target: string): string | undefined {
  const exists = (file: string) => isFile(path.join(root, file));
  const spellings = (file: string) => [file, `${file}.json`, `${file}/tsconfig.json`].find(exists);
  if (target.startsWith('.')) return spellings(path.posix.join(from, target));
  let up = '';
  for (let depth = 0; depth < 8; depth++, up += '../') {
    const found = spellings(`${up}node_modules/${target}`);
    if (found) return found;
  }
  return undefined;
}

/** The text of a file, undefined when there is none. */
export function readIfThere(file: string): string | undefined {
  return isFile(file) ? fs.readFileSync(file, 'utf8') : undefined;
}
