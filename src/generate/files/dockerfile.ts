/** What the Dockerfile and .dockerignore templates are rendered from. */
import type { Inspection, Options, PackageManager, Project, Seam } from '../../model.js';
import {
  deploymentName,
  memberDirectory,
  type PackageFacts,
  readFacts,
  readPackageFacts,
} from './package-facts.js';
import { containerFlags } from './required-settings.js';

/** A member of a workspace. */
interface Member {
  readonly name: string;
  /** The names of what has the build script, of itself and of the members it needs: each after those that it needs. */
  readonly builds: readonly string[];
}

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
  /** Builds a member of a workspace, and before it the members that it needs. */
  readonly buildMember: (member: Member, script: string) => string;
  /** Drops development dependencies of a whole workspace, where that is not done like in a single package. */
  readonly pruneMember?: (member: Member) => string;
  /** Build-time settings that make the steps above work without a terminal or a home directory. */
  readonly environment: string;
}

const inOrder = (names: readonly string[], command: (name: string) => string): string =>
  names.map(command).join(' && ');

const npm: Manager = {
  locks: ['package-lock.json', 'npm-shrinkwrap.json'],
  settings: ['.npmrc'],
  cache: '/root/.npm',
  install: 'npm ci --no-audit --no-fund',
  run: 'npm run',
  prune: 'npm prune --omit=dev --ignore-scripts --no-audit --no-fund',
  buildMember: ({ builds }, script) => inOrder(builds, (name) => `npm run ${script} --workspace ${name}`),
  environment: '',
};

const pnpm: Manager = {
  locks: ['pnpm-lock.yaml'],
  settings: ['.npmrc', 'pnpm-workspace.yaml', '.pnpmfile.cjs'],
  cache: '/root/.local/share/pnpm/store',
  install: 'pnpm install --frozen-lockfile',
  run: 'pnpm run',
  prune: 'pnpm prune --prod --ignore-scripts',
  buildMember: ({ name }, script) => `pnpm --filter "${name}..." run ${script}`,
  // `pnpm prune` at the root of a workspace empties the node_modules of its members.
  pruneMember: () =>
    'pnpm install --prod --frozen-lockfile --ignore-scripts --config.modules-cache-max-age=0',
  environment: 'CI=true',
};

const yarnClassic: Manager = {
  locks: ['yarn.lock'],
  settings: ['.npmrc', '.yarnrc'],
  cache: '/usr/local/share/.cache/yarn',
  install: 'yarn install --frozen-lockfile',
  run: 'yarn run',
  prune: 'yarn install --frozen-lockfile --production --ignore-scripts --prefer-offline',
  buildMember: ({ builds }, script) => inOrder(builds, (name) => `yarn workspace ${name} run ${script}`),
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
  buildMember: ({ name }, script) =>
    `yarn workspaces foreach --recursive --topological-dev --from ${name} run ${script}`,
  pruneMember: ({ name }) => `yarn workspaces focus --production ${name}`,
  environment: 'YARN_NODE_LINKER=node-modules',
};

const bun: Manager = {
  locks: ['bun.lock', 'bun.lockb'],
  settings: ['.npmrc', 'bunfig.toml'],
  cache: '/root/.bun/install/cache',
  install: 'bun install --frozen-lockfile',
  run: 'bun run',
  prune: 'rm -rf node_modules && bun install --frozen-lockfile --production --ignore-scripts',
  buildMember: ({ builds }, script) => inOrder(builds, (name) => `bun run --filter ${name} ${script}`),
  pruneMember: () =>
    'find . -name node_modules -prune -exec rm -rf {} + && ' +
    'bun install --frozen-lockfile --production --ignore-scripts',
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
  packageManager: string,
): Manager {
  if (kind !== 'yarn') return { npm, pnpm, bun }[kind];
  const berry = read('.yarnrc.yml') !== undefined || /^yarn@(?!1\.)/.test(packageManager);
  return berry ? yarnBerry : yarnClassic;
}

/** How the package manager itself gets into the build image; npm is there already. */
function setupOf(manager: Manager, packageManager: string): string {
  const pinned = packageManager.split('@')[1];
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
  const root = project.workspaceFiles?.get(`${project.workspaceRoot}/package.json`);
  const packageManager = facts.packageManager ?? (root && readFacts(root).packageManager) ?? '';
  const manager = managerOf(inspection.packageManager, read, packageManager);
  const { runner, kind } = inspection.build;
  const member = memberDirectory(project);
  const native = Object.keys(facts.dependencies).some((name) => NATIVE.has(name));
  const onBun = runner === 'bun';
  const image = onBun ? 'oven/bun:1-slim' : 'node:24-bookworm-slim';
  const built = builtDirectory(input);
  const script = kind === 'none' ? undefined : inspection.build.script;
  const workspaceMember = member === '' ? undefined : asMember(project, facts, script);
  const programs = PROGRAMS.filter((row) => row.packages.some((name) => name in facts.dependencies));
  // tsx runs the sources, and a bundle of the project's own holds packages that the service's leaves outside: where those
  // are development dependencies, they are needed.
  const keepsDevelopment =
    (runner === 'tsx' && !('tsx' in facts.dependencies)) || (kind === 'bundler' && !hasSdk(facts));
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
    setup: setupOf(manager, packageManager),
    environment: [manager.environment, ...programs.flatMap((row) => row.buildEnvironment)]
      .filter(Boolean)
      .join(' '),
    manifests: member === '' ? manifestsOf(input, facts, manager).join(' ') : '',
    cache: manager.cache,
    install: productionOnly ? `${manager.install} --omit=dev` : manager.install,
    build: script === undefined ? '' : buildStep(manager, workspaceMember, script),
    prune:
      productionOnly || keepsDevelopment
        ? ''
        : ((workspaceMember && manager.pruneMember?.(workspaceMember)) ?? manager.prune),
    copies: copies.length === 0 ? [] : ['package.json', 'node_modules', ...copies],
    programs: programs.map((row) => row.debian).join(' '),
    programEnvironment: programs.flatMap((row) => row.runEnvironment),
    check: probe(onBun ? 'bun' : 'node'),
    command: JSON.stringify(start).replaceAll('","', '", "'),
    built: script === undefined ? '' : built,
  };
}

const hasSdk = ({ dependencies }: PackageFacts): boolean =>
  Object.keys(dependencies).some((name) => /^@modelcontextprotocol\/(?:sdk|server)$/.test(name));

const buildStep = (manager: Manager, member: Member | undefined, script: string): string =>
  member ? manager.buildMember(member, script) : `${manager.run} ${script}`;

/** The project as a member of its workspace. */
function asMember(project: Project, { name }: PackageFacts, script = ''): Member {
  const packages = new Map(
    [...project.files, ...(project.workspaceFiles ?? [])]
      .filter(([file]) => file === 'package.json' || file.endsWith('/package.json'))
      .map(([, text]) => readFacts(text))
      .map((facts) => [facts.name, facts]),
  );
  const builds = new Set<string>();
  const seen = new Set<string>();
  const visit = (facts: PackageFacts | undefined): void => {
    if (!facts || seen.has(facts.name)) return;
    seen.add(facts.name);
    for (const needed of Object.keys({ ...facts.dependencies, ...facts.devDependencies }))
      visit(packages.get(needed));
    if (facts.scripts[script] !== undefined) builds.add(facts.name);
  };
  visit(packages.get(name));
  return { name, builds: [...builds] };
}
