/** What the Dockerfile and .dockerignore templates are rendered from. */
import type { Inspection, PackageManager, Project } from '../../model.js';
import { deploymentName, type PackageFacts, readPackageFacts } from './package-facts.js';

/** How one package manager installs inside an image build. */
interface Manager {
  readonly locks: readonly string[];
  /** Files that change what is installed, copied beside the manifest when the project has them. */
  readonly settings: readonly string[];
  readonly cache: string;
  /** Installs exactly the lock file; `loose` when there is none. */
  readonly frozen: string;
  readonly loose: string;
  readonly run: string;
  /** Drops development dependencies after the build. */
  readonly prune: string;
  /** Build-time settings that make the steps above work without a terminal or a home directory. */
  readonly environment: string;
}

const npm: Manager = {
  locks: ['package-lock.json', 'npm-shrinkwrap.json'],
  settings: ['.npmrc'],
  cache: '/root/.npm',
  frozen: 'npm ci --no-audit --no-fund',
  loose: 'npm install --no-audit --no-fund',
  run: 'npm run',
  prune: 'npm prune --omit=dev --ignore-scripts --no-audit --no-fund',
  environment: '',
};

const pnpm: Manager = {
  locks: ['pnpm-lock.yaml'],
  settings: ['.npmrc', 'pnpm-workspace.yaml', '.pnpmfile.cjs'],
  cache: '/root/.local/share/pnpm/store',
  frozen: 'pnpm install --frozen-lockfile',
  loose: 'pnpm install --no-frozen-lockfile',
  run: 'pnpm run',
  prune: 'pnpm prune --prod --ignore-scripts',
  environment: 'CI=true',
};

const yarnClassic: Manager = {
  locks: ['yarn.lock'],
  settings: ['.npmrc', '.yarnrc'],
  cache: '/usr/local/share/.cache/yarn',
  frozen: 'yarn install --frozen-lockfile',
  loose: 'yarn install',
  run: 'yarn run',
  prune: 'yarn install --frozen-lockfile --production --ignore-scripts --prefer-offline',
  environment: '',
};

// Plug'n'Play keeps packages in a cache outside the project; the image wants a plain node_modules.
const yarnBerry: Manager = {
  locks: ['yarn.lock'],
  settings: ['.npmrc', '.yarnrc.yml'],
  cache: '/root/.yarn/berry/cache',
  frozen: 'yarn install --immutable',
  loose: 'yarn install --no-immutable',
  run: 'yarn run',
  prune: 'yarn workspaces focus --production',
  environment: 'YARN_NODE_LINKER=node-modules',
};

const bun: Manager = {
  locks: ['bun.lock', 'bun.lockb'],
  settings: ['.npmrc', 'bunfig.toml'],
  cache: '/root/.bun/install/cache',
  frozen: 'bun install --frozen-lockfile',
  loose: 'bun install',
  run: 'bun run',
  prune: 'rm -rf node_modules && bun install --frozen-lockfile --production --ignore-scripts',
  environment: '',
};

/** Packages whose installation compiles C or C++ when no prebuilt binary fits; their names occur in every kind of lock file. */
const NATIVE =
  /["'/\s](?:node-gyp|node-gyp-build|prebuild-install|node-addon-api|nan|bindings|cmake-js|better-sqlite3|sqlite3|bcrypt|canvas|node-pty|re2|isolated-vm|usb|serialport|argon2|leveldown|robotjs)["'@:/\s]/;

/** Scripts that run while installing, which therefore need the sources first. */
const LIFECYCLE = [
  'preinstall',
  'install',
  'postinstall',
  'prepublish',
  'preprepare',
  'prepare',
  'postprepare',
];

/** Programs that a package expects on the machine, with the Debian package that brings them. */
const PROGRAMS: readonly {
  readonly packages: readonly string[];
  readonly debian: string;
  readonly buildEnvironment: readonly string[];
  readonly runEnvironment: readonly string[];
}[] = [
  {
    packages: ['puppeteer', 'puppeteer-core', 'puppeteer-extra'],
    debian: 'chromium',
    buildEnvironment: ['PUPPETEER_SKIP_DOWNLOAD=true'],
    runEnvironment: ['PUPPETEER_EXECUTABLE_PATH=/usr/bin/chromium'],
  },
  { packages: ['simple-git'], debian: 'git', buildEnvironment: [], runEnvironment: [] },
  { packages: ['fluent-ffmpeg'], debian: 'ffmpeg', buildEnvironment: [], runEnvironment: [] },
];

const DOCUMENTS = /^(?:readme|licen[cs]e|changelog|contributing|notice|history)/i;

export interface DockerContext {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly version: string;
  readonly license: string;
  readonly source: string;
  /** Images as build arguments, so that they can be pinned by digest. */
  readonly image: string;
  readonly buildImage: string;
  /** The build needs compilers that the slim image does not have. */
  readonly native: boolean;
  readonly bunBinary: boolean;
  readonly setup: string;
  readonly environment: string;
  /** Manifests that are copied before the sources; empty when installing already needs the sources. */
  readonly manifests: string;
  readonly cache: string;
  readonly install: string;
  readonly build: string;
  readonly prune: string;
  /** Directories copied into the image; empty when the whole project is. */
  readonly copies: readonly string[];
  readonly programs: string;
  readonly programEnvironment: readonly string[];
  readonly check: string;
  readonly command: string;
  /** Build output that must not come from the developer's machine. */
  readonly built: string;
}

interface DockerInput {
  readonly project: Project;
  readonly inspection: Inspection;
  /** The command that starts the HTTP service, as an argument list. */
  readonly start: readonly string[];
}

function managerOf(kind: PackageManager, project: Project, facts: PackageFacts): Manager {
  if (kind !== 'yarn') return { npm, pnpm, bun }[kind];
  const berry =
    project.files.has('.yarnrc.yml') ||
    /^yarn@(?!1\.)/.test(facts.packageManager ?? '') ||
    (project.files.get('yarn.lock') ?? '').includes('__metadata:');
  return berry ? yarnBerry : yarnClassic;
}

/** How the package manager itself gets into the build image; npm is there already. */
function setupOf(manager: Manager, facts: PackageFacts): string {
  const pinned = facts.packageManager?.split('@')[1];
  if (manager === pnpm) return `npm install --global pnpm@${pinned ?? '10'}`;
  if (manager === yarnClassic) return `npm install --global --force yarn@${pinned ?? '1'}`;
  if (manager === yarnBerry) return `npm install --global --force @yarnpkg/cli-dist@${pinned ?? '4'}`;
  return '';
}

const isDirectory = (project: Project, path: string): boolean =>
  [...project.files.keys()].some((file) => file.startsWith(`${path}/`));

/**
 * The directories that run in production, when package.json names them in `files` and all are known;
 * otherwise nothing, and the image gets the whole project.
 */
function runtimeDirectories(project: Project, facts: PackageFacts, built: string): string[] {
  if (facts.published === undefined || built === '') return [];
  const directories = new Set([built]);
  for (const entry of facts.published) {
    const path = entry.replace(/^\.?\//, '').replace(/\/(?:\*\*(?:\/\*)?)?$/, '');
    if (path.startsWith('!') || DOCUMENTS.test(path)) continue;
    const inside = path.split('/')[0] === built;
    if (inside) continue;
    if (/[*?{[]/.test(path) || !isDirectory(project, path)) return [];
    directories.add(path);
  }
  return [...directories];
}

/** The top directory of the build output, or nothing when the sources are what runs. */
function builtDirectory({ inspection, start }: DockerInput): string {
  if (inspection.build.kind === 'none') return '';
  const file = start.find((part) => /\.[cm]?js$/.test(part)) ?? '';
  const [top, ...rest] = file.replace(/^\.\//, '').split('/');
  return top === undefined || rest.length === 0 || top === 'src' ? '' : top;
}

function installSteps(input: DockerInput, facts: PackageFacts, manager: Manager) {
  const { project, inspection } = input;
  const lock = manager.locks.find((name) => project.files.has(name));
  const lifecycle = LIFECYCLE.some((name) => facts.scripts[name] !== undefined);
  const manifests = [
    'package.json',
    ...[lock ?? [], manager.settings.filter((name) => project.files.has(name))].flat(),
  ];
  const patches = ['patches', '.yarn'].filter((directory) => isDirectory(project, directory));
  const plain = manager === npm && inspection.build.kind === 'none' && !lifecycle;
  const exact = lock === undefined ? manager.loose : manager.frozen;
  return {
    manifests: lifecycle || patches.length > 0 ? '' : manifests.join(' '),
    install: plain && inspection.build.runner === 'node' ? `${exact} --omit=dev` : exact,
    pruned: !(plain && inspection.build.runner === 'node'),
  };
}

const probe = (runtime: 'node' | 'bun'): string =>
  JSON.stringify([
    runtime,
    '-e',
    "fetch('http://127.0.0.1:' + (process.env.PORT || 3000) + '/livez').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))",
  ]).replaceAll('","', '", "');

/** Everything the Dockerfile says, decided; the template only arranges it. */
export function dockerContext(input: DockerInput): DockerContext {
  const { project, inspection, start } = input;
  const facts = readPackageFacts(project);
  const manager = managerOf(inspection.packageManager, project, facts);
  const { runner, script } = inspection.build;
  const locks = manager.locks.map((name) => project.files.get(name) ?? '').join('\n');
  const native = NATIVE.test(`${Object.keys(facts.dependencies).join(' ')} ${locks} `);
  const onBun = runner === 'bun';
  const image = onBun ? 'oven/bun:1-slim' : 'node:24-bookworm-slim';
  const built = builtDirectory(input);
  const steps = installSteps(input, facts, manager);
  const programs = PROGRAMS.filter((row) => row.packages.some((name) => name in facts.dependencies));
  // tsx runs the sources: where it is a development dependency, dropping those would drop the runner.
  const keepsDevelopment = runner === 'tsx' && !('tsx' in facts.dependencies);
  const copies = runtimeDirectories(project, facts, built);
  return {
    name: deploymentName(facts.name),
    title: facts.name,
    description: facts.description,
    version: facts.version,
    license: facts.license ?? '',
    source: facts.repository ?? '',
    image,
    buildImage: native && !onBun ? 'node:24-bookworm' : image,
    native,
    bunBinary: manager === bun && !onBun,
    setup: setupOf(manager, facts),
    environment: [manager.environment, ...programs.flatMap((row) => row.buildEnvironment)]
      .filter(Boolean)
      .join(' '),
    manifests: steps.manifests,
    cache: manager.cache,
    install: steps.install,
    build: script === undefined || inspection.build.kind === 'none' ? '' : `${manager.run} ${script}`,
    prune: steps.pruned && !keepsDevelopment ? manager.prune : '',
    copies: copies.length === 0 ? [] : ['package.json', 'node_modules', ...copies],
    programs: programs.map((row) => row.debian).join(' '),
    programEnvironment: programs.flatMap((row) => row.runEnvironment),
    check: probe(onBun ? 'bun' : 'node'),
    command: JSON.stringify(start).replaceAll('","', '", "'),
    built: script === undefined ? '' : built,
  };
}
