import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { call, post, type Service, type ServiceOptions, startService, until } from '../runtime/service.js';
import { postgresServer } from './programs.js';

let postgres: Awaited<ReturnType<typeof postgresServer>>;
beforeAll(async () => {
  postgres = await postgresServer();
  await postgres.start();
});
afterAll(async () => {
  await postgres.stop();
  postgres.remove();
});

/** Tools that use the pool; `open` says where it comes from. */
const server = (open: string) => `
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { z } from 'zod';
${open}
export function createServer() {
  const server = new McpServer({ name: 'database', version: '1.0.0' });
  server.registerTool('query', { inputSchema: { sql: z.string() } }, async ({ sql }) => {
    const { rows } = await pool().query(sql);
    return { content: [{ type: 'text', text: JSON.stringify(rows) }] };
  });
  return server;
}
`;

const pools = {
  'the service’s own pool': server("import { database as pool } from './http/postgres.js';"),
  'a pool that the project has': server(
    "import { Pool } from 'pg';\nconst own = new Pool({ connectionString: process.env.DATABASE_URL });\nconst pool = () => own;",
  ),
};

const query = async (service: Service, sql: string): Promise<string> =>
  (await post(service, call('query', { sql }))).text();

const ready = async (service: Service): Promise<number> => (await fetch(`${service.url}/readyz`)).status;

describe.each(Object.entries(pools))('PostgreSQL through %s', (_name, text) => {
  const start = async (env: Record<string, string> = {}): Promise<Service> => {
    const given: ServiceOptions = {
      server: text,
      options: { database: 'postgres' },
      env: { DATABASE_URL: postgres.url, ...env },
    };
    const service = await startService(given);
    onTestFinished(() => service.stop());
    return service;
  };
  const connections =
    'SELECT count(*)::int AS n FROM pg_stat_activity WHERE backend_type = $$client backend$$';

  it('opens at most DB_MAX_CONNECTIONS, and closes what is idle', async () => {
    const service = await start({ DB_MAX_CONNECTIONS: '3', DB_IDLE_TIMEOUT: '300' });
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => query(service, 'SELECT pg_sleep(0.1)')),
    );
    expect(answers.filter((answer) => answer.includes('isError'))).toEqual([]);
    const counted = await query(service, connections);
    expect(Number(/\\"n\\":(\d+)/.exec(counted)?.[1])).toBeLessThanOrEqual(3);
    await until(async () => (await query(service, connections)).includes('\\"n\\":1'));
  });

  it('answers with an error in bounded time when every connection is taken', async () => {
    const service = await start({ DB_MAX_CONNECTIONS: '1', DB_CONNECTION_TIMEOUT: '300' });
    const holding = query(service, 'SELECT pg_sleep(2)');
    await new Promise((resolve) => setTimeout(resolve, 200));
    const begun = performance.now();
    expect(await query(service, 'SELECT 1')).toMatch(/timeout.*"isError":true/);
    expect(performance.now() - begun).toBeLessThan(1500);
    expect(await ready(service)).toBe(200);
    expect(await holding).not.toContain('isError');
  });

  it('survives a restart of the database, and readiness follows it', async () => {
    const service = await start();
    expect(await query(service, 'SELECT 1 AS one')).toContain('one');
    expect(await ready(service)).toBe(200);
    await postgres.stop();
    await until(async () => (await ready(service)) === 503);
    const report = await (await fetch(`${service.url}/readyz`)).json();
    expect(report).toMatchObject({ problems: { postgres: expect.any(String) } });
    const health = await (await fetch(`${service.url}/health`)).json();
    expect(health).toMatchObject({ status: 'degraded', problems: { postgres: expect.any(String) } });
    expect(await query(service, 'SELECT 1')).toContain('"isError":true');
    expect((await fetch(`${service.url}/livez`)).status).toBe(200);
    await postgres.start();
    await until(async () => (await ready(service)) === 200);
    expect(await query(service, 'SELECT 2 AS two')).toContain('two');
    service.child.kill('SIGTERM');
    expect(await service.exited()).toBe(0);
  });
});

it('a pool that says nothing of where its database is gets DATABASE_URL', async () => {
  const service = await startService({
    server: server("import pg from 'pg';\nconst own = new pg.Pool();\nconst pool = () => own;"),
    options: { database: 'postgres' },
    env: { DATABASE_URL: postgres.url },
  });
  onTestFinished(() => service.stop());
  expect(await query(service, 'SELECT current_user AS whom')).toContain('\\"whom\\":\\"mcp\\"');
});

it('a missing or malformed DATABASE_URL stops the start and is not repeated', async () => {
  const given = {
    server: pools['the service’s own pool'],
    options: { database: 'postgres' },
    unready: true,
  } as const;
  const missing = await startService(given);
  expect(await missing.exited()).toBe(78);
  expect(missing.log()[0]?.msg).toContain('DATABASE_URL');
  const wrong = await startService({ ...given, env: { DATABASE_URL: 'mysql://root:hunter22@localhost/x' } });
  expect(await wrong.exited()).toBe(78);
  expect(JSON.stringify(wrong.log())).not.toContain('hunter22');
});
