// Projects whose images are built: the example server under every package manager and in the shapes that matter.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const repository = path.resolve(import.meta.dirname, '../../..');
const example = path.join(repository, 'fixtures/convert/example/input');

const edit = (folder, change) => {
  const file = path.join(folder, 'package.json');
  writeFileSync(file, JSON.stringify(change(JSON.parse(readFileSync(file, 'utf8'))), null, 2));
};

const copyExample = (folder) => cpSync(example, folder, { recursive: true });

const copyFixture = (name) => (folder) =>
  cpSync(path.join(repository, 'fixtures/convert', name, 'input'), folder, { recursive: true });

/**
 * A workspace of two packages, of which the server needs the other when it is built and when it runs, and that one has
 * to be built before; returns where the server is.
 */
function makeWorkspace(folder, dependency, more = {}) {
  const member = path.join(folder, 'packages/server');
  mkdirSync(path.join(folder, 'packages/shared'), { recursive: true });
  copyExample(member);
  const root = { name: 'workspace', private: true, workspaces: ['packages/*'], ...more };
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify(root));
  const shared = {
    name: '@workspace/shared',
    version: '1.0.0',
    type: 'module',
    exports: './built/index.js',
    scripts: { build: 'mkdir -p built && cp index.js built' },
  };
  writeFileSync(path.join(folder, 'packages/shared/package.json'), JSON.stringify(shared));
  writeFileSync(path.join(folder, 'packages/shared/index.js'), 'export const greeting = "hello";\n');
  edit(member, (manifest) => ({
    ...manifest,
    scripts: { ...manifest.scripts, build: `tsc && node -e "import('@workspace/shared')"` },
    dependencies: { ...manifest.dependencies, '@workspace/shared': dependency },
  }));
  return 'packages/server';
}

function writeYarn4(folder) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, '.yarnrc.yml'), 'enableTelemetry: false\n');
  writeFileSync(path.join(folder, 'yarn.lock'), '');
}

const importsShared = [
  'node',
  '-e',
  "import('@workspace/shared').then(({ greeting }) => process.exit(greeting ? 0 : 1))",
];

/** `make` writes the project into a folder and returns where in it the package is, when that is not the top. */
export const samples = {
  npm: { install: ['npm', 'install'], make: copyExample },
  pnpm: { install: ['pnpm', 'install', '--no-frozen-lockfile'], make: copyExample },
  yarn: { install: ['yarn', 'install'], make: copyExample },
  bun: {
    install: ['bun', 'install'],
    needs: 'bun',
    make: copyExample,
  },
  'yarn 4': {
    install: ['yarn4', 'install', '--no-immutable'],
    make(folder) {
      copyExample(folder);
      edit(folder, (manifest) => ({ ...manifest, packageManager: 'yarn@4.9.4' }));
      writeYarn4(folder);
    },
  },
  'bun as the runtime': {
    install: ['bun', 'install'],
    needs: 'bun',
    make: copyFixture('bun-without-build'),
  },
  'plain JavaScript': { install: ['npm', 'install'], make: copyFixture('javascript-esm') },
  'a native addon': {
    install: ['npm', 'install', '--ignore-scripts'],
    needs: 'native',
    make(folder) {
      copyExample(folder);
      edit(folder, (manifest) => ({
        ...manifest,
        dependencies: { ...manifest.dependencies, 'cpu-features': '^0.0.10' },
      }));
    },
    // What was compiled in the build stage is what runs.
    inside: ['node', '-e', "require('cpu-features')().arch || process.exit(1)"],
  },
  'a member of a workspace': {
    install: ['npm', 'install'],
    make: (folder) => makeWorkspace(folder, '*'),
    inside: importsShared,
  },
  'a member of a yarn workspace': {
    install: ['yarn', 'install'],
    make: (folder) => makeWorkspace(folder, '*'),
    inside: importsShared,
  },
  'a member of a yarn 4 workspace': {
    install: ['yarn4', 'install', '--no-immutable'],
    make(folder) {
      writeYarn4(folder);
      return makeWorkspace(folder, 'workspace:*', { packageManager: 'yarn@4.9.4' });
    },
    inside: importsShared,
  },
  'a member of a bun workspace': {
    install: ['bun', 'install'],
    needs: 'bun',
    make: (folder) => makeWorkspace(folder, 'workspace:*'),
    inside: importsShared,
  },
  'a member of a pnpm workspace': {
    install: ['pnpm', 'install', '--no-frozen-lockfile'],
    make(folder) {
      const server = makeWorkspace(folder, 'workspace:*');
      writeFileSync(path.join(folder, 'pnpm-workspace.yaml'), 'packages: [packages/*]\n');
      return server;
    },
    inside: importsShared,
  },
};
