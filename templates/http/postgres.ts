import { Pool } from 'pg';
import { z } from 'zod';
import type { Feature, FeatureContext } from './feature.js';

export const postgresSettings = {
  DATABASE_URL: z.string().regex(/^postgres(?:ql)?:\/\/\S+$/, 'must be a postgres:// URL'),
  /** How long a caller waits for a connection before it gets an error. */
  DB_CONNECTION_TIMEOUT: z.coerce.number().int().min(1).default(5000),
};

let current: Pool | undefined;

/**
 * The pool of this process, for tools: `import { database } from './http/postgres.js'`. Throws before the
 * service has started, for instance over stdio.
 */
export function database(): Pool {
  if (!current) throw new Error('The database pool is opened by the HTTP service; it is not running');
  return current;
}

/** A bounded pool that survives a restart of the database, and whose state readiness and metrics can see. */
export function createPostgres({ config, logger }: FeatureContext): Feature {
  const pool = new Pool({
    connectionString: config.DATABASE_URL,
    max: config.DB_MAX_CONNECTIONS,
    idleTimeoutMillis: config.DB_IDLE_TIMEOUT,
    connectionTimeoutMillis: config.DB_CONNECTION_TIMEOUT,
    keepAlive: true,
  });
  // Without a listener, an idle connection that the database closes would end the process.
  pool.on('error', (error) => logger.warn({ event: 'database_connection_lost', reason: error.message }));
  current = pool;
  return {
    name: 'postgres',
    async ready(): Promise<void> {
      // Callers that hold every connection prove that the database is there; asking would only queue behind them.
      if (pool.idleCount === 0 && pool.totalCount >= config.DB_MAX_CONNECTIONS) return;
      await pool.query('SELECT 1');
    },
    measure: () =>
      Object.entries({
        total: pool.totalCount,
        idle: pool.idleCount,
        waiting: pool.waitingCount,
      }).map(([state, value]) => ({
        name: 'mcp_database_connections',
        help: 'Connections of the pool, and callers waiting for one',
        labels: { state },
        value,
      })),
    async close(): Promise<void> {
      current = undefined;
      await pool.end();
    },
  };
}
