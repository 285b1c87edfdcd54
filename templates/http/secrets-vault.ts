import { readFileSync } from 'node:fs';
import { resolveReferences } from './secret-references.js';

/** An answer of Vault that is not the secret; only the status is told, never the body. */
class VaultError extends Error {
  override readonly name: string;

  constructor(what: string) {
    super(what);
    this.name = what;
  }
}

/**
 * `vault:path/of/secret#key` in a KV version 2 engine. VAULT_ADDR says where Vault is, VAULT_MOUNT (`secret`) which
 * engine, VAULT_NAMESPACE which namespace. The token is VAULT_TOKEN, a file named by VAULT_TOKEN_FILE (as the Vault
 * agent writes it), or is asked for with this pod's service account where VAULT_ROLE names a Kubernetes role
 * (VAULT_JWT_FILE, where the account's token is not in its usual place).
 */
export function resolveVaultSecrets(environment: NodeJS.ProcessEnv): Promise<readonly string[]> {
  let token: Promise<string> | undefined;
  return resolveReferences(environment, {
    vault: async (path) => {
      token ??= vaultToken(environment);
      const mount = environment['VAULT_MOUNT'] ?? 'secret';
      const answer = await ask(environment, `${mount}/data/${encodePath(path)}`, {
        headers: { 'x-vault-token': await token },
      });
      return (answer['data'] as { data?: unknown } | undefined)?.data;
    },
  });
}

const encodePath = (path: string): string =>
  path.replace(/^\/+/, '').split('/').map(encodeURIComponent).join('/');

async function vaultToken(environment: NodeJS.ProcessEnv): Promise<string> {
  const given = environment['VAULT_TOKEN'];
  if (given) return given;
  const file = environment['VAULT_TOKEN_FILE'];
  if (file) return readFileSync(file, 'utf8').trim();
  const role = environment['VAULT_ROLE'];
  if (!role) throw new VaultError('no VAULT_TOKEN, VAULT_TOKEN_FILE or VAULT_ROLE');
  const account = environment['VAULT_JWT_FILE'] ?? '/var/run/secrets/kubernetes.io/serviceaccount/token';
  const jwt = readFileSync(account, 'utf8').trim();
  const answer = await ask(environment, `auth/${environment['VAULT_AUTH_MOUNT'] ?? 'kubernetes'}/login`, {
    method: 'POST',
    body: JSON.stringify({ role, jwt }),
  });
  const token = (answer['auth'] as { client_token?: string } | undefined)?.client_token;
  if (!token) throw new VaultError('Vault gave no token');
  return token;
}

async function ask(
  environment: NodeJS.ProcessEnv,
  path: string,
  init: RequestInit,
): Promise<Record<string, unknown>> {
  const address = environment['VAULT_ADDR'];
  if (!address) throw new VaultError('VAULT_ADDR is not set');
  const headers = new Headers(init.headers);
  const namespace = environment['VAULT_NAMESPACE'];
  if (namespace) headers.set('x-vault-namespace', namespace);
  const url = `${address.replace(/\/$/, '')}/v1/${path}`;
  const response = await fetch(url, { ...init, headers, signal: AbortSignal.timeout(5000) }).catch(() => {
    throw new VaultError('Vault cannot be reached');
  });
  if (!response.ok) throw new VaultError(`Vault answered ${response.status}`);
  return (await response.json()) as Record<string, unknown>;
}
