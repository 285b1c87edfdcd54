import { resolveReferences } from './secret-references.js';

/**
 * `ssm:/path/of/parameter`, `secretsmanager:name` and `secretsmanager:name#key`. Region and credentials come from
 * the environment or the machine's role, as the AWS SDK finds them everywhere. The SDK is loaded only when a
 * setting refers to it.
 */
export function resolveAwsSecrets(environment: NodeJS.ProcessEnv): Promise<readonly string[]> {
  return resolveReferences(environment, { ssm: readParameter, secretsmanager: readSecret });
}

async function readParameter(name: string): Promise<string | undefined> {
  const { GetParameterCommand, SSMClient } = await import('@aws-sdk/client-ssm');
  const client = new SSMClient({ maxAttempts: 3 });
  try {
    const answer = await client.send(new GetParameterCommand({ Name: name, WithDecryption: true }));
    return answer.Parameter?.Value;
  } finally {
    client.destroy();
  }
}

async function readSecret(id: string): Promise<string | undefined> {
  const { GetSecretValueCommand, SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager');
  const client = new SecretsManagerClient({ maxAttempts: 3 });
  try {
    const answer = await client.send(new GetSecretValueCommand({ SecretId: id }));
    return answer.SecretString ?? (answer.SecretBinary && Buffer.from(answer.SecretBinary).toString('utf8'));
  } finally {
    client.destroy();
  }
}
