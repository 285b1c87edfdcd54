import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Options } from '../model.js';

/** How verification gets past the authentication of the service it starts. */
export interface Credentials {
  /** Settings of the service. */
  readonly settings: Readonly<Record<string, string>>;
  /** Headers of a request that is let in. */
  readonly headers: Readonly<Record<string, string>>;
  readonly close: () => Promise<void>;
}

/**
 * Credentials for the chosen kind of authentication, made up for this run; they end with it.
 * @param scopes that the service asks of every token.
 */
export function credentialsFor(auth: Options['auth'], scopes: string): Promise<Credentials> {
  return KINDS[auth](scopes);
}

const KINDS: Readonly<Record<Options['auth'], (scopes: string) => Promise<Credentials>>> = {
  none: async () => ({ settings: {}, headers: {}, close: async () => {} }),
  'api-key': async () => {
    const key = randomBytes(24).toString('hex');
    return {
      settings: { AUTH_API_KEYS: `verify:${key}` },
      headers: { authorization: `Bearer ${key}` },
      close: async () => {},
    };
  },
  oauth: openAuthorizationServer,
};

const AUDIENCE = 'http://127.0.0.1/mcp';

/** An authorization server on loopback, as far as a resource server looks at one: its signing keys. */
async function openAuthorizationServer(scopes: string): Promise<Credentials> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keys = {
    keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'verify', alg: 'ES256', use: 'sig' }],
  };
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', connection: 'close' });
    response.end(JSON.stringify(keys));
  });
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const token = signToken(privateKey, {
    iss: issuer,
    aud: AUDIENCE,
    sub: 'verify',
    scope: scopes.replaceAll(',', ' '),
  });
  return {
    settings: {
      AUTH_ISSUER: issuer,
      AUTH_AUDIENCE: AUDIENCE,
      AUTH_JWKS_URL: `${issuer}/jwks`,
      AUTH_SCOPES: scopes,
    },
    headers: { authorization: `Bearer ${token}` },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A signed token (RFC 7519) that lives for an hour. */
function signToken(key: KeyObject, claims: Readonly<Record<string, string>>): string {
  const now = Math.floor(Date.now() / 1000);
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const head = encode({ alg: 'ES256', typ: 'at+jwt', kid: 'verify' });
  const body = encode({
    ...claims,
    client_id: 'verify',
    iat: now,
    exp: now + 3600,
    jti: randomBytes(8).toString('hex'),
  });
  const signature = sign('sha256', Buffer.from(`${head}.${body}`), { key, dsaEncoding: 'ieee-p1363' });
  return `${head}.${body}.${signature.toString('base64url')}`;
}
