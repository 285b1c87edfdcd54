import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import type { Caller, Feature, FeatureContext } from './feature.js';
import { codes, Refusal } from './json-rpc.js';

/**
 * `AUTH_API_KEYS` is a comma-separated list of `subject:key`, or `subject:sha256=<hex>` where not even the
 * environment should hold the key itself. Several keys may name one subject, so that keys can be rotated.
 */
export const apiKeySettings = {
  AUTH_API_KEYS: z
    .string()
    .transform((value) => value.split(',').map((entry) => entry.trim()))
    .transform((entries) => entries.filter((entry) => entry !== ''))
    .refine((entries) => entries.length > 0 && entries.every(isEntry), {
      message: 'must be subject:key[,subject:key…] with keys of 16 characters or more (or sha256=<hex>)',
    })
    .transform((entries) => entries.map(readKey)),
};

interface ApiKey {
  readonly subject: string;
  readonly digest: Buffer;
}

const SHORTEST_KEY = 16;

function isEntry(entry: string): boolean {
  const [subject = '', key = ''] = splitEntry(entry);
  if (!/^[\w.@-]{1,64}$/.test(subject)) return false;
  return key.startsWith('sha256=') ? /^sha256=[0-9a-f]{64}$/i.test(key) : key.length >= SHORTEST_KEY;
}

function splitEntry(entry: string): [string, string] {
  const colon = entry.indexOf(':');
  return [entry.slice(0, Math.max(colon, 0)), entry.slice(colon + 1)];
}

const digestOf = (key: string): Buffer => createHash('sha256').update(key).digest();

function readKey(entry: string): ApiKey {
  const [subject, key] = splitEntry(entry);
  return { subject, digest: key.startsWith('sha256=') ? Buffer.from(key.slice(7), 'hex') : digestOf(key) };
}

/** Takes the key out of a request: `X-API-Key: <key>` or `Authorization: Bearer <key>`. */
function takeKey({ headers }: IncomingMessage): string | undefined {
  const { 'x-api-key': own, authorization = '' } = headers;
  const inOwnHeader = typeof own === 'string' && own !== '';
  const key = inOwnHeader ? own : /^Bearer +(\S+)$/i.exec(authorization)?.[1];
  if (key !== undefined) delete headers[inOwnHeader ? 'x-api-key' : 'authorization'];
  return key;
}

/** Lets in who presents a known key; the key's subject owns sessions and limits. */
export function createApiKeyAuth({ config }: FeatureContext): Feature {
  const keys: readonly ApiKey[] = config.AUTH_API_KEYS;
  return {
    name: 'auth-api-key',
    authenticate(request: IncomingMessage, caller: Caller): Caller | Refusal {
      const presented = takeKey(request);
      if (presented === undefined) return challenge('Unauthorized: an API key is required');
      const digest = digestOf(presented);
      // Every key is compared, in constant time, so that the answer's delay tells nothing about any of them.
      let subject: string | undefined;
      for (const key of keys) if (timingSafeEqual(key.digest, digest)) subject = key.subject;
      if (subject === undefined) return challenge('Unauthorized: unknown API key', ', error="invalid_token"');
      // The key itself goes no further: handlers learn who it is, and cannot pass it on.
      return { ...caller, subject, authInfo: { token: '', clientId: subject, scopes: [] } };
    },
  };
}

const challenge = (message: string, error = ''): Refusal =>
  new Refusal(401, codes.refused, message, { 'www-authenticate': `Bearer realm="mcp"${error}` });
