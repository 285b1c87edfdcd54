/** What the Dockerfile and .dockerignore templates are rendered from. */
import type { Inspection, Options, PackageManager, Project, Seam } from '../../model.js';
import { deploymentName, memberDirectory, type PackageFacts, readPackageFacts } from './package-facts.js';
import { containerFlags } from './required-settings.js';

/** How one package manager installs inside an image build. */
interface Manager {
  readonly locks: readonly string[];
  /** Files that change what is installed, copied beside the manifest when the project has them. */
  readonly settings: readonly string[];
  readonly cache: string;
  /** Installs exactly what the lock file says. */
  readonly install: string;
  readonly run: string;
  /** Drops development dependencies after the build. */
  readonly prune: string;
  /** Builds the package with this name, and the members of its workspace that it needs. */
  readonly buildMember: (name: string, script: string) => string;
  /** Build-time settings that make the steps above work without a terminal or a home directory. */
  readonly environment: string;
}

const npm: Manager = {
  locks: ['package-lock.json', 'npm-shrinkwrap.json'],
  settings: ['.npmrc'],
  cache: '/root/.npm',
  install: 'npm ci --no-audit --no-fund',
  run: 'npm run',
  prune: 'npm prune --omit=dev --ignore-scripts --no-audit --no-fund',
  buildMember: (_name, script) => `npm run ${script} --workspaces --if-present`,
  environment: '',
};

const pnpm: Manager = {
  locks: ['pnpm-lock.yaml'],
  settings: ['.npmrc', 'pnpm-workspace.yaml', '.pnpmfile.cjs'],
  cache: '/root/.local/share/pnpm/store',
  install: 'pnpm install --frozen-lockfile',
  run: 'pnpm run',
  prune: 'pnpm prune --prod --ignore-scripts',
  buildMember: (name, script) => `pnpm --filter "${name}..." run ${script}`,
  environment: 'CI=true',
};

const yarnClassic: Manager = {
  locks: ['yarn.lock'],
  settings: ['.npmrc', '.yarnrc'],
  cache: '/usr/local/share/.cache/yarn',
  install: 'yarn install --frozen-lockfile',
  run: 'yarn run',
  prune: 'yarn install --frozen-lockfile --production --ignore-scripts --prefer-offline',
  buildMember: (_name, script) => `yarn workspaces run ${script}`,
  environment: '',
};

// Plug'n'Play keeps packages in a cache outside the project; the image wants a plain node_modules.
const yarnBerry: Manager = {
  locks: ['yarn.lock'],
  settings: ['.npmrc', '.yarnrc.yml'],
  cache: '/root/.yarn/berry/cache',
  install: 'yarn install --immutable',
  run: 'yarn run',
  prune: 'yarn workspaces focus --production',
  buildMember: (name, script) =>
    `yarn workspaces foreach --recursive --topological-dev --from ${name} run ${script}`,
  environment: 'YARN_NODE_LINKER=node-modules',
};

const bun: Manager = {
  locks: ['bun.lock', 'bun.lockb'],
  settings: ['.npmrc', 'bunfig.toml'],
  cache: '/root/.bun/install/cache',
  install: 'bun install --frozen-lockfile',
  run: 'bun run',
  prune: 'rm -rf node_modules && bun install --frozen-lockfile --production --ignore-scripts',
  buildMember: (_name, script) => `bun run --filter "*" ${script}`,
  environment: '',
};

/** Packages whose installation may compile C or C++, when no prebuilt binary fits. */
const NATIVE: ReadonlySet<string> = new Set(
  (
    'argon2 bcrypt better-sqlite3 bufferutil canvas classic-level cpu-features duckdb faiss-node gl hnswlib-node ' +
    'ibm_db iconv isolated-vm kerberos keytar leveldown libpq microtime node-gyp node-hid node-pty odbc pg-native ' +
    're2 robotjs serialport snappy sqlite3 tree-sitter usb utf-8-validate zeromq'
  ).split(' '),
);

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
  /** Directory inside the workspace; empty for a project of its own. */
  readonly member: string;
  /** What `docker run` has to be told. */
  readonly flags: string;
  readonly title: string;
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
  readonly options: Options;
  readonly seam: Seam;
  /** The command that starts the HTTP service, as an argument list. */
  readonly start: readonly string[];
}

function managerOf(
  kind: PackageManager,
  read: (file: string) => string | undefined,
  facts: PackageFacts,
): Manager {
  if (kind !== 'yarn') return { npm, pnpm, bun }[kind];
  const berry = read('.yarnrc.yml') !== undefined || /^yarn@(?!1\.)/.test(facts.packageManager ?? '');
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

/** Files that are enough to install from; none where installing already needs the sources. */
function manifestsOf(input: DockerInput, facts: PackageFacts, manager: Manager): string[] {
  const { files } = input.project;
  const early =
    LIFECYCLE.some((name) => facts.scripts[name] !== undefined) ||
    /patch-package|patchedDependencies/.test(files.get('package.json') ?? '') ||
    /patchedDependencies|\.yarn\//.test(files.get('pnpm-workspace.yaml') ?? files.get('.yarnrc.yml') ?? '');
  if (early) return [];
  const lock = manager.locks.find((name) => files.has(name)) ?? manager.locks[0] ?? [];
  return ['package.json', lock, manager.settings.filter((name) => files.has(name))].flat();
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
  const read = (file: string) =>
    project.files.get(file) ?? project.workspaceFiles?.get(`${project.workspaceRoot}/${file}`);
  const manager = managerOf(inspection.packageManager, read, facts);
  const { runner, kind } = inspection.build;
  const member = memberDirectory(project);
  const native = Object.keys(facts.dependencies).some((name) => NATIVE.has(name));
  const onBun = runner === 'bun';
  const image = onBun ? 'oven/bun:1-slim' : 'node:24-bookworm-slim';
  const built = builtDirectory(input);
  const script = kind === 'none' ? undefined : inspection.build.script;
  const programs = PROGRAMS.filter((row) => row.packages.some((name) => name in facts.dependencies));
  // tsx runs the sources: where it is a development dependency, dropping those would drop the runner.
  const keepsDevelopment = runner === 'tsx' && !('tsx' in facts.dependencies);
  const copies = member === '' ? runtimeDirectories(project, facts, built) : [];
  const productionOnly = manager === npm && script === undefined && !keepsDevelopment && member === '';
  return {
    name: deploymentName(facts.name),
    member,
    flags: containerFlags(input.options, input.seam),
    title: facts.name,
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
    manifests: member === '' ? manifestsOf(input, facts, manager).join(' ') : '',
    cache: manager.cache,
    install: productionOnly ? `${manager.install} --omit=dev` : manager.install,
    build: buildStep(manager, facts.name, member, script),
    prune: productionOnly || keepsDevelopment ? '' : manager.prune,
    copies: copies.length === 0 ? [] : ['package.json', 'node_modules', ...copies],
    programs: programs.map((row) => row.debian).join(' '),
    programEnvironment: programs.flatMap((row) => row.runEnvironment),
    check: probe(onBun ? 'bun' : 'node'),
    command: JSON.stringify(start).replaceAll('","', '", "'),
    built: script === undefined ? '' : built,
  };
}

function buildStep(manager: Manager, name: string, member: string, script: string | undefined): string {
  if (script === undefined) return '';
  return member === '' ? `${manager.run} ${script}` : manager.buildMember(name, script);
}
