import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { call, post, type Service, startService, until } from '../runtime/service.js';
import { generate, temporaryDirectory, textOf, writeFiles } from './generated.js';
import { json, serve } from './loopback.js';

/** Tells what the server itself reads, so that a test can see what arrived. */
const reader = `
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
export function createServer() {
  const server = new McpServer({ name: 'reader', version: '1.0.0' });
  server.registerTool('read', {}, () => {
    console.log('the secret is', process.env.WEATHER_KEY);
    return { content: [{ type: 'text', text: String(process.env.WEATHER_KEY) }] };
  });
  return server;
}
`;
const at = { file: 'src/index.ts', line: 1, column: 1 };
const seam = { variables: [{ name: 'WEATHER_KEY', at, required: true, secret: true }] };

async function start(
  secrets: 'env' | 'file' | 'aws' | 'vault',
  env: Record<string, string>,
  unready = false,
): Promise<Service> {
  const service = await startService({ server: reader, seam, options: { secrets }, env, unready });
  onTestFinished(() => service.stop());
  return service;
}

/** The secret reaches the server, and no log line. */
async function expectSecret(service: Service, secret: string): Promise<void> {
  expect(await (await post(service, call('read'))).text()).toContain(secret);
  const logged = () => JSON.stringify(service.log());
  await until(() => logged().includes('mcp_tool_call'));
  expect(logged()).toContain('the secret is [redacted]');
  expect(logged()).not.toContain(secret);
}

/** The start ended with the configuration's exit code and a line that has all of `said`. */
async function expectRefusal(service: Service, said: readonly string[], never: string): Promise<void> {
  expect(await service.exited()).toBe(78);
  const logged = JSON.stringify(service.log()) + service.stderr();
  for (const words of said) expect(logged).toContain(words);
  expect(logged).not.toContain(never);
}

/**
 * What compose.yaml gives to a replica: its settings, the references that they are asked for, and files with the secrets
 * that it mounts.
 */
function composed(secrets: 'aws' | 'vault', mounted: Record<string, string>): Record<string, string> {
  const compose = parse(textOf(generate({ options: { secrets, compose: true }, seam }), 'compose.yaml')) as {
    readonly 'x-server': { readonly secrets: readonly string[] };
    readonly 'x-environment': Record<string, string>;
  };
  expect(compose['x-server'].secrets).toEqual(Object.keys(mounted));
  const folder = temporaryDirectory();
  writeFiles(folder, Object.entries(mounted));
  return Object.fromEntries(
    Object.entries(compose['x-environment']).map(([name, value]) => [
      name,
      value.replace('/run/secrets', folder).replace(/^\$\{\w+:[?-](.+)\}$/, '$1'),
    ]),
  );
}

describe('secrets in files', () => {
  it('are read from X_FILE, without the line break at the end', async () => {
    const folder = temporaryDirectory();
    writeFiles(folder, [['key', 'from-a-file-1234\n']]);
    await expectSecret(await start('file', { WEATHER_KEY_FILE: `${folder}/key` }), 'from-a-file-1234');
  });

  it('stop the start when the file is not there', async () => {
    const service = await start('file', { WEATHER_KEY_FILE: '/nonexistent/key' }, true);
    await expectRefusal(service, ['WEATHER_KEY_FILE', '/nonexistent/key', 'ENOENT'], 'from-a-file');
  });
});

describe('secrets in AWS', () => {
  /** Answers as Systems Manager and Secrets Manager do (JSON 1.1, the operation in a header). */
  const aws = () =>
    serve(({ headers, body }, response) => {
      const reply = (status: number, answer: object) =>
        json(response, status, answer, 'application/x-amz-json-1.1');
      const { Name, SecretId, WithDecryption } = JSON.parse(body) as Record<string, unknown>;
      if (headers['x-amz-target'] === 'AmazonSSM.GetParameter') {
        if (Name === '/weather/key' && WithDecryption) {
          reply(200, { Parameter: { Name, Type: 'SecureString', Value: 'from-ssm-12345678', Version: 3 } });
        } else reply(400, { __type: 'ParameterNotFound', message: 'hush-hush' });
      } else if (headers['x-amz-target'] === 'secretsmanager.GetSecretValue') {
        if (SecretId === 'weather')
          reply(200, { Name: SecretId, SecretString: '{"key":"from-sm-12345678"}' });
        else if (SecretId === 'plain') reply(200, { Name: SecretId, SecretString: 'not json: hush-hush' });
        else reply(400, { __type: 'ResourceNotFoundException', Message: 'hush-hush' });
      } else reply(400, { __type: 'UnknownOperationException' });
    });
  const env = (url: string, reference: string) => ({
    AWS_ENDPOINT_URL: url,
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'example',
    WEATHER_KEY: reference,
  });

  it('are read from the Parameter Store, decrypted, with a signed request', async () => {
    const { url, asked } = await aws();
    await expectSecret(await start('aws', env(url, 'ssm:/weather/key')), 'from-ssm-12345678');
    expect(asked).toHaveLength(1);
    expect(asked[0]?.headers.authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE\/\d+\/eu-central-1\/ssm\//,
    );
  });

  it('are read from Secrets Manager, one key of several', async () => {
    const { url } = await aws();
    await expectSecret(await start('aws', env(url, 'secretsmanager:weather#key')), 'from-sm-12345678');
  });

  it('are read by what compose.yaml gives to a replica', async () => {
    const { url, asked } = await aws();
    const credentials = '[default]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = example\n';
    const given = composed('aws', { aws_credentials: credentials });
    expect(given.WEATHER_KEY).toBe('ssm:/weather-server/weather_key');
    const service = await start('aws', {
      ...given,
      HOST: '127.0.0.1',
      AWS_ENDPOINT_URL: url,
      WEATHER_KEY: 'ssm:/weather/key',
    });
    await expectSecret(service, 'from-ssm-12345678');
    expect(asked[0]?.headers.authorization).toMatch(/^AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/);
  });

  it.each([
    ['ssm:/weather/none', 'ParameterNotFound'],
    ['secretsmanager:none', 'ResourceNotFoundException'],
    ['secretsmanager:weather#nokey', 'no such key'],
    ['secretsmanager:plain#key', 'not JSON'],
  ])('stop the start when %s cannot be had, and say which setting it was for', async (reference, reason) => {
    const { url } = await aws();
    const service = await start('aws', env(url, reference), true);
    await expectRefusal(service, ['WEATHER_KEY', reference, reason], 'hush-hush');
  });
});

describe('secrets in Vault', () => {
  const token = 'hvs.example-token';
  const vault = () =>
    serve(({ path, headers, method, body }, response) => {
      if (path === '/v1/auth/kubernetes/login') {
        const isKnown = body === JSON.stringify({ role: 'weather', jwt: 'of-the-account' });
        json(response, isKnown ? 200 : 403, isKnown ? { auth: { client_token: token } } : { errors: [] });
      } else if (method === 'GET' && headers['x-vault-token'] !== token)
        json(response, 403, { errors: ['permission denied'] });
      else if (path === '/v1/secret/data/team/weather') {
        json(response, 200, { data: { data: { key: 'from-vault-12345' }, metadata: { version: 2 } } });
      } else json(response, 404, { errors: ['hush-hush'] });
    });
  const env = (url: string, reference: string, more: Record<string, string> = {}) => ({
    VAULT_ADDR: url,
    VAULT_TOKEN: token,
    WEATHER_KEY: reference,
    ...more,
  });

  it('are read from a KV engine of version 2', async () => {
    const { url, asked } = await vault();
    const service = await start('vault', env(url, 'vault:team/weather#key', { VAULT_NAMESPACE: 'acme' }));
    await expectSecret(service, 'from-vault-12345');
    expect(asked.map(({ path }) => path)).toEqual(['/v1/secret/data/team/weather']);
    expect(asked[0]?.headers['x-vault-namespace']).toBe('acme');
  });

  it('are read with a token that an agent has written into a file', async () => {
    const { url } = await vault();
    const folder = temporaryDirectory();
    writeFiles(folder, [['token', `${token}\n`]]);
    const given = env(url, 'vault:team/weather#key', {
      VAULT_TOKEN: '',
      VAULT_TOKEN_FILE: `${folder}/token`,
    });
    await expectSecret(await start('vault', given), 'from-vault-12345');
  });

  it('are read with a token for the role of the pod’s account', async () => {
    const { url } = await vault();
    const folder = temporaryDirectory();
    writeFiles(folder, [['jwt', 'of-the-account\n']]);
    const given = (VAULT_ROLE: string) =>
      env(url, 'vault:team/weather#key', { VAULT_TOKEN: '', VAULT_ROLE, VAULT_JWT_FILE: `${folder}/jwt` });
    await expectSecret(await start('vault', given('weather')), 'from-vault-12345');
    const stranger = await start('vault', given('other'), true);
    await expectRefusal(stranger, ['WEATHER_KEY', 'Vault answered 403'], 'of-the-account');
  });

  it('are read by what compose.yaml gives to a replica', async () => {
    const { url } = await vault();
    const given = composed('vault', { vault_token: token });
    expect(given.WEATHER_KEY).toBe('vault:weather-server#weather_key');
    const reference = 'vault:team/weather#key';
    await expectSecret(
      await start('vault', { ...given, HOST: '127.0.0.1', VAULT_ADDR: url, WEATHER_KEY: reference }),
      'from-vault-12345',
    );
  });

  it.each([
    ['vault:team/none#key', {}, 'Vault answered 404'],
    ['vault:team/weather#none', {}, 'no such key'],
    ['vault:team/weather', {}, 'name one with #key'],
    ['vault:team/weather#key', { VAULT_TOKEN: 'hvs.wrong' }, 'Vault answered 403'],
    ['vault:team/weather#key', { VAULT_ADDR: 'http://127.0.0.1:1' }, 'Vault cannot be reached'],
  ])('stop the start when %s cannot be had with %j: %s', async (reference, more, reason) => {
    const { url } = await vault();
    const service = await start('vault', env(url, reference, more as Record<string, string>), true);
    await expectRefusal(service, ['WEATHER_KEY', reference, reason], token);
  });
});
