/** What the GitHub workflow that repeats the proof is rendered from. */
import type { Inspection, Options, PackageManager, Project, Seam } from '../../model.js';
import { deploymentName, readPackageFacts } from './package-facts.js';
import { requiredSettings } from './required-settings.js';

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
    environment: [...requiredSettings(input.options, input.seam)].map(([name, value]) => `${name}=${value}`),
  };
}
