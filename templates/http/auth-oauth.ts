import type { IncomingMessage } from 'node:http';
import { URL } from 'node:url';
import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose';
import { z } from 'zod';
import type { Caller, Feature, FeatureContext } from './feature.js';
import { codes, Refusal } from './json-rpc.js';
import { ConfigError, list } from './settings.js';

const httpUrl = () => z.string().url();

export const oauthSettings = {
  /** The authorization server, exactly as its tokens name it in `iss`. */
  AUTH_ISSUER: httpUrl(),
  /** What tokens for this service name in `aud`: the public URL of `/mcp` unless the server was told otherwise. */
  AUTH_AUDIENCE: z.string().min(1),
  /** The public URL of `/mcp`, as clients are told it; AUTH_AUDIENCE when that is a URL. */
  AUTH_RESOURCE: httpUrl().optional(),
  /** Where the signing keys are; found through the authorization server's metadata when it is not given. */
  AUTH_JWKS_URL: httpUrl().optional(),
  AUTH_ALGORITHMS: z
    .string()
    .default('RS256,PS256,ES256,EdDSA')
    .transform((value) => value.split(',').map((entry) => entry.trim()))
    // With a shared secret or no signature at all, anybody could write tokens.
    .refine(
      (algorithms) =>
        algorithms.every((name) => /^(?:RS|PS|ES)(?:256|384|512)$|^EdDSA$|^Ed25519$/.test(name)),
      {
        message: 'may only name RS*, PS*, ES*, EdDSA and Ed25519',
      },
    ),
  /** Scopes that every token must have. */
  AUTH_SCOPES: list(),
};

const METADATA_PATH = '/.well-known/oauth-protected-resource';
const CLOCK_TOLERANCE_S = 30;

/** Accepts access tokens of one authorization server for this service (MCP authorization, RFC 9728, RFC 9068). */
export function createOauth({ config, logger }: FeatureContext): Feature {
  const resource = new URL(resourceOf(config.AUTH_RESOURCE, config.AUTH_AUDIENCE));
  const metadataUrl = new URL(METADATA_PATH + (resource.pathname === '/' ? '' : resource.pathname), resource)
    .href;
  const keys = signingKeys(config.AUTH_ISSUER, config.AUTH_JWKS_URL);
  const challenge = challengeFor(metadataUrl, config.AUTH_SCOPES);

  async function authenticate(request: IncomingMessage, caller: Caller): Promise<Caller | Refusal> {
    const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined) return challenge(401, 'Unauthorized: an access token is required');
    // Handlers see the headers of a request; the token is not for anybody else.
    delete request.headers.authorization;
    let claims: JWTPayload;
    try {
      const { payload } = await jwtVerify(token, await keys(), {
        issuer: config.AUTH_ISSUER,
        audience: config.AUTH_AUDIENCE,
        algorithms: config.AUTH_ALGORITHMS,
        clockTolerance: CLOCK_TOLERANCE_S,
        requiredClaims: ['sub', 'exp'],
      });
      claims = payload;
    } catch (error) {
      const fault = faultOf(error);
      if (fault !== undefined) return challenge(401, `Unauthorized: ${fault}`, 'invalid_token', fault);
      logger.error({ event: 'auth_unavailable', reason: String(error) });
      return new Refusal(503, codes.refused, 'The authorization server cannot be reached', {
        'retry-after': '5',
      });
    }
    const scopes = scopesOf(claims);
    const missing = config.AUTH_SCOPES.filter((scope) => !scopes.includes(scope));
    if (missing.length > 0) {
      return challenge(403, `Forbidden: the token lacks ${missing.join(' ')}`, 'insufficient_scope');
    }
    return identify(caller, claims, scopes, resource);
  }

  return {
    name: 'auth-oauth',
    authenticate,
    routes(app): void {
      const document = {
        resource: resource.href,
        authorization_servers: [config.AUTH_ISSUER],
        bearer_methods_supported: ['header'],
        ...(config.AUTH_SCOPES.length > 0 ? { scopes_supported: config.AUTH_SCOPES } : {}),
      };
      for (const path of new Set([METADATA_PATH, new URL(metadataUrl).pathname])) {
        app.get(path, (_request, response) => {
          response.set('access-control-allow-origin', '*').json(document);
        });
      }
    },
  };
}

function resourceOf(given: string | undefined, audience: string): string {
  const resource = given ?? audience;
  if (!/^https?:\/\//.test(resource))
    throw new ConfigError(['AUTH_RESOURCE: required where AUTH_AUDIENCE is not a URL']);
  return resource;
}

/** The subject owns sessions and limits. Handlers get the claims, never the token: it is not for anybody else. */
function identify(caller: Caller, claims: JWTPayload, scopes: string[], resource: URL): Caller {
  const clientId = text(claims['client_id']) ?? text(claims['azp']) ?? claims.sub ?? '';
  return {
    ...caller,
    ...(claims.sub === undefined ? {} : { subject: claims.sub }),
    authInfo: {
      token: '',
      clientId,
      scopes,
      resource,
      ...(claims.exp === undefined ? {} : { expiresAt: claims.exp }),
      extra: { claims },
    },
  };
}

/** What can be wrong with a token, in words that are safe in a header and do not repeat it. */
const faults = [
  [errors.JWTExpired, 'the token has expired'],
  [errors.JWTClaimValidationFailed, 'the token is not meant for this service, or not valid now'],
  [errors.JOSEAlgNotAllowed, 'the signature algorithm is not accepted'],
  [errors.JOSENotSupported, 'the token is of a kind that is not accepted'],
  [errors.JWKSNoMatchingKey, 'the signing key is not known'],
  [errors.JWKSMultipleMatchingKeys, 'the token does not say which key has signed it'],
  [errors.JWSSignatureVerificationFailed, 'the signature is not valid'],
  [errors.JWSInvalid, 'the token is malformed'],
  [errors.JWTInvalid, 'the token is malformed'],
] as const;

/** Whatever is not the token's fault is ours or the authorization server's. */
const faultOf = (error: unknown): string | undefined => faults.find(([type]) => error instanceof type)?.[1];

function challengeFor(metadataUrl: string, scopes: readonly string[]) {
  return (status: 401 | 403, message: string, error?: string, description?: string): Refusal => {
    const parts = [`resource_metadata="${metadataUrl}"`];
    if (error !== undefined) parts.push(`error="${error}"`);
    if (description !== undefined) parts.push(`error_description="${description}"`);
    if (scopes.length > 0) parts.push(`scope="${scopes.join(' ')}"`);
    return new Refusal(status, codes.refused, message, { 'www-authenticate': `Bearer ${parts.join(', ')}` });
  };
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** `scope` is a space-separated string (RFC 8693); some servers send `scp`, as a string or a list. */
function scopesOf(claims: JWTPayload): string[] {
  const raw = claims['scope'] ?? claims['scp'];
  if (Array.isArray(raw)) return raw.filter((entry): entry is string => typeof entry === 'string');
  return typeof raw === 'string' ? raw.split(' ').filter((entry) => entry !== '') : [];
}

type Keys = ReturnType<typeof createRemoteJWKSet>;

/** The key set, looked up on first use and again after a failure, so that start-up needs no network. */
function signingKeys(issuer: string, given: string | undefined): () => Promise<Keys> {
  let found: Promise<Keys> | undefined;
  const find = async (): Promise<Keys> => {
    const url = given ?? (await discoverKeys(issuer));
    // A key that is not known is looked for again, so that keys can be rotated: this often at most, since anybody
    // can make one up.
    return createRemoteJWKSet(new URL(url), { timeoutDuration: 3000, cooldownDuration: 5000 });
  };
  return () => {
    found ??= find().catch((error: unknown) => {
      found = undefined;
      throw error;
    });
    return found;
  };
}

/** RFC 8414 puts the well-known part before the issuer's path, OpenID Connect discovery after it. */
async function discoverKeys(issuer: string): Promise<string> {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  const places = [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}/.well-known/openid-configuration${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ];
  for (const place of places) {
    const response = await fetch(place, { signal: AbortSignal.timeout(3000) });
    const metadata = response.ok ? ((await response.json()) as Record<string, unknown>) : {};
    if (metadata['issuer'] === issuer && typeof metadata['jwks_uri'] === 'string')
      return metadata['jwks_uri'];
  }
  throw new Error(`The metadata of ${issuer} names no jwks_uri; set AUTH_JWKS_URL`);
}
