/** How a project reaches its databases: what the service can configure, and what it can only name. */
import type { Diagnostic, Options, Project } from '../model.js';
import { readPackageFacts } from './files/package-facts.js';

/** Modules that open pools of `pg`, themselves or for whoever imports them. */
const pgPools = ['pg', 'pg-pool', 'drizzle-orm/node-postgres'];

/** Does the project open pools of `pg`? `uses` tells whether its code imports a module. */
export const opensPgPools = (uses: (name: string) => boolean): boolean => pgPools.some(uses);

const clients: ReadonlySet<string> = new Set(
  (
    '@neondatabase/serverless @prisma/client knex kysely mariadb mongodb mongoose mssql mysql mysql2 oracledb ' +
    'postgres sequelize slonik typeorm'
  ).split(' '),
);

/** Packages by which the project opens connections that the service neither limits nor watches. */
export const databaseClients = (project: Project): readonly string[] =>
  Object.keys(readPackageFacts(project).dependencies).filter((name) => clients.has(name));

/** Says so where a pool was chosen for a project that reaches its database in another way. */
export function databaseDiagnostics(
  project: Project,
  { database, out }: Options,
  uses: (name: string) => boolean,
): readonly Diagnostic[] {
  const others = databaseClients(project);
  if (database === 'none' || others.length === 0 || opensPgPools(uses)) return [];
  const args = { clients: others.join(', '), module: `${out}/postgres` };
  return [{ code: 'database-not-wired', args }];
}
