/** What can be chosen: one table that the command line, the questions and the finished options are made from. */

import type { Inspection, Manifest, Options } from './model.js';

export interface Choice {
  readonly value: string;
  readonly hint: string;
}

interface Row {
  readonly key: keyof Options;
  /** What the flag takes: one of the choices, any text, a list separated by commas, arguments, or nothing. */
  readonly kind: 'choice' | 'text' | 'list' | 'arguments' | 'switch';
  /** Name of the flag's value in the help. */
  readonly value?: string;
  readonly description: string;
  readonly choices?: readonly Choice[];
  readonly fallback: Options[keyof Options];
  /** Asked in an interactive run, unless the flag was given. */
  readonly question?: string;
  /** Is there anything to ask about? */
  readonly asks?: (inspection: Inspection) => boolean;
}

export const optionTable: readonly Row[] = [
  {
    key: 'entry',
    kind: 'text',
    value: 'file',
    description: 'source file that starts the stdio server',
    fallback: undefined,
  },
  {
    key: 'out',
    kind: 'text',
    value: 'dir',
    description: 'directory of the generated service (default: http, beside your sources)',
    fallback: 'src/http',
  },
  {
    key: 'sessions',
    kind: 'choice',
    value: 'mode',
    description: 'one server per request or per session',
    choices: [
      { value: 'auto', hint: 'decided from state and session features' },
      { value: 'stateless', hint: 'every request stands alone' },
      { value: 'stateful', hint: 'one server per Mcp-Session-Id' },
    ],
    fallback: 'auto',
  },
  {
    key: 'state',
    kind: 'choice',
    value: 'decision',
    description: 'what happens to state that clients would share',
    choices: [
      { value: 'isolate', hint: 'every client has its own' },
      { value: 'share', hint: 'all clients see the same' },
    ],
    fallback: 'isolate',
  },
  {
    key: 'share',
    kind: 'list',
    value: 'names',
    description: 'bindings that clients share although they look like state',
    fallback: [],
  },
  {
    key: 'isolation',
    kind: 'choice',
    value: 'means',
    description: 'what keeps one client apart from another',
    choices: [
      { value: 'auto', hint: 'state of a client is separated in the sources; one process serves all' },
      { value: 'worker', hint: 'every session has a worker of its own: slower and larger' },
    ],
    fallback: 'auto',
  },
  {
    key: 'credentials',
    kind: 'choice',
    value: 'source',
    description: 'where credentials of the server come from',
    choices: [
      { value: 'env', hint: 'the environment: one identity for all callers' },
      { value: 'header', hint: 'headers of each request: every caller sends its own' },
    ],
    fallback: 'env',
    question: 'Where do the credentials come from that the server reads from its environment?',
    asks: (inspection) => inspection.env.some((read) => read.secret),
  },
  {
    key: 'credentialHeader',
    kind: 'list',
    value: 'names',
    description: 'variables that callers send, NAME or NAME=header (default: what looks like a credential)',
    fallback: [],
  },
  {
    key: 'args',
    kind: 'arguments',
    value: 'arguments',
    description: "arguments the HTTP process hands to the server's own parsing",
    fallback: [],
  },
  {
    key: 'auth',
    kind: 'choice',
    value: 'kind',
    description: 'who may call',
    choices: [
      { value: 'none', hint: 'anybody who reaches the port; loopback only unless allowed' },
      { value: 'api-key', hint: 'keys from the configuration' },
      { value: 'oauth', hint: 'bearer tokens checked against a JWKS' },
    ],
    fallback: 'none',
    question: 'Who may call the HTTP service?',
  },
  {
    key: 'rateLimit',
    kind: 'choice',
    value: 'store',
    description: 'requests per minute and hour',
    choices: [
      { value: 'memory', hint: 'counted in each process' },
      { value: 'redis', hint: 'counted across processes' },
      { value: 'none', hint: 'no limit' },
    ],
    fallback: 'memory',
  },
  {
    key: 'database',
    kind: 'choice',
    value: 'kind',
    description: 'connection pool from DATABASE_URL',
    choices: [
      { value: 'none', hint: 'no pool' },
      { value: 'postgres', hint: 'a pg pool' },
    ],
    fallback: 'none',
  },
  {
    key: 'secrets',
    kind: 'choice',
    value: 'source',
    description: 'where secrets come from',
    choices: [
      { value: 'env', hint: 'environment variables' },
      { value: 'file', hint: 'files named by X_FILE' },
      { value: 'aws', hint: 'SSM Parameter Store or Secrets Manager' },
      { value: 'vault', hint: 'Vault KV v2' },
    ],
    fallback: 'env',
  },
  { key: 'cache', kind: 'switch', description: 'response cache for named tools', fallback: false },
  { key: 'metrics', kind: 'switch', description: 'Prometheus metrics', fallback: false },
  { key: 'tracing', kind: 'switch', description: 'OpenTelemetry traces', fallback: false },
  { key: 'docker', kind: 'switch', description: 'Dockerfile', fallback: true },
  { key: 'compose', kind: 'switch', description: 'compose.yaml', fallback: false },
  { key: 'kubernetes', kind: 'switch', description: 'Kubernetes manifests', fallback: false },
  {
    key: 'ci',
    kind: 'choice',
    value: 'host',
    description: 'workflow that verifies the service',
    choices: [
      { value: 'github', hint: 'GitHub Actions' },
      { value: 'none', hint: 'no workflow' },
    ],
    fallback: 'github',
  },
];

/** `rateLimit` → `--rate-limit`. */
export const flagOf = (key: keyof Options): string =>
  `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** Finished options: what was given, else what the project was converted with, else the default. */
export function resolveOptions(
  given: Partial<Options>,
  manifest: Manifest | undefined,
  inspection: Inspection,
): Options {
  const fallbacks = Object.fromEntries(
    optionTable.filter((row) => row.fallback !== undefined).map((row) => [row.key, row.fallback]),
  );
  const entry = inspection.entry?.file;
  return {
    ...fallbacks,
    out: defaultOut(inspection),
    ...(entry ? { entry } : {}),
    args: inspection.startArguments?.arguments ?? [],
    ...manifest?.options,
    ...given,
  } as Options;
}

/** Generated sources go where the build looks for sources. */
function defaultOut(inspection: Inspection): string {
  const { build, entry } = inspection;
  if (build.kind !== 'tsc') return 'src/http';
  const sources =
    build.rootDir && build.rootDir !== '.' ? build.rootDir : parentOf(entry?.file ?? 'src/index');
  return sources === '' ? 'http' : `${sources.replace(/^\.\/|\/$/g, '')}/http`;
}

const parentOf = (file: string): string => file.split('/').slice(0, -1).join('/');

/** The options that differ from what a run would choose by itself, as flags. */
export function flagsFor(options: Options, inspection: Inspection): readonly string[] {
  const usual = resolveOptions({}, undefined, inspection);
  return optionTable.flatMap(({ key, kind }) => {
    const value = options[key];
    const chosen = key === 'entry' && inspection.candidates.length > 1;
    if (!chosen && JSON.stringify(value) === JSON.stringify(usual[key])) return [];
    if (kind === 'switch') return [value ? flagOf(key) : flagOf(key).replace('--', '--no-')];
    if (kind === 'list') return [flagOf(key), (value as readonly string[]).join(',')];
    if (kind === 'arguments') return [flagOf(key), (value as readonly string[]).map(quote).join(' ')];
    return [flagOf(key), String(value)];
  });
}

/** A word as a POSIX shell reads it. */
export const quote = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** Splits a command line into words, honouring quotes and backslashes. */
export function splitArguments(line: string): readonly string[] {
  const words = line.matchAll(/(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+/gs);
  return [...words].map(([word]) =>
    word.replace(
      /\\(.)|"((?:[^"\\]|\\.)*)"|'([^']*)'/gs,
      (_, escaped?: string, double?: string, single?: string) => {
        if (escaped !== undefined) return escaped;
        return double !== undefined ? double.replace(/\\(["\\$`])/g, '$1') : (single ?? '');
      },
    ),
  );
}
