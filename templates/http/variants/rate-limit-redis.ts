import type { ServerResponse } from 'node:http';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { Caller, Feature, FeatureContext } from './feature.js';
import { addressGroup } from './gate.js';
import { codes, Refusal } from './json-rpc.js';
import { type Redis, redisOf } from './redis-client.js';

/**
 * At most so many requests a minute and an hour, for each subject, or for each address when nobody is
 * authenticated; counted in Redis by all replicas together, and by each on its own while Redis is away.
 */
export function createRateLimit({ config }: FeatureContext): Feature {
  const redis = redisOf(config);
  const windows = [
    new Window(redis, 'minute', config.RATE_LIMIT_PER_MINUTE, 60),
    new Window(redis, 'hour', config.RATE_LIMIT_PER_HOUR, 3600),
  ];
  const policy = windows
    .map(({ name, points, duration }) => `"${name}";q=${points};w=${duration}`)
    .join(', ');

  return {
    name: 'rate-limit',
    async admit(caller: Caller, response: ServerResponse): Promise<Refusal | undefined> {
      const key = caller.subject ?? addressGroup(caller.address);
      const standings = await Promise.all(windows.map((window) => window.consume(key)));
      const over = standings.find(({ standing, window }) => standing.consumedPoints > window.points);
      if (over) return tooMany(over.window.name, secondsOf(over.standing), policy);
      response.setHeader('ratelimit-policy', policy);
      response.setHeader(
        'ratelimit',
        standings
          .map(
            ({ window, standing }) =>
              `"${window.name}";r=${standing.remainingPoints};t=${secondsOf(standing)}`,
          )
          .join(', '),
      );
      return undefined;
    },
  };
}

class Window {
  readonly name: string;
  readonly points: number;
  readonly duration: number;
  readonly #redis: Redis;
  readonly #shared: RateLimiterRedis;
  readonly #own: RateLimiterMemory;

  constructor(redis: Redis, name: string, points: number, duration: number) {
    this.name = name;
    this.points = points;
    this.duration = duration;
    this.#redis = redis;
    const options = { points, duration, keyPrefix: redis.key('limit', name) };
    this.#shared = new RateLimiterRedis({
      ...options,
      storeClient: redis.client,
      useRedisPackage: true,
      rejectIfRedisNotReady: true,
    });
    this.#own = new RateLimiterMemory(options);
  }

  async consume(key: string): Promise<{ window: Window; standing: RateLimiterRes }> {
    const standing = await this.#redis
      .within(() => this.#shared.consume(key))
      .catch((reason) => (reason instanceof RateLimiterRes ? reason : this.#own.consume(key)))
      .catch(standingOf);
    return { window: this, standing };
  }
}

/** A limiter rejects with the standing of a caller over the limit, and with anything else when it is broken. */
function standingOf(reason: unknown): RateLimiterRes {
  if (reason instanceof RateLimiterRes) return reason;
  throw reason;
}

const secondsOf = (standing: RateLimiterRes): number => Math.max(1, Math.ceil(standing.msBeforeNext / 1000));

function tooMany(window: string, seconds: number, policy: string): Refusal {
  return new Refusal(429, codes.refused, `Too many requests this ${window}; try again in ${seconds} s`, {
    'retry-after': String(seconds),
    'ratelimit-policy': policy,
    ratelimit: `"${window}";r=0;t=${seconds}`,
  });
}
