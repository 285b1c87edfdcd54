/** What the deployment files (compose, Kubernetes, balancers, alerts, README section) are rendered from. */
import type { CredentialHeader, EnvRead, Inspection, Options, Project, Seam } from '../../model.js';
import { databaseClients } from '../databases.js';
import { usesRedis } from '../features.js';
import { alertRules } from './alert-rules.js';
import { deploymentName, memberDirectory, readPackageFacts } from './package-facts.js';
import { containerFlags, startSettings } from './required-settings.js';

/** A setting that has to be given; `hint` says what, in words that can stand in a comment. */
interface Setting {
  readonly name: string;
  /** Name of the file that holds it where secrets are files: `database_url`. */
  readonly file: string;
  readonly hint: string;
}

/** The value as compose reads it from its own environment, and refuses to start without it. */
const demanded = ({ name, hint }: Setting): string => `\${${name}:?${hint}}`;

export interface DeploymentContext {
  readonly name: string;
  readonly packageName: string;
  /** Where the project is inside its workspace, and the way to the workspace's root; empty outside of one. */
  readonly member: string;
  readonly workspaceRoot: string;
  readonly stateful: boolean;
  /** Every session has a worker of its own. */
  readonly workers: boolean;
  /** Sessions survive their process, because another replica can rebuild them from Redis. */
  readonly handOff: boolean;
  readonly replicas: readonly string[];
  /** Every replica with those that can stand in for it. */
  readonly upstreams: readonly { readonly replica: string; readonly others: readonly string[] }[];
  readonly runtime: 'node' | 'bun';
  /** Several processes can serve the same clients in Kubernetes, whose Services do not know sessions. */
  readonly scalable: boolean;
  readonly redis: boolean;
  readonly database: boolean;
  readonly metrics: boolean;
  readonly tracing: boolean;
  readonly apiKey: boolean;
  readonly oauth: boolean;
  readonly unauthenticated: boolean;
  readonly rateLimited: boolean;
  readonly cache: boolean;
  readonly aws: boolean;
  readonly vault: boolean;
  /** The pods have an account of their own, by which the store of the secrets knows them. */
  readonly account: boolean;
  readonly docker: boolean;
  /** What `docker run` has to be told. */
  readonly flags: string;
  readonly compose: boolean;
  readonly kubernetes: boolean;
  readonly ci: boolean;
  readonly secrets: readonly Setting[];
  /** What compose mounts into the replicas: the same, or what opens the store; each with the variable that names it. */
  readonly mounted: readonly (Setting & { readonly variable: string })[];
  /** What compose mounts: the same, and what its own database needs. */
  readonly secretFiles: readonly Setting[];
  /** What Kubernetes keeps in a Secret: Redis is somewhere else there, and its URL may hold a password. */
  readonly clusterSecrets: readonly Setting[];
  readonly variables: readonly (Setting & { readonly value: string })[];
  readonly clusterVariables: readonly Setting[];
  /** Compose brings something that the replicas wait for. */
  readonly dependsOn: boolean;
  readonly rules: ReturnType<typeof rulesInLines>;
  readonly out: string;
  /** Why clients have sessions, or none. */
  readonly because: string;
  /** Variables that the project itself reads. */
  readonly own: readonly { readonly name: string; readonly required: boolean }[];
  /** Packages by which the project opens connections that are not the service's. */
  readonly databaseClients: readonly string[];
  /** What callers send for themselves. */
  readonly credentials: readonly CredentialHeader[];
  /** How the service is started without a container. */
  readonly run: string;
  /** What has to be set before it, as a shell takes it. */
  readonly start: string;
  readonly toolVersion: string;
}

export interface DeploymentInput {
  readonly project: Project;
  readonly inspection: Inspection;
  readonly options: Options;
  readonly seam: Seam;
  readonly toolVersion: string;
}

const setting = (name: string, hint: string): Setting => ({ name, file: name.toLowerCase(), hint });

const REDIS_URL = setting('REDIS_URL', 'redis://host:6379 or rediss://…');
const POSTGRES_PASSWORD: Setting = {
  name: 'POSTGRES_PASSWORD',
  file: 'postgres_password',
  hint: 'the password that is also part of database_url',
};

/** What a machine that is not in the cloud shows to the store of the secrets, as a file that compose mounts. */
const storeAccess: Partial<
  Record<Options['secrets'], { readonly variable: string; readonly secret: Setting }>
> = {
  vault: { variable: 'VAULT_TOKEN_FILE', secret: setting('VAULT_TOKEN', 'a token that may read them') },
  aws: {
    variable: 'AWS_SHARED_CREDENTIALS_FILE',
    secret: setting('AWS_CREDENTIALS', 'as ~/.aws/credentials; empty where this machine has a role'),
  },
};

/** Compose brings the database: its address is known. */
const besideCompose = (entry: Setting): Setting =>
  entry.name === 'DATABASE_URL' ? { ...entry, hint: 'postgres://mcp:<password>@postgres:5432/mcp' } : entry;

/** Settings of the chosen features that have no default, secret ones apart. */
function featureSettings(options: Options): { secrets: Setting[]; variables: Setting[] } {
  const oauth = options.auth === 'oauth';
  const chosen = <T>(condition: boolean, entry: T): T[] => (condition ? [entry] : []);
  return {
    secrets: [
      ...chosen(options.auth === 'api-key', setting('AUTH_API_KEYS', 'subject:key[,subject:key…]')),
      ...chosen(
        options.database === 'postgres',
        setting('DATABASE_URL', 'postgres://user:password@host:5432/database'),
      ),
    ],
    variables: [
      ...chosen(oauth, setting('AUTH_ISSUER', 'https://id.example.com')),
      ...chosen(oauth, setting('AUTH_AUDIENCE', 'https://mcp.example.com/mcp')),
      ...chosen(options.secrets === 'vault', setting('VAULT_ADDR', 'https://vault.example.com:8200')),
      ...chosen(options.secrets === 'aws', setting('AWS_REGION', 'eu-central-1')),
    ],
  };
}

/** The rules with their expressions as lines, for the two places they are written to. */
const rulesInLines = (rules: ReturnType<typeof alertRules>) =>
  rules.map((rule) => ({ ...rule, lines: rule.expr.split('\n') }));

/** Variables of the project that whoever runs the service sets: not those that callers send. */
export const operatedVariables = ({ variables, credentials = [] }: Seam): readonly EnvRead[] =>
  variables.filter(({ name }) => !credentials.some(({ variable }) => variable === name));

/** Everything the deployment files say, decided. */
export function deploymentContext(input: DeploymentInput): DeploymentContext {
  const { project, inspection, options, seam } = input;
  const facts = readPackageFacts(project);
  const name = deploymentName(facts.name);
  const redis = usesRedis(options);
  const database = options.database === 'postgres';
  const stateful = seam.sessions === 'stateful';
  const replicas = [1, 2, 3].map((index) => `${name}-${index}`);
  const feature = featureSettings(options);
  const known = new Set([...feature.secrets, ...feature.variables].map((entry) => entry.name));
  const own = [
    ...new Map(operatedVariables(seam).map((variable) => [variable.name, variable])).values(),
  ].filter((variable) => !known.has(variable.name) && (variable.required || variable.secret));
  const secrets = [
    ...feature.secrets,
    ...own
      .filter((variable) => variable.secret)
      .map((variable) => setting(variable.name, 'read by this server')),
  ];
  // Where a store keeps the secrets, the environment only says where: that is no secret.
  const stored = options.secrets === 'aws' || options.secrets === 'vault';
  const reference = (entry: Setting): Setting => ({
    ...entry,
    hint: options.secrets === 'aws' ? `ssm:/${name}/${entry.file}` : `vault:${name}#${entry.file}`,
  });
  const access = storeAccess[options.secrets];
  const mounted = access
    ? [{ ...access.secret, variable: access.variable }]
    : secrets.map((entry) => ({ ...besideCompose(entry), variable: `${entry.name}_FILE` }));
  const variables = [
    ...feature.variables,
    ...own
      .filter((variable) => !variable.secret)
      .map((variable) => setting(variable.name, 'required by this server')),
    ...(stored ? secrets.map(reference) : []),
  ];
  return {
    name,
    packageName: facts.name,
    member: memberDirectory(project),
    workspaceRoot: project.workspaceRoot ?? '',
    stateful,
    workers: seam.workers === true,
    handOff: stateful && redis,
    replicas,
    upstreams: replicas.map((replica) => ({
      replica,
      others: stateful && redis ? replicas.filter((other) => other !== replica) : [],
    })),
    runtime: inspection.build.runner === 'bun' ? 'bun' : 'node',
    scalable: !stateful || redis,
    redis,
    database,
    metrics: options.metrics,
    tracing: options.tracing,
    apiKey: options.auth === 'api-key',
    oauth: options.auth === 'oauth',
    unauthenticated: options.auth === 'none',
    rateLimited: options.rateLimit !== 'none',
    cache: options.cache,
    aws: options.secrets === 'aws',
    vault: options.secrets === 'vault',
    account: stored,
    docker: options.docker,
    flags: containerFlags(options, seam),
    compose: options.compose,
    kubernetes: options.kubernetes,
    ci: options.ci === 'github',
    secrets: stored ? [] : secrets,
    mounted,
    secretFiles: [...mounted, ...(database ? [POSTGRES_PASSWORD] : [])],
    clusterSecrets: stored ? [] : [...secrets, ...(redis ? [REDIS_URL] : [])],
    variables: variables.map((entry) => ({ ...entry, value: demanded(entry) })),
    clusterVariables: [
      ...(options.secrets === 'vault'
        ? [setting('VAULT_ROLE', 'the role that Vault knows the account of the pods by')]
        : []),
      ...variables,
      ...(stored && redis ? [reference(REDIS_URL)] : []),
    ],
    dependsOn: redis || database,
    rules: rulesInLines(alertRules(name, { database, redis, kubernetes: options.kubernetes })),
    out: options.out,
    because: seam.because,
    own: [
      ...new Map(
        operatedVariables(seam).map(({ name: own, required }) => [own, { name: own, required }]),
      ).values(),
    ],
    databaseClients: databaseClients(project),
    credentials: seam.credentials ?? [],
    start: startSettings(options, seam)
      .map((setting) => `${setting} `)
      .join(''),
    run: `${inspection.packageManager === 'yarn' ? 'yarn' : `${inspection.packageManager} run`} start:http`,
    toolVersion: input.toolVersion,
  };
}
