import { createClient } from 'redis';
import { z } from 'zod';
import type { Config } from './config.js';
import type { Feature, FeatureContext } from './feature.js';
import { flag } from './settings.js';

export const redisSettings = {
  REDIS_URL: z.string().regex(/^rediss?:\/\/\S+$/, 'must be a redis:// or rediss:// URL'),
  /** Keeps several services apart in one Redis. */
  REDIS_PREFIX: z.string().default('mcp'),
  /** Take no requests while Redis is away, instead of carrying on with what this process knows. */
  REDIS_REQUIRED: flag(false),
};

export type RedisClient = ReturnType<typeof openClient>;

export interface Redis {
  readonly client: RedisClient;
  /** The prefixed name of a key. */
  key(...parts: string[]): string;
  /** The result of `command`, or a rejection after `milliseconds`: a Redis that hangs must not hang us. */
  within<T>(command: (client: RedisClient) => Promise<T>, milliseconds?: number): Promise<T>;
}

const connections = new WeakMap<Config, Redis>();

/** The connection that every part of the service shares. Throws when the redis feature was not created first. */
export function redisOf(config: Config): Redis {
  const redis = connections.get(config);
  if (!redis) throw new Error('The redis feature has to come before the features that use it');
  return redis;
}

const COMMAND_TIMEOUT_MS = 500;
const START_TIMEOUT_MS = 2000;
/** Nothing heard for so long, although something was asked: the connection is given up for a new one. */
const LONGEST_SILENCE_MS = 2000;

/** One Redis connection, which comes back by itself; without it the service starts and goes on. */
export async function createRedis({ config, logger }: FeatureContext): Promise<Feature> {
  const client = openClient(config.REDIS_URL);
  let away = false;
  const lost = (reason: string): void => {
    if (!away) logger.warn({ event: 'redis_away', reason }, 'Redis is away');
    away = true;
  };
  client.on('error', (error: Error) => lost(error.message));
  client.on('ready', () => {
    if (away) logger.info({ event: 'redis_back' }, 'Redis is back');
    away = false;
  });
  const listen = createListener(() => {
    if (!client.isReady) return;
    lost(`no answer for ${LONGEST_SILENCE_MS} ms`);
    // What waits for an answer is let go with the connection.
    client.destroy();
    client.connect().catch(() => undefined);
  });
  const within: Redis['within'] = (command, milliseconds = COMMAND_TIMEOUT_MS) =>
    bounded(() => listen(command(client)), milliseconds);
  connections.set(config, { client, key: (...parts) => [config.REDIS_PREFIX, ...parts].join(':'), within });
  // Connecting goes on in the background for as long as it takes.
  const connected = client.connect().then(
    () => undefined,
    () => undefined,
  );
  await bounded(() => connected, START_TIMEOUT_MS).catch(() => undefined);
  return {
    name: 'redis',
    async ready(): Promise<void> {
      if (config.REDIS_REQUIRED) await within(() => client.ping());
    },
    measure: () => [
      { name: 'mcp_redis_up', help: 'Whether Redis answers', value: client.isReady && !away ? 1 : 0 },
    ],
    async close(): Promise<void> {
      if (client.isReady) await bounded(() => client.close(), START_TIMEOUT_MS).catch(() => client.destroy());
      else client.destroy();
    },
  };
}

const openClient = (url: string) =>
  createClient({
    url,
    // While Redis is away commands fail at once instead of piling up in memory.
    disableOfflineQueue: true,
    pingInterval: 2000,
    socket: {
      connectTimeout: 1000,
      socketTimeout: 6000,
      reconnectStrategy: (attempt) => Math.min(100 * 2 ** attempt, 2000) + Math.random() * 100,
    },
  });

/**
 * Watches whether commands are answered at all, and calls `onSilence` when none is. The client does not see it by
 * itself while it is busy: a socket that is written to is not idle.
 */
function createListener(onSilence: () => void): <T>(answer: Promise<T>) => Promise<T> {
  let waiting: NodeJS.Timeout | undefined;
  const heard = (): void => {
    clearTimeout(waiting);
    waiting = undefined;
  };
  return (answer) => {
    waiting ??= setTimeout(() => {
      waiting = undefined;
      onSilence();
    }, LONGEST_SILENCE_MS).unref();
    answer.then(heard, heard);
    return answer;
  };
}

async function bounded<T>(work: () => Promise<T>, milliseconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`Redis did not answer within ${milliseconds} ms`)),
      milliseconds,
    );
  });
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}
