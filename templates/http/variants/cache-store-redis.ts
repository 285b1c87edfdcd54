import type { FeatureContext } from './feature.js';
import { redisOf } from './redis-client.js';

/** Where results are kept for a while. */
export interface CacheStore {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string, milliseconds: number): Promise<void>;
  close(): void;
}

/** In Redis, so that all replicas answer from what one has seen. Redis itself decides what goes when it is full. */
export function createCacheStore({ config }: FeatureContext): CacheStore {
  const redis = redisOf(config);
  return {
    async get(key: string): Promise<string | undefined> {
      return (await redis.within((client) => client.get(redis.key('cache', key)))) ?? undefined;
    },
    async set(key: string, value: string, milliseconds: number): Promise<void> {
      const expiration = { type: 'PX', value: milliseconds } as const;
      await redis.within((client) => client.set(redis.key('cache', key), value, { expiration }));
    },
    close: () => undefined,
  };
}
