import pg, { type Pool } from 'pg';
import { z } from 'zod';
import type { Feature, FeatureContext } from './feature.js';

export const postgresSettings = {
  DATABASE_URL: z.string().optional(),
  /** How long a caller waits for a connection before it gets an error. */
  DB_CONNECTION_TIMEOUT: z.coerce.number().int().min(1).default(5000),
};

interface PoolOptions {
  max: number;
  idleTimeoutMillis: number;
  connectionTimeoutMillis: number;
  connectionString?: string;
}

/**
 * This project opens pools of its own. Each is given the configured limits (and DATABASE_URL, where nothing says which
 * database it is for) when it is first used, survives a restart of the database, and is seen by readiness and metrics;
 * what the project set in so many words stays.
 */
export function createPostgres({ config, logger }: FeatureContext): Feature {
  const pools = new Set<Pool>();
  const adopt = (pool: Pool): void => {
    pools.add(pool);
    // The pool reads its options anew for every connection.
    const options = pool.options as unknown as PoolOptions;
    if (options.max === POOL_DEFAULTS.max) options.max = config.DB_MAX_CONNECTIONS;
    if (options.idleTimeoutMillis === POOL_DEFAULTS.idleTimeoutMillis) {
      options.idleTimeoutMillis = config.DB_IDLE_TIMEOUT;
    }
    options.connectionTimeoutMillis ||= config.DB_CONNECTION_TIMEOUT;
    if (config.DATABASE_URL && !saysWhere(options)) options.connectionString = config.DATABASE_URL;
    // Without a listener, an idle connection that the database closes would end the process.
    pool.on('error', (error) => logger.warn({ event: 'database_connection_lost', reason: error.message }));
  };
  const release = watchPools((pool) => {
    if (!pools.has(pool)) adopt(pool);
  });
  const open = (): Pool[] => [...pools].filter((pool) => !pool.ending);
  return {
    name: 'postgres',
    async ready(): Promise<void> {
      // Callers that hold every connection prove that the database is there; asking would only queue behind them.
      const free = open().filter((pool) => pool.idleCount > 0 || pool.totalCount < pool.options.max);
      await Promise.all(free.map((pool) => pool.query('SELECT 1')));
    },
    measure: () =>
      Object.entries({
        total: sum(open(), (pool) => pool.totalCount),
        idle: sum(open(), (pool) => pool.idleCount),
        waiting: sum(open(), (pool) => pool.waitingCount),
      }).map(([state, value]) => ({
        name: 'mcp_database_connections',
        help: 'Connections of the pools, and callers waiting for one',
        labels: { state },
        value,
      })),
    async close(): Promise<void> {
      release();
      await Promise.all(open().map((pool) => pool.end()));
    },
  };
}

/** What a pool uses where nothing was said. */
const POOL_DEFAULTS = { max: 10, idleTimeoutMillis: 10_000 };

/** Does the project, or a variable that pg reads itself, say which database it is? */
const saysWhere = (options: object): boolean =>
  ['connectionString', 'host', 'port', 'user', 'database'].some((name) => name in options) ||
  ['PGHOST', 'PGPORT', 'PGUSER', 'PGDATABASE'].some((name) => process.env[name]);

const sum = (pools: readonly Pool[], count: (pool: Pool) => number): number =>
  pools.reduce((total, pool) => total + count(pool), 0);

/** Calls `seen` with every pool just before it hands out a connection; returns how to stop. */
function watchPools(seen: (pool: Pool) => void): () => void {
  const prototype = Object.getPrototypeOf(pg.Pool.prototype) as { connect: (...args: unknown[]) => unknown };
  const connect = prototype.connect;
  prototype.connect = function (this: Pool, ...args: unknown[]): unknown {
    seen(this);
    return connect.apply(this, args);
  };
  return () => {
    prototype.connect = connect;
  };
}
