import { createHash } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { describe, expect, it, onTestFinished } from 'vitest';
import { call, post, type Service, type ServiceOptions, startService, until } from '../runtime/service.js';
import { json, serve } from './loopback.js';

const whoami = `
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { z } from 'zod';
export function createServer() {
  const server = new McpServer({ name: 'who', version: '1.0.0' });
  server.registerTool('whoami', {}, ({ authInfo }) => ({ content: [{ type: 'text', text: JSON.stringify(authInfo ?? null) }] }));
  server.registerTool('headers', {}, ({ requestInfo }) => ({ content: [{ type: 'text', text: JSON.stringify(requestInfo.headers) }] }));
  server.registerTool('print', { inputSchema: { text: z.string() } }, ({ text }) => { console.log(text); return { content: [] }; });
  return server;
}
`;

async function start(given: Omit<ServiceOptions, 'server'>): Promise<Service> {
  const service = await startService({ server: whoami, ...given });
  onTestFinished(() => service.stop());
  return service;
}

const authInfo = async (answer: Response): Promise<Record<string, unknown>> => {
  const { result } = (await answer.json()) as { result: { content: { text: string }[] } };
  return JSON.parse(result.content[0]?.text ?? '') as Record<string, unknown>;
};

describe('API keys', () => {
  const digest = createHash('sha256').update('a-key-nobody-stores').digest('hex');
  const keys = `alice:correct-horse-battery,alice:her-second-key-for-rotation,bob:sha256=${digest}`;
  const options = { auth: 'api-key' } as const;

  it('let in who has one, in either header, and tell the handler who it is', async () => {
    const service = await start({ options, env: { AUTH_API_KEYS: keys, HOST: '0.0.0.0' } });
    const local = { ...service, url: service.url.replace('0.0.0.0', '127.0.0.1') } as Service;
    for (const [headers, subject] of [
      [{ authorization: 'Bearer correct-horse-battery' }, 'alice'],
      [{ 'x-api-key': 'her-second-key-for-rotation' }, 'alice'],
      [{ authorization: 'bearer a-key-nobody-stores' }, 'bob'],
    ] as const) {
      const answer = await post(local, call('whoami'), headers);
      expect(answer.status).toBe(200);
      expect(await authInfo(answer)).toMatchObject({ clientId: subject, token: '' });
    }
    await until(() => service.log().some(({ subject }) => subject === 'bob'));
    const logged = JSON.stringify(service.log());
    expect(logged).not.toMatch(/correct-horse|her-second-key|a-key-nobody/);
  });

  it('are shown neither to handlers nor in a log, by whoever prints them', async () => {
    const DATABASE_URL = 'postgres://mcp:open%40sesame@db/x';
    const service = await start({ options, env: { AUTH_API_KEYS: keys, DATABASE_URL } });
    for (const [header, key] of [
      ['authorization', 'Bearer correct-horse-battery'],
      ['x-api-key', 'her-second-key-for-rotation'],
    ] as const) {
      const seen = await (await post(service, call('headers'), { [header]: key })).text();
      expect(seen).toContain('content-type');
      expect(seen).not.toMatch(/correct-horse|her-second-key/);
    }
    // A key of a request goes before one meant for somebody else.
    const both = { 'x-api-key': 'correct-horse-battery', authorization: 'Bearer for-an-upstream' };
    expect(await (await post(service, call('headers'), both)).text()).toContain('for-an-upstream');
    const text = 'her-second-key-for-rotation; open@sesame; authorization: bearer a-token-of-somebody';
    await post(service, call('print', { text }), { 'x-api-key': 'correct-horse-battery' });
    const printed = '[redacted]; [redacted]; authorization: bearer [redacted]';
    await until(() => service.log().some(({ msg }) => msg === printed));
  });

  it('keep everybody else out, with JSON and a challenge', async () => {
    const service = await start({ options, env: { AUTH_API_KEYS: keys } });
    const strangers: Record<string, string>[] = [
      {},
      { authorization: 'Bearer wrong' },
      { authorization: 'Basic YTpi' },
      { authorization: 'Bearer ' },
      { 'x-api-key': digest },
      { 'x-api-key': `sha256=${digest}` },
    ];
    for (const headers of strangers) {
      const answer = await post(service, call('whoami'), headers);
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer realm="mcp"/);
      expect(await answer.json()).toMatchObject({ jsonrpc: '2.0', error: { code: -32000 } });
    }
    expect((await fetch(`${service.url}/livez`)).status).toBe(200);
    const preflight = { origin: service.url, 'access-control-request-method': 'POST' };
    const asked = await fetch(`${service.url}/mcp`, { method: 'OPTIONS', headers: preflight });
    expect(asked.status).toBe(204);
  });

  it.each([
    ['', 'nothing'],
    ['alice', 'no key'],
    ['alice:short', 'a short key'],
    ['al ice:correct-horse-battery', 'a bad subject'],
    ['alice:sha256=abc', 'a bad digest'],
  ])('stop the start when they are %j (%s)', async (value) => {
    const service = await start({ options, env: { AUTH_API_KEYS: value }, unready: true });
    expect(await service.exited()).toBe(78);
    expect(service.log()[0]?.msg).toContain('AUTH_API_KEYS');
  });

  it('are wanted beyond this machine unless the operator says otherwise', async () => {
    const refused = await start({ env: { HOST: '0.0.0.0' }, unready: true });
    expect(await refused.exited()).toBe(78);
    const allowed = await start({ env: { HOST: '0.0.0.0', ALLOW_UNAUTHENTICATED: 'true' } });
    expect(allowed.url).toContain('0.0.0.0');
  });
});

describe('OAuth access tokens', () => {
  /** An authorization server with one signing key, and a service that trusts it. */
  async function authority(env: Record<string, string> = {}) {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const other = await generateKeyPair('ES256');
    const key = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' };
    const server = await serve(({ path }, response) => {
      if (path === '/jwks') json(response, 200, { keys: [key] });
      else if (path === '/.well-known/oauth-authorization-server/tenant') {
        json(response, 200, { issuer: `${server.url}/tenant`, jwks_uri: `${server.url}/jwks` });
      } else json(response, 404, {});
    });
    const issuer = `${server.url}/tenant`;
    const audience = 'https://mcp.example.com/mcp';
    const service = await start({
      options: { auth: 'oauth' },
      env: { AUTH_ISSUER: issuer, AUTH_AUDIENCE: audience, AUTH_SCOPES: 'mcp:read', ...env },
    });
    const claims = {
      iss: issuer,
      aud: audience,
      sub: 'alice',
      client_id: 'app',
      scope: 'mcp:read mcp:write',
    };
    const sign = (more: object = {}, with_ = privateKey, header: object = {}) =>
      new SignJWT({ exp: Math.floor(Date.now() / 1000) + 300, ...claims, ...more })
        .setProtectedHeader({ alg: 'ES256', kid: 'k1', ...header })
        .sign(with_);
    const ask = (token?: string) =>
      post(service, call('whoami'), token === undefined ? {} : { authorization: `Bearer ${token}` });
    return { service, server, sign, ask, other: other.privateKey, issuer, audience };
  }

  it('let in who has one for this service; handlers get the claims and never the token', async () => {
    const { service, sign, ask, server } = await authority();
    const token = await sign();
    const answer = await ask(token);
    expect(answer.status).toBe(200);
    const info = await authInfo(answer);
    expect(info).toMatchObject({ clientId: 'app', scopes: ['mcp:read', 'mcp:write'], token: '' });
    expect(info).toMatchObject({
      resource: 'https://mcp.example.com/mcp',
      extra: { claims: { sub: 'alice' } },
    });
    const headers = { authorization: `Bearer ${token}` };
    const seen = await (await post(service, call('headers'), headers)).text();
    expect(seen).toContain('content-type');
    expect(seen).not.toContain(token);
    expect(JSON.stringify(service.log())).not.toContain(token);
    await Promise.all(
      Array.from({ length: 20 }, async () => expect((await ask(await sign())).status).toBe(200)),
    );
    expect(server.asked.filter(({ path }) => path === '/jwks')).toHaveLength(1);
  });

  it('are refused when they are expired, for somebody else, or not signed as they must be', async () => {
    const { sign, ask, other } = await authority();
    const now = Math.floor(Date.now() / 1000);
    const [header, payload] = (await sign()).split('.');
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`;
    const hmac = await new SignJWT({ sub: 'alice' })
      .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
      .sign(new TextEncoder().encode('a shared secret of thirty-two bytes'));
    const faults: Record<string, string> = {
      expired: await sign({ exp: now - 60 }),
      'not yet valid': await sign({ nbf: now + 300 }),
      'wrong audience': await sign({ aud: 'https://other.example.com' }),
      'wrong issuer': await sign({ iss: 'https://evil.example.com' }),
      'another key': await sign({}, other),
      'unknown key': await sign({}, other, { kid: 'k2' }),
      'no subject': await sign({ sub: undefined }),
      'no expiry': await sign({ exp: undefined }),
      'algorithm none': unsigned,
      'symmetric algorithm': hmac,
      garbage: 'abc.def.ghi',
      'changed payload': `${header}.${Buffer.from('{"sub":"root"}').toString('base64url')}.AAAA`,
    };
    for (const [fault, token] of Object.entries(faults)) {
      const answer = await ask(token);
      expect(answer.status, fault).toBe(401);
      const challenge = answer.headers.get('www-authenticate');
      expect(challenge, fault).toMatch(
        /^Bearer resource_metadata="https:\/\/mcp\.example\.com\/\.well-known\//,
      );
      expect(challenge, fault).toContain('error="invalid_token"');
      expect(await answer.json(), fault).toMatchObject({ jsonrpc: '2.0', error: { code: -32000 } });
    }
  });

  it('are refused when they are signed in a way that the operator has not allowed', async () => {
    const { sign, ask } = await authority({ AUTH_ALGORITHMS: 'RS256' });
    const answer = await ask(await sign());
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toContain('the signature algorithm is not accepted');
  });

  it('are asked for where there is none, and for more scope where there is too little', async () => {
    const { sign, ask } = await authority();
    const none = await ask();
    expect(none.status).toBe(401);
    expect(none.headers.get('www-authenticate')).toBe(
      'Bearer resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp", scope="mcp:read"',
    );
    const little = await ask(await sign({ scope: 'openid' }));
    expect(little.status).toBe(403);
    expect(little.headers.get('www-authenticate')).toContain('error="insufficient_scope"');
  });

  it('may be signed by a key that is newer than the service', async () => {
    const old = await generateKeyPair('ES256');
    const next = await generateKeyPair('ES256');
    const published = async (kid: string, { publicKey }: typeof old) => ({
      ...(await exportJWK(publicKey)),
      ...{ kid, alg: 'ES256', use: 'sig' },
    });
    let keys = [await published('old', old)];
    const server = await serve((_asked, response) => json(response, 200, { keys }));
    const env = {
      AUTH_ISSUER: 'https://id.example.com',
      AUTH_AUDIENCE: 'https://mcp.example.com/mcp',
      AUTH_JWKS_URL: server.url,
    };
    const service = await start({ options: { auth: 'oauth' }, env });
    const ask = async (kid: string, { privateKey }: typeof old) => {
      const token = await new SignJWT({ sub: 'alice' })
        .setProtectedHeader({ alg: 'ES256', kid })
        .setIssuer(env.AUTH_ISSUER)
        .setAudience(env.AUTH_AUDIENCE)
        .setExpirationTime('5m')
        .sign(privateKey);
      return (await post(service, call('whoami'), { authorization: `Bearer ${token}` })).status;
    };
    expect(await ask('old', old)).toBe(200);
    keys = [await published('next', next)];
    // Not at once: whoever makes keys up must not send us to the authorization server each time.
    await until(async () => (await ask('next', next)) === 200);
    expect(await ask('old', old)).toBe(401);
  });

  it('are described by metadata that anybody may read (RFC 9728)', async () => {
    const { service, issuer, audience } = await authority();
    for (const path of ['', '/mcp']) {
      const answer = await fetch(`${service.url}/.well-known/oauth-protected-resource${path}`);
      expect(answer.status).toBe(200);
      expect(await answer.json()).toEqual({
        resource: audience,
        authorization_servers: [issuer],
        bearer_methods_supported: ['header'],
        scopes_supported: ['mcp:read'],
      });
    }
  });

  it('cannot be judged while the authorization server is away: 503, and later again', async () => {
    let away = true;
    const { publicKey, privateKey } = await generateKeyPair('RS256');
    const key = { ...(await exportJWK(publicKey)), alg: 'RS256' };
    const server = await serve((_asked, response) => json(response, away ? 500 : 200, { keys: [key] }));
    const env = {
      AUTH_ISSUER: 'https://id.example.com',
      AUTH_AUDIENCE: 'x',
      AUTH_RESOURCE: 'https://mcp.example.com/mcp',
    };
    const service = await start({ options: { auth: 'oauth' }, env: { ...env, AUTH_JWKS_URL: server.url } });
    const token = await new SignJWT({ sub: 'alice' })
      .setProtectedHeader({ alg: 'RS256' })
      .setIssuer(env.AUTH_ISSUER)
      .setAudience('x')
      .setExpirationTime('5m')
      .sign(privateKey);
    const ask = () => post(service, call('whoami'), { authorization: `Bearer ${token}` });
    expect((await ask()).status).toBe(503);
    away = false;
    expect((await ask()).status).toBe(200);
  });

  it('stop the start when the configuration would let anybody write them', async () => {
    const env = { AUTH_ISSUER: 'https://id.example.com', AUTH_AUDIENCE: 'https://mcp.example.com/mcp' };
    const options = { auth: 'oauth' } as const;
    const weak = await start({ options, env: { ...env, AUTH_ALGORITHMS: 'RS256,HS256' }, unready: true });
    expect(await weak.exited()).toBe(78);
    const vague = await start({ options, env: { ...env, AUTH_AUDIENCE: 'mcp' }, unready: true });
    expect(await vague.exited()).toBe(78);
    expect(JSON.stringify(vague.log())).toContain('AUTH_RESOURCE');
  });
});
