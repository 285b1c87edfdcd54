/** What the GitHub workflow that repeats the proof is rendered from. */
import type { Inspection, Options, PackageManager, Project, Seam } from '../../model.js';
import { usesRedis } from '../features.js';
import { deploymentName, readPackageFacts } from './package-facts.js';

interface Step {
  readonly uses: string;
  readonly with: Readonly<Record<string, string>> | null;
}

interface WorkflowContext {
  readonly name: string;
  readonly toolVersion: string;
  readonly setup: readonly Step[];
  readonly install: string;
  readonly execute: string;
  readonly docker: boolean;
  /** `NAME=value` pairs without which the container does not start. */
  readonly environment: readonly string[];
}

interface Runner {
  readonly setup: readonly Step[];
  readonly install: string;
  readonly execute: string;
}

const node = (cache: string | null): Step => ({
  uses: 'actions/setup-node@v4',
  with: { 'node-version': '24', ...(cache === null ? {} : { cache }) },
});

const runners: Readonly<Record<PackageManager, Runner>> = {
  npm: {
    setup: [node('npm')],
    install: 'npm ci',
    execute: 'npx --yes',
  },
  pnpm: {
    setup: [{ uses: 'pnpm/action-setup@v4', with: null }, node('pnpm')],
    install: 'pnpm install --frozen-lockfile',
    execute: 'pnpm dlx',
  },
  yarn: {
    setup: [node(null)],
    install: 'corepack enable && yarn install --immutable',
    execute: 'npx --yes',
  },
  bun: {
    setup: [{ uses: 'oven-sh/setup-bun@v2', with: null }, node(null)],
    install: 'bun install --frozen-lockfile',
    execute: 'bunx',
  },
};

/** pnpm's action wants to be told a version where package.json does not say one. */
const adaptStep = (step: Step, pinned: boolean): Step =>
  step.uses.startsWith('pnpm/') && !pinned ? { ...step, with: { version: '10' } } : step;

/** Settings without which the container does not start; it is only asked whether it lives. */
function placeholders(options: Options, seam: Seam): readonly string[] {
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
  return [...values].map(([name, value]) => `${name}=${value}`);
}

/** Everything the workflow says, decided. `toolVersion` is the version of create-mcp-prod that generates. */
export function workflowContext(input: {
  readonly project: Project;
  readonly inspection: Inspection;
  readonly options: Options;
  readonly seam: Seam;
  readonly toolVersion: string;
}): WorkflowContext {
  const facts = readPackageFacts(input.project);
  const runner = runners[input.inspection.packageManager];
  return {
    name: deploymentName(facts.name),
    toolVersion: input.toolVersion,
    setup: runner.setup.map((step) => adaptStep(step, facts.packageManager !== undefined)),
    install: runner.install,
    execute: runner.execute,
    docker: input.options.docker,
    environment: placeholders(input.options, input.seam),
  };
}
