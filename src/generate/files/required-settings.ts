/** Settings without which a service does not start. */
import type { Options, Seam } from '../../model.js';
import { usesRedis } from '../features.js';

/** Their names, each with a value that lets the process start, though it reaches nothing. */
export function requiredSettings(options: Options, seam: Seam): ReadonlyMap<string, string> {
  const values = new Map(
    seam.variables.filter((variable) => variable.required).map(({ name }) => [name, 'placeholder']),
  );
  if (options.auth === 'none') values.set('ALLOW_UNAUTHENTICATED', 'true');
  if (options.auth === 'api-key') values.set('AUTH_API_KEYS', 'ci:only-for-this-check');
  if (options.auth === 'oauth') {
    values.set('AUTH_ISSUER', 'https://id.example.com');
    values.set('AUTH_AUDIENCE', 'https://mcp.example.com/mcp');
  }
  if (usesRedis(options)) values.set('REDIS_URL', 'redis://localhost:6379');
  if (options.database === 'postgres') values.set('DATABASE_URL', 'postgres://ci@localhost:5432/ci');
  return values;
}

/** The same for a command line, where each value is the operator's to fill in; on loopback nobody has to be let in. */
export const startSettings = (options: Options, seam: Seam): readonly string[] =>
  [...requiredSettings(options, seam).keys()]
    .filter((name) => name !== 'ALLOW_UNAUTHENTICATED')
    .map((name) => `${name}=${examples[name] ?? '…'}`);

const examples: Readonly<Record<string, string>> = {
  AUTH_API_KEYS: 'me:a-key-of-16-letters-or-more',
  REDIS_URL: 'redis://127.0.0.1:6379',
};

/** Flags of `docker run` that give them: from the environment of whoever runs it, where they are that one's to say. */
export const containerFlags = (options: Options, seam: Seam): string =>
  [...requiredSettings(options, seam)]
    .map(([name, value]) => ` -e ${name}${name === 'ALLOW_UNAUTHENTICATED' ? `=${value}` : ''}`)
    .join('');
