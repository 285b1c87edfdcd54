/** Facts about the user's package that the operations files are written from. */
import type { Project } from '../../model.js';

export interface PackageFacts {
  readonly name: string;
  readonly license?: string;
  readonly repository?: string;
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  /** `packageManager` without the integrity suffix: `pnpm@9.1.0`. */
  readonly packageManager?: string;
  /** `files` of package.json: what the published package needs to run. */
  readonly published?: readonly string[];
}

type Json = Record<string, unknown>;

const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

function strings(value: unknown): Record<string, string> {
  const result: Record<string, string> = {};
  if (!isRecord(value)) return result;
  for (const [key, entry] of Object.entries(value)) if (typeof entry === 'string') result[key] = entry;
  return result;
}

function repositoryUrl(value: unknown): string | undefined {
  const raw = text(value) ?? (isRecord(value) ? text(value.url) : undefined);
  const github = raw && /^(?:github:)?([\w.-]+\/[\w.-]+)$/.exec(raw)?.[1];
  if (github) return `https://github.com/${github}`;
  const url = raw
    ?.replace(/^git\+/, '')
    .replace(/^git:\/\//, 'https://')
    .replace(/\.git$/, '');
  return url && /^https?:\/\/[^\s"\\]+$/.test(url) ? url : undefined;
}

/** One line that can stand in a quoted label: no quotes, no line breaks, no `$` that a shell would expand. */
const oneLine = (value: string): string =>
  value
    .replace(/["\\$`]/g, '')
    .replace(/\s+/g, ' ')
    .trim();

/** Reads package.json of `project`; absent or wrongly typed fields become empty. */
export const readPackageFacts = (project: Project): PackageFacts =>
  readFacts(project.files.get('package.json') ?? '{}');

/** Reads the text of a package.json. */
export function readFacts(manifest: string): PackageFacts {
  const parsed: unknown = JSON.parse(manifest.replace(/^\uFEFF/, ''));
  const json = isRecord(parsed) ? parsed : {};
  const license = text(json.license);
  const repository = repositoryUrl(json.repository);
  const packageManager = text(json.packageManager)?.replace(/\+.*$/, '');
  const published = Array.isArray(json.files)
    ? json.files.filter((entry): entry is string => typeof entry === 'string')
    : undefined;
  return {
    name: text(json.name) ?? 'mcp-server',
    ...(license === undefined ? {} : { license: oneLine(license) }),
    ...(repository === undefined ? {} : { repository }),
    scripts: strings(json.scripts),
    dependencies: strings(json.dependencies),
    devDependencies: strings(json.devDependencies),
    ...(packageManager === undefined ? {} : { packageManager }),
    ...(published === undefined ? {} : { published }),
  };
}

/** The name as an image, service and object name: lower case, digits and dashes, no scope, at most 53 characters. */
export function deploymentName(name: string): string {
  const plain = name
    .replace(/^@[^/]+\//, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 53)
    .replace(/^[-0-9]+|-+$/g, '');
  return plain === '' ? 'mcp-server' : plain;
}

/** Where the project is inside its workspace, when it is a member of one. */
export function memberDirectory(project: Project): string {
  const levels = project.workspaceRoot?.split('/').filter((part) => part === '..').length ?? 0;
  return levels === 0 ? '' : project.root.split('/').slice(-levels).join('/');
}
