import { apiKeySettings, createApiKeyAuth } from './auth-api-key.js';
import { createOauth, oauthSettings } from './auth-oauth.js';
import { cacheSettings, createCache } from './cache.js';
import { createCredentials, credentialSettings } from './credentials.js';
import type { EnvironmentResolver, FeatureFactory } from './feature.js';
import { createMetrics, metricsSettings } from './metrics.js';
import { createPostgres, postgresSettings } from './postgres.js';
import { createRateLimit } from './rate-limit.js';
import { createRedis, redisSettings } from './redis-client.js';
import { createRedisSessions } from './redis-sessions.js';
import { resolveAwsSecrets } from './secrets-aws.js';
import { resolveVaultSecrets } from './secrets-vault.js';
import { workerSettings } from './session-workers.js';
import { createTracing, tracingSettings } from './tracing.js';

export { loadInWorkers as loadServers } from './session-workers.js';
export { createStatefulEndpoint } from './stateful.js';
/** Everything at once, so that every template is type-checked; a project gets what it chose. */
export { createStatelessEndpoint as createEndpoint } from './stateless.js';
export const settings = {
  ...redisSettings,
  ...apiKeySettings,
  ...oauthSettings,
  ...credentialSettings,
  ...cacheSettings,
  ...postgresSettings,
  ...metricsSettings,
  ...tracingSettings,
  ...workerSettings,
};
export const featureFactories: readonly FeatureFactory[] = [
  createRedis,
  createTracing,
  createMetrics,
  createApiKeyAuth,
  createOauth,
  createCredentials,
  createRateLimit,
  createRedisSessions,
  createCache,
  createPostgres,
];
export const environmentResolvers: readonly EnvironmentResolver[] = [resolveAwsSecrets, resolveVaultSecrets];
