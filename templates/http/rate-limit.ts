import type { ServerResponse } from 'node:http';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { Caller, Feature, FeatureContext } from './feature.js';
import { addressGroup } from './gate.js';
import { codes, Refusal } from './json-rpc.js';

/** At most so many requests a minute and an hour, for each subject, or for each address when nobody is authenticated. */
export function createRateLimit({ config }: FeatureContext): Feature {
  const windows = [
    { name: 'minute', points: config.RATE_LIMIT_PER_MINUTE, duration: 60 },
    { name: 'hour', points: config.RATE_LIMIT_PER_HOUR, duration: 3600 },
  ].map((window) => ({ ...window, limiter: new RateLimiterMemory({ ...window, keyPrefix: window.name }) }));
  const policy = windows
    .map(({ name, points, duration }) => `"${name}";q=${points};w=${duration}`)
    .join(', ');

  return {
    name: 'rate-limit',
    async admit(caller: Caller, response: ServerResponse): Promise<Refusal | undefined> {
      const key = caller.subject ?? addressGroup(caller.address);
      const standings: string[] = [];
      for (const { name, limiter } of windows) {
        const standing = await limiter.consume(key).catch(standingOf);
        const seconds = Math.max(1, Math.ceil(standing.msBeforeNext / 1000));
        if (standing.consumedPoints > limiter.points) return tooMany(name, seconds, policy);
        standings.push(`"${name}";r=${standing.remainingPoints};t=${seconds}`);
      }
      response.setHeader('ratelimit-policy', policy);
      response.setHeader('ratelimit', standings.join(', '));
      return undefined;
    },
  };
}

/** The limiter rejects with the standing of a caller over the limit, and with anything else when it is broken. */
function standingOf(reason: unknown): RateLimiterRes {
  if (reason instanceof RateLimiterRes) return reason;
  throw reason;
}

function tooMany(window: string, seconds: number, policy: string): Refusal {
  return new Refusal(429, codes.refused, `Too many requests this ${window}; try again in ${seconds} s`, {
    'retry-after': String(seconds),
    'ratelimit-policy': policy,
    ratelimit: `"${window}";r=0;t=${seconds}`,
  });
}
