import { readFileSync } from 'node:fs';
import { unescape as decode } from 'node:querystring';
import { z } from 'zod';
import { environmentResolvers, settings as featureSettings } from './features.js';
import { projectVariables } from './server-factory.js';
import { ConfigError, flag, list, whole } from './settings.js';

/** Every setting comes from the environment, under the name it has here. */
const coreSettings = {
  NODE_ENV: z.string().default('development'),
  PORT: whole(3000, 0, 65535),
  HOST: z.string().default('127.0.0.1'),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  /** Host names, with or without port, under which this service may be addressed; empty: see `app.ts`. */
  ALLOWED_HOSTS: list(),
  /** Web origins that may call this service from a browser. */
  CORS_ORIGINS: list(),
  /** How many proxies in front of this service may be believed about the client's address. */
  TRUST_PROXY: whole(0, 0, 16),
  /** Listening beyond this machine without authentication has to be wanted in so many words. */
  ALLOW_UNAUTHENTICATED: flag(false),
  /** Names this replica in the session ids it gives out, for balancers that route by it. */
  INSTANCE_ID: z
    .string()
    .regex(/^[\w-]{1,64}$/, 'letters, digits, _ and - only')
    .optional(),
  MAX_BODY_BYTES: whole(4 * 1024 * 1024, 1024),
  RATE_LIMIT_PER_MINUTE: whole(60, 1),
  RATE_LIMIT_PER_HOUR: whole(1000, 1),
  SESSION_TTL_MS: whole(30 * 60_000, 1000),
  MAX_SESSIONS: whole(1000, 1),
  /** How long readiness says no before connections are refused, so that a balancer can look away first. */
  SHUTDOWN_DELAY_MS: whole(0, 0, 600_000),
  SHUTDOWN_TIMEOUT_MS: whole(30_000, 0, 3_600_000),
  DATABASE_URL: z.string().optional(),
  DB_MAX_CONNECTIONS: whole(20, 1),
  DB_IDLE_TIMEOUT: whole(30_000, 0),
  REDIS_URL: z.string().optional(),
};

const settings = { ...coreSettings, ...featureSettings };
const schema = z.object(settings);

export type Config = Readonly<z.infer<typeof schema>>;

/**
 * Reads `.env` (outside production), files named by `X_FILE`, and secret stores into `environment`. Resolves to the
 * names of what came from a file or a store: it is secret.
 */
export async function prepareEnvironment(environment: NodeJS.ProcessEnv): Promise<readonly string[]> {
  if (environment['NODE_ENV'] !== 'production') loadEnvFile();
  const known = [...Object.keys(settings), ...projectVariables.map((variable) => variable.name)];
  const secret: string[] = [];
  const problems: string[] = [];
  for (const name of known) {
    const file = environment[`${name}_FILE`];
    if (!file || environment[name]) continue;
    try {
      environment[name] = readFileSync(file, 'utf8').trimEnd();
      secret.push(name);
    } catch (error) {
      problems.push(`${name}_FILE: ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  for (const resolve of environmentResolvers) secret.push(...(await resolve(environment)));
  return secret;
}

function loadEnvFile(): void {
  try {
    (process as { loadEnvFile?: () => void }).loadEnvFile?.();
  } catch {
    // There need not be one.
  }
}

/** The validated configuration, frozen. Throws a `ConfigError` that names every problem. */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(given);
  const problems = parsed.success
    ? []
    : parsed.error.issues.map((issue) => `${issue.path.map(String).join('.')}: ${issue.message}`);
  for (const { name, required } of projectVariables) {
    if (required && !given[name]) problems.push(`${name}: required by this server`);
  }
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(parsed.data);
}

/** Values that must never appear in a log: of the variables in `secret`, credentials of the project, settings named like one. */
export function secretValues(environment: NodeJS.ProcessEnv, secret: readonly string[]): string[] {
  const named = Object.keys(settings).filter((name) => /SECRET|TOKEN|PASSWORD|KEYS?$|_URL$/.test(name));
  const names = [
    ...secret,
    ...named,
    ...projectVariables.filter((variable) => variable.secret).map(({ name }) => name),
  ];
  return names.flatMap((name) => partsOf(environment[name] ?? '')).filter((value) => value.length >= 8);
}

/** A secret, and what in it is secret by itself: the password of a URL, each key of a list `subject:key,…`. */
function partsOf(value: string): string[] {
  const password = /^\w+:\/\/[^/]*?:([^/]*)@/.exec(value)?.[1];
  const keys = value.split(',').map((entry) => entry.trim().replace(/^[\w.@-]+:(?!\/\/)/, ''));
  return [value, ...(password === undefined ? keys : [password, decode(password)])];
}
