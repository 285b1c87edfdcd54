/** What the GitHub workflow that repeats the proof is rendered from. */
import type { Inspection, Options, PackageManager, Project, Seam } from '../../model.js';
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
  readonly locks: readonly string[];
  readonly setup: readonly Step[];
  readonly frozen: string;
  readonly loose: string;
  readonly execute: string;
}

const node = (cache: string | null): Step => ({
  uses: 'actions/setup-node@v4',
  with: { 'node-version': '24', ...(cache === null ? {} : { cache }) },
});

const runners: Readonly<Record<PackageManager, Runner>> = {
  npm: {
    locks: ['package-lock.json', 'npm-shrinkwrap.json'],
    setup: [node('npm')],
    frozen: 'npm ci',
    loose: 'npm install',
    execute: 'npx --yes',
  },
  pnpm: {
    locks: ['pnpm-lock.yaml'],
    setup: [{ uses: 'pnpm/action-setup@v4', with: null }, node('pnpm')],
    frozen: 'pnpm install --frozen-lockfile',
    loose: 'pnpm install --no-frozen-lockfile',
    execute: 'pnpm dlx',
  },
  yarn: {
    locks: ['yarn.lock'],
    setup: [node(null)],
    frozen: 'corepack enable && yarn install --immutable',
    loose: 'corepack enable && yarn install',
    execute: 'npx --yes',
  },
  bun: {
    locks: ['bun.lock', 'bun.lockb'],
    setup: [{ uses: 'oven-sh/setup-bun@v2', with: null }, node(null)],
    frozen: 'bun install --frozen-lockfile',
    loose: 'bun install',
    execute: 'bunx',
  },
};

/** A setup step without what this project cannot give it: a cache needs a lock file, pnpm a version. */
function adaptStep(step: Step, locked: boolean, pinned: boolean): Step {
  if (step.uses.startsWith('pnpm/') && !pinned) return { ...step, with: { version: '10' } };
  if (step.with?.cache === undefined || locked) return step;
  return node(null);
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
  const locked = runner.locks.some((name) => input.project.files.has(name));
  const required = input.seam.variables.filter((variable) => variable.required);
  return {
    name: deploymentName(facts.name),
    toolVersion: input.toolVersion,
    setup: runner.setup.map((step) => adaptStep(step, locked, facts.packageManager !== undefined)),
    install: locked ? runner.frozen : runner.loose,
    execute: runner.execute,
    docker: input.options.docker,
    environment: [
      'ALLOW_UNAUTHENTICATED=true',
      ...[...new Set(required.map((variable) => `${variable.name}=placeholder`))],
    ],
  };
}
