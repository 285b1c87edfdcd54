/** Finds the workspace a project is a member of, and reads what of it the project uses. */

import fs from 'node:fs';
import path from 'node:path';
import { parse } from 'jsonc-parser';
import { type Gathered, gather, readIfThere } from './read-project.js';

/** Files of a workspace root that say how its members are installed, built and formatted. */
const ROOT_FILES =
  /^(?:package\.json|pnpm-workspace\.yaml|lerna\.json|nx\.json|turbo\.json|[jt]sconfig.*\.json|\.npmrc|\.nvmrc|\.node-version|\.editorconfig|\.prettierrc.*|prettier\.config\..*|biome\.jsonc?|\.yarnrc\.yml|\.gitignore|\.gitattributes|\.dockerignore|package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|yarn\.lock|bun\.lockb?)$/;
const NAME_ONLY = /lock/;

interface PackageJson {
  readonly name?: string;
  readonly workspaces?: readonly string[] | { readonly packages?: readonly string[] };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

interface Workspace {
  /** Relative to the project: `../..`. */
  readonly root: string;
  readonly gathered: Gathered;
}

/** The workspace around `root`: its configuration, and the members the project depends on. Paths relative to `root`. */
export function readWorkspace(root: string, own: ReadonlyMap<string, string>): Workspace | undefined {
  for (let up = '..'; ; up = `${up}/..`) {
    const absolute = path.resolve(root, up);
    const members = memberPatterns(absolute);
    if (members && isMember(path.relative(absolute, root).split(path.sep).join('/'), members)) {
      return { root: up, gathered: gatherWorkspace(root, up, members, own) };
    }
    if (fs.existsSync(path.join(absolute, '.git')) || absolute === path.dirname(absolute)) return undefined;
  }
}

function memberPatterns(directory: string): readonly string[] | undefined {
  const yaml = readIfThere(path.join(directory, 'pnpm-workspace.yaml'));
  if (yaml !== undefined) return pnpmPackages(yaml);
  const { workspaces } = readPackage(directory);
  return workspaces === undefined || isList(workspaces) ? workspaces : workspaces.packages;
}

/** `packages` of a pnpm-workspace.yaml, as a list of lines or in brackets. */
function pnpmPackages(yaml: string): readonly string[] {
  const bracketed = /^packages:\s*\[([^\]]*)\]/m.exec(yaml)?.[1];
  if (bracketed !== undefined) {
    const entries = bracketed.matchAll(/"([^"]*)"|'([^']*)'|([^\s,]+)/g);
    return [...entries].map(([, double, single, bare]) => double ?? single ?? bare ?? '');
  }
  const lines = /^packages:[^\n]*\n((?:[ \t]*(?:-[^\n]*|#[^\n]*)?(?:\n|$))*)/m.exec(yaml)?.[1] ?? '';
  return [...lines.matchAll(/^[ \t]*-[ \t]*["']?([^"'\s#]+)/gm)].map((match) => match[1] as string);
}

const isList = (value: unknown): value is readonly string[] => Array.isArray(value);

function readPackage(directory: string): PackageJson {
  const found: unknown = parse(readIfThere(path.join(directory, 'package.json')) ?? '');
  return found && typeof found === 'object' ? found : {};
}

function isMember(member: string, patterns: readonly string[]): boolean {
  const matches = (pattern: string) => globToRegExp(pattern).test(member);
  return (
    patterns.some((pattern) => !pattern.startsWith('!') && matches(pattern)) &&
    !patterns.some((pattern) => pattern.startsWith('!') && matches(pattern.slice(1)))
  );
}

function globToRegExp(glob: string): RegExp {
  const source = glob
    .replace(/^\.\/|\/$/g, '')
    .split(/(\*\*\/|\*\*|\*|\{[^}]*\})/)
    .map((part) => {
      if (part === '**/') return '(?:.*/)?';
      if (part === '**') return '.*';
      if (part === '*') return '[^/]*';
      if (part.startsWith('{')) return `(?:${part.slice(1, -1).split(',').map(literally).join('|')})`;
      return literally(part);
    })
    .join('');
  return new RegExp(`^${source}$`);
}

const literally = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

function gatherWorkspace(
  root: string,
  up: string,
  patterns: readonly string[],
  own: ReadonlyMap<string, string>,
): Gathered {
  const absolute = path.resolve(root, up);
  const gathered: Gathered = { files: new Map(), outputs: new Set(), diagnostics: [] };
  for (const name of fs.readdirSync(absolute)) {
    if (!ROOT_FILES.test(name)) continue;
    const text = NAME_ONLY.test(name) ? '' : readIfThere(path.join(absolute, name));
    if (text !== undefined) gathered.files.set(`${up}/${name}`, text);
  }
  const members = findMembers(absolute, patterns);
  const queue = [parse(own.get('package.json') ?? '{}') as PackageJson];
  const seen = new Set<string>([path.relative(absolute, root)]);
  for (let next = queue.shift(); next; next = queue.shift()) {
    for (const name of Object.keys({ ...next.dependencies, ...next.devDependencies })) {
      const directory = members.get(name);
      if (!directory || seen.has(directory)) continue;
      seen.add(directory);
      queue.push(readPackage(path.join(absolute, directory)));
      const part = gather(
        root,
        path.relative(root, path.join(absolute, directory)).split(path.sep).join('/'),
      );
      for (const [file, text] of part.files) gathered.files.set(file, text);
      gathered.diagnostics.push(...part.diagnostics);
    }
  }
  return gathered;
}

/** Package name → directory relative to the workspace root. */
function findMembers(absolute: string, patterns: readonly string[]): ReadonlyMap<string, string> {
  const members = new Map<string, string>();
  const deepest = Math.max(...patterns.map((one) => (one.includes('**') ? 4 : one.split('/').length)), 0);
  const visit = (directory: string, depth: number) => {
    for (const entry of fs.readdirSync(path.join(absolute, directory), { withFileTypes: true })) {
      if (!entry.isDirectory() || entry.name === 'node_modules' || entry.name.startsWith('.')) continue;
      const member = directory ? `${directory}/${entry.name}` : entry.name;
      if (isMember(member, patterns)) {
        const { name } = readPackage(path.join(absolute, member));
        if (name) members.set(name, member);
      }
      if (depth + 1 < deepest) visit(member, depth + 1);
    }
  };
  visit('', 0);
  return members;
}
