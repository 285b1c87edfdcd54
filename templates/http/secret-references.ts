import { ConfigError } from './settings.js';

/** A setting whose value says where the secret is kept: `<store>:<id>`, or `<store>:<id>#<key>` of a JSON secret. */
interface Reference {
  readonly name: string;
  readonly store: string;
  readonly id: string;
  readonly key: string | undefined;
}

/** Reads the secret with this id; a string, or an object that has the keys. */
export type SecretReader = (id: string) => Promise<unknown>;

const TIMEOUT_MS = 10_000;

/**
 * Replaces references in the environment by the secrets they name. Throws a `ConfigError` with the setting and the
 * reference of each one that cannot be had; a secret's value is never part of a message. Returns the settings that
 * now hold a secret.
 */
export async function resolveReferences(
  environment: NodeJS.ProcessEnv,
  readers: Readonly<Record<string, SecretReader>>,
): Promise<readonly string[]> {
  const references = Object.entries(environment).flatMap(([name, value]) =>
    parseReference(name, value, readers),
  );
  const reads = new Map<string, Promise<unknown>>();
  const problems: string[] = [];
  for (const { name, store, id, key } of references) {
    const place = `${store}:${id}`;
    try {
      const read = reads.get(place) ?? bounded(readers[store]?.(id));
      reads.set(place, read);
      environment[name] = pick(await read, key);
    } catch (error) {
      problems.push(
        `${name}: ${place}${key === undefined ? '' : `#${key}`} cannot be read (${reasonOf(error)})`,
      );
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return references.map(({ name }) => name);
}

function parseReference(
  name: string,
  value: string | undefined,
  readers: Readonly<Record<string, SecretReader>>,
): Reference[] {
  const [, store, id, key] = /^([a-z]+):([^#\s]+)(?:#(\S+))?$/.exec(value ?? '') ?? [];
  return store && id && Object.hasOwn(readers, store) ? [{ name, store, id, key }] : [];
}

class Missing extends Error {}

function pick(secret: unknown, key: string | undefined): string {
  if (key === undefined) {
    if (typeof secret === 'string' && secret !== '') return secret;
    throw new Missing(secret === undefined ? 'it has no value' : 'it has several values; name one with #key');
  }
  const fields = typeof secret === 'string' ? parseObject(secret) : secret;
  const value = (fields as Record<string, unknown> | undefined)?.[key];
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw new Missing('it has no such key');
}

function parseObject(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message would quote the secret.
    throw new Missing('it is not JSON');
  }
}

/** Error names such as AccessDeniedException say what is wrong; messages of other programs may say too much. */
function reasonOf(error: unknown): string {
  if (error instanceof Missing) return error.message;
  const { name, code } = error as { name?: string; code?: string };
  return code ?? name ?? 'unknown error';
}

async function bounded(work: Promise<unknown> | undefined): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Missing(`no answer within ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
