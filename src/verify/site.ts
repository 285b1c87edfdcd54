import type { Inspection, Manifest, Options, Project } from '../model.js';

/** The converted project, and the environment its user configured. */
export interface Site {
  readonly project: Project;
  readonly options: Options;
  readonly inspection: Inspection;
  readonly manifest: Manifest;
  /** Our own environment: what the user configured is taken from it, nothing else. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What any program needs to start at all; none of it belongs to the server's own configuration. */
const PLATFORM = ['PATH', 'Path', 'LANG', 'TZ', 'SystemRoot', 'ComSpec', 'PATHEXT', 'windir'];

/** Settings of the generated service that the user's own environment may answer. */
const OPERATED = ['DB_MAX_CONNECTIONS', 'DB_IDLE_TIMEOUT', 'CACHE_TOOLS', 'AUTH_SCOPES'];

/** What the service connects to, when it does, and an address where nobody answers. */
const DEPENDENCIES: readonly { name: string; used: (options: Options) => boolean; nowhere: string }[] = [
  { name: 'REDIS_URL', used: (options) => options.rateLimit === 'redis', nowhere: 'redis://127.0.0.1:9' },
  {
    name: 'DATABASE_URL',
    used: (options) => options.database === 'postgres',
    nowhere: 'postgres://verify@127.0.0.1:9/verify',
  },
];

/** package.json scripts of the project. */
export function scriptsOf(project: Project): Readonly<Record<string, string>> {
  const manifest = JSON.parse(project.files.get('package.json') ?? '{}') as {
    scripts?: Record<string, string>;
  };
  return manifest.scripts ?? {};
}

/** Variables without which the server does not start and which are not set: verification makes values up. */
export function missingVariables({ inspection, manifest, env }: Site): string[] {
  const all = [...inspection.env, ...manifest.seam.variables];
  const required = all.filter((read) => read.required).map((read) => read.name);
  const sent = (manifest.seam.credentials ?? []).map(({ variable }) => variable);
  return [...new Set([...required, ...sent])].filter((name) => !isSet(env, name));
}

/**
 * What a client brings in place of variables of the environment: the user's values, or made-up ones that hold the
 * client's word, so that it is noticed where another client gets them.
 */
export function credentialsOf(
  { manifest, env }: Site,
  word: string,
): { variable: string; header: string; value: string }[] {
  return (manifest.seam.credentials ?? []).map(({ variable, header }) => {
    const value = env[variable] ?? `${madeUp(variable)}${/[\d/]$/.test(madeUp(variable)) ? '/' : '-'}${word}`;
    return { variable, header, value };
  });
}

/** Databases of the service that nobody named: it has to live without them. */
export const missingDependencies = ({ options, env }: Site): string[] =>
  DEPENDENCIES.filter(({ name, used }) => used(options) && !isSet(env, name)).map(({ name }) => name);

/** Where the service finds its databases: where the user says, or nowhere. */
export function dependencySettings(site: Site): Record<string, string> {
  const { options, env } = site;
  const used = DEPENDENCIES.filter((dependency) => dependency.used(options));
  return Object.fromEntries(used.map(({ name, nowhere }) => [name, env[name] ?? nowhere]));
}

/** The environment of everything that is started: a private home, and what the user configured by name. */
export function environmentOf(site: Site, home: string): Record<string, string> {
  const { inspection, manifest, env } = site;
  const variables = [...inspection.env, ...manifest.seam.variables].map((read) => read.name);
  const names = [...PLATFORM, ...OPERATED, ...variables, ...variables.map((name) => `${name}_FILE`)];
  const given = names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]] as const]));
  const made = missingVariables(site).map((name) => [name, madeUp(name)] as const);
  const homes = { HOME: home, USERPROFILE: home, TMPDIR: home, TEMP: home, TMP: home };
  return { ...Object.fromEntries([...given, ...made]), ...homes };
}

/** Variables as written in the source may be read with one of several names: `X` or, by our runtime, `X_FILE`. */
const isSet = (env: Site['env'], name: string) => Boolean(env[name] ?? env[`${name}_FILE`]);

/** A value that a check for presence accepts and that reaches nothing: no real service, no real account. */
function madeUp(name: string): string {
  if (/PORT$/.test(name)) return '9';
  if (/(URL|URI|ENDPOINT|HOST)$/.test(name)) return 'http://127.0.0.1:9';
  return 'verify-placeholder';
}
