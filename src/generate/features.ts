import type { Options, Seam } from '../model.js';
import { opensPgPools } from './databases.js';

/** A part of the generated service that is there when it was chosen: one module and what it needs. */
export interface Feature {
  readonly id: string;
  readonly label: string;
  /** `uses` tells whether the project's own code imports a package. */
  readonly when: (options: Options, seam: Seam, uses: (name: string) => boolean) => boolean;
  /** Template below `templates/http`, without extension. */
  readonly template: string;
  /** The file's name in the project, when it is not the template's. */
  readonly as?: string;
  /** Further templates that it imports. */
  readonly with?: readonly string[];
  /** Exports of the module: its settings, its `FeatureFactory`, its `EnvironmentResolver`. */
  readonly settings?: string;
  readonly create?: string;
  readonly resolve?: string;
  /** What the service gets its servers by, when it is not in its own process. */
  readonly load?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  /** For TypeScript projects. */
  readonly types?: Readonly<Record<string, string>>;
}

const rateLimiter = { 'rate-limiter-flexible': '^11.0.0' };
const postgres = {
  settings: 'postgresSettings',
  create: 'createPostgres',
  dependencies: { pg: '^8.16.0' },
  types: { '@types/pg': '^8.15.0' },
} as const;

/** Is anything of the service kept in Redis? */
export const usesRedis = (options: Options): boolean => options.rateLimit === 'redis';

/** Every optional feature, in the order in which a request meets them. */
const features: readonly Feature[] = [
  {
    id: 'secrets-aws',
    label: 'Secrets from AWS SSM and Secrets Manager',
    when: (options) => options.secrets === 'aws',
    template: 'secrets-aws',
    with: ['secret-references'],
    resolve: 'resolveAwsSecrets',
    dependencies: { '@aws-sdk/client-secrets-manager': '^3.900.0', '@aws-sdk/client-ssm': '^3.900.0' },
  },
  {
    id: 'secrets-vault',
    label: 'Secrets from Vault',
    when: (options) => options.secrets === 'vault',
    template: 'secrets-vault',
    with: ['secret-references'],
    resolve: 'resolveVaultSecrets',
  },
  {
    id: 'tracing',
    label: 'OpenTelemetry traces and durations',
    when: (options) => options.tracing,
    template: 'tracing',
    settings: 'tracingSettings',
    create: 'createTracing',
    // The newest lines that run on Node 20.
    dependencies: {
      '@opentelemetry/api': '^1.9.0',
      '@opentelemetry/exporter-metrics-otlp-http': '^0.223.0',
      '@opentelemetry/exporter-trace-otlp-http': '^0.223.0',
      '@opentelemetry/resources': '^2.12.0',
      '@opentelemetry/sdk-metrics': '^2.12.0',
      '@opentelemetry/sdk-trace-node': '^2.12.0',
    },
  },
  {
    id: 'redis',
    label: 'The Redis connection',
    when: usesRedis,
    template: 'redis-client',
    settings: 'redisSettings',
    create: 'createRedis',
    dependencies: { redis: '^6.0.0' },
  },
  {
    id: 'postgres',
    label: 'The PostgreSQL pool',
    when: (options, _seam, uses) => options.database === 'postgres' && !opensPgPools(uses),
    template: 'postgres',
    ...postgres,
  },
  {
    id: 'postgres-own',
    label: 'Limits and readiness for the project’s own PostgreSQL pools',
    when: (options, _seam, uses) => options.database === 'postgres' && opensPgPools(uses),
    template: 'variants/postgres-own',
    as: 'postgres',
    ...postgres,
  },
  {
    id: 'metrics',
    label: 'Prometheus metrics on their own port',
    when: (options) => options.metrics,
    template: 'metrics',
    settings: 'metricsSettings',
    create: 'createMetrics',
    dependencies: { 'prom-client': '^15.1.0' },
  },
  {
    id: 'auth-api-key',
    label: 'API keys',
    when: (options) => options.auth === 'api-key',
    template: 'auth-api-key',
    settings: 'apiKeySettings',
    create: 'createApiKeyAuth',
  },
  {
    id: 'auth-oauth',
    label: 'OAuth access tokens',
    when: (options) => options.auth === 'oauth',
    template: 'auth-oauth',
    settings: 'oauthSettings',
    create: 'createOauth',
    dependencies: { jose: '^6.1.0' },
  },
  {
    id: 'credentials',
    label: 'Credentials that callers send in headers',
    when: (_options, seam) => seam.credentials !== undefined,
    template: 'credentials',
    settings: 'credentialSettings',
    create: 'createCredentials',
  },
  {
    id: 'session-environment',
    label: 'Changes of the environment, each client’s own',
    when: (_options, seam) => seam.ownEnvironment === true,
    template: 'session-environment',
    create: 'createSessionEnvironment',
  },
  {
    id: 'session-workers',
    label: 'A worker for each session',
    when: (_options, seam) => seam.workers === true,
    template: 'session-workers',
    with: ['session-worker', 'message-origin'],
    settings: 'workerSettings',
    load: 'loadInWorkers',
  },
  {
    id: 'rate-limit',
    label: 'Rate limits in memory',
    when: (options) => options.rateLimit === 'memory',
    template: 'rate-limit',
    create: 'createRateLimit',
    dependencies: rateLimiter,
  },
  {
    id: 'rate-limit-redis',
    label: 'Rate limits that replicas share',
    when: (options) => options.rateLimit === 'redis',
    template: 'variants/rate-limit-redis',
    as: 'rate-limit',
    create: 'createRateLimit',
    dependencies: rateLimiter,
  },
  {
    id: 'redis-sessions',
    label: 'Sessions that replicas hand to each other',
    when: (options, seam) => usesRedis(options) && seam.sessions === 'stateful',
    template: 'redis-sessions',
    create: 'createRedisSessions',
  },
  {
    id: 'cache-store',
    label: 'Where results are kept',
    when: (options) => options.cache && !usesRedis(options),
    template: 'cache-store',
  },
  {
    id: 'cache-store-redis',
    label: 'Where results are kept',
    when: (options) => options.cache && usesRedis(options),
    template: 'variants/cache-store-redis',
    as: 'cache-store',
  },
  {
    id: 'cache',
    label: 'Results of named tools, given again for a while',
    when: (options) => options.cache,
    template: 'cache',
    settings: 'cacheSettings',
    create: 'createCache',
  },
];

/** The features of a project with these options. */
export const chosenFeatures = (
  options: Options,
  seam: Seam,
  uses: (name: string) => boolean,
): readonly Feature[] => features.filter((feature) => feature.when(options, seam, uses));
