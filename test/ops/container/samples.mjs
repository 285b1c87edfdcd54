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

/** `make` writes the project into a folder and returns where in it the package is, when that is not the top. */
export const samples = {
  npm: { install: ['npm', 'install'], make: copyExample },
  pnpm: { install: ['pnpm', 'install'], make: copyExample },
  yarn: { install: ['yarn', 'install'], make: copyExample },
  bun: {
    install: ['bun', 'install'],
    needs: 'bun',
    make: copyExample,
  },
  'plain JavaScript': {
    install: ['npm', 'install'],
    make: (folder) =>
      cpSync(path.join(repository, 'fixtures/convert/javascript-esm/input'), folder, { recursive: true }),
  },
  'a native addon': {
    install: ['npm', 'install', '--ignore-scripts'],
    needs: 'native',
    make(folder) {
      cpSync(example, folder, { recursive: true });
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
    make(folder) {
      const member = path.join(folder, 'packages/server');
      mkdirSync(path.join(folder, 'packages/shared'), { recursive: true });
      cpSync(example, member, { recursive: true });
      const root = { name: 'workspace', private: true, workspaces: ['packages/*'] };
      writeFileSync(path.join(folder, 'package.json'), JSON.stringify(root));
      const shared = { name: '@workspace/shared', version: '1.0.0', type: 'module', exports: './index.js' };
      writeFileSync(path.join(folder, 'packages/shared/package.json'), JSON.stringify(shared));
      writeFileSync(path.join(folder, 'packages/shared/index.js'), 'export const greeting = "hello";\n');
      edit(member, (manifest) => ({
        ...manifest,
        dependencies: { ...manifest.dependencies, '@workspace/shared': '*' },
      }));
      return 'packages/server';
    },
    inside: [
      'node',
      '-e',
      "import('@workspace/shared').then(({ greeting }) => process.exit(greeting ? 0 : 1))",
    ],
  },
};
