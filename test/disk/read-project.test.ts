import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readProject } from '../../src/disk.js';
import { scratch } from './scratch.js';

const names = (files: ReadonlyMap<string, string> | undefined) => [...(files?.keys() ?? [])].sort();

describe('reading a project', () => {
  it('takes sources and configuration, and only names of output and lock files', () => {
    const root = scratch({
      'package.json': '{}',
      'package-lock.json': '{ "large": true }',
      'src/index.ts': 'x',
      'src/view.tsx': 'x',
      'src/data.bin': 'x',
      'lib/generated.js': 'x',
      'tsconfig.json': '{ "compilerOptions": { "outDir": "./lib" } }',
      '.gitignore': 'build/\n*.log\n',
      'build/index.js': 'x',
      'dist/index.js': 'x',
      'node_modules/a/index.js': 'x',
      '.git/config': 'x',
      Dockerfile: 'FROM scratch',
      '.github/workflows/ci.yml': 'on: push',
      '.env': 'SECRET=1',
      '.env.example': 'SECRET=',
      'README.md': '# x',
    });
    const project = readProject(root);
    expect(names(project.files)).toEqual([
      '.env.example',
      '.github/workflows/ci.yml',
      '.gitignore',
      'Dockerfile',
      'README.md',
      'package-lock.json',
      'package.json',
      'src/index.ts',
      'src/view.tsx',
      'tsconfig.json',
    ]);
    expect(project.files.get('package-lock.json')).toBe('');
    expect([...(project.outputs ?? [])].sort()).toEqual([
      'build/index.js',
      'dist/index.js',
      'lib/generated.js',
    ]);
    expect(project.workspaceRoot).toBeUndefined();
  });

  it('passes over links that lead nowhere, or back to themselves', () => {
    const root = scratch({ 'package.json': '{}', 'index.js': 'x' });
    fs.symlinkSync('index.js', path.join(root, 'linked.js'));
    fs.symlinkSync('nowhere.js', path.join(root, 'lost.js'));
    fs.symlinkSync('circle.js', path.join(root, 'circle.js'));
    expect(names(readProject(root).files)).toEqual(['index.js', 'linked.js', 'package.json']);
  });

  it('reads the workspace it is a member of, and the members it depends on', () => {
    const root = scratch({
      'package.json': '{ "workspaces": ["packages/*", "!packages/old"] }',
      'package-lock.json': 'large',
      'tsconfig.base.json': '{}',
      'packages/server/package.json': '{ "dependencies": { "@x/shared": "*" } }',
      'packages/server/tsconfig.json': '{ "extends": "../../tsconfig.base.json" }',
      'packages/server/index.ts': 'x',
      'packages/shared/package.json': '{ "name": "@x/shared", "dependencies": { "@x/deep": "*" } }',
      'packages/shared/src/index.ts': 'x',
      'packages/deep/package.json': '{ "name": "@x/deep" }',
      'packages/other/package.json': '{ "name": "@x/other" }',
      'packages/old/package.json': '{ "name": "@x/old" }',
    });
    const project = readProject(path.join(root, 'packages/server'));
    expect(project.workspaceRoot).toBe('../..');
    expect(names(project.workspaceFiles)).toEqual([
      '../../package-lock.json',
      '../../package.json',
      '../../tsconfig.base.json',
      '../deep/package.json',
      '../shared/package.json',
      '../shared/src/index.ts',
    ]);
    expect(readProject(path.join(root, 'packages/old')).workspaceRoot).toBeUndefined();
  });

  it.each(['packages: [packages/*]\n', 'packages:\n  ["apps/{web,api}", \'packages/*\']\n'])(
    'knows pnpm workspaces that are written in brackets: %j',
    (yaml) => {
      const root = scratch({
        'pnpm-workspace.yaml': yaml,
        'packages/one/package.json': '{}',
        'two/package.json': '{}',
      });
      expect(readProject(path.join(root, 'packages/one')).workspaceRoot).toBe('../..');
      expect(readProject(path.join(root, 'two')).workspaceRoot).toBeUndefined();
    },
  );

  it('knows pnpm workspaces', () => {
    const root = scratch({
      'pnpm-workspace.yaml':
        'packages:\n  # servers\n  - "servers/**"\n  - apps/*\ncatalog:\n  zod: ^3.25.0\n',
      'pnpm-lock.yaml': 'large',
      'servers/deep/one/package.json': '{}',
      'elsewhere/two/package.json': '{}',
    });
    const project = readProject(path.join(root, 'servers/deep/one'));
    expect(project.workspaceRoot).toBe('../../..');
    expect(project.workspaceFiles?.get('../../../pnpm-lock.yaml')).toBe('');
    expect(readProject(path.join(root, 'elsewhere/two')).workspaceRoot).toBeUndefined();
  });

  it('does not look for a workspace outside the repository', () => {
    const root = scratch({
      'package.json': '{ "workspaces": ["*"] }',
      'server/package.json': '{}',
      'server/.git/config': '',
    });
    expect(readProject(path.join(root, 'server')).workspaceRoot).toBe('..');
    fs.mkdirSync(path.join(root, 'outer/.git'), { recursive: true });
    fs.cpSync(path.join(root, 'server'), path.join(root, 'outer/server'), { recursive: true });
    expect(readProject(path.join(root, 'outer/server')).workspaceRoot).toBeUndefined();
  });

  it('reads packages that it depends on by their path, and modules that it imports from outside', () => {
    const root = scratch({
      'server/package.json': '{ "dependencies": { "core": "file:../core", "packed": "file:../packed.tgz" } }',
      'server/src/index.ts': "import { one } from '../../shared/one.js';",
      'core/package.json': '{ "name": "core", "dependencies": { "deep": "link:../deep/" } }',
      'core/src/index.ts': 'x',
      'deep/package.json': '{ "name": "deep" }',
      'shared/one.ts': "import './one.css';\nexport { two } from './two';",
      'shared/one.css': 'x',
      'shared/two.ts': 'x',
      'shared/unused.ts': 'x',
      'packed.tgz': 'x',
    });
    const project = readProject(path.join(root, 'server'));
    expect(project.workspaceRoot).toBeUndefined();
    expect(names(project.workspaceFiles)).toEqual([
      '../core/package.json',
      '../core/src/index.ts',
      '../deep/package.json',
      '../shared/one.ts',
      '../shared/two.ts',
    ]);
  });

  it('follows tsconfig extends into a parent directory and an installed package', () => {
    const root = scratch({
      'tsconfig.shared.json': '{ "extends": "./tsconfig.deeper" }',
      'tsconfig.deeper.json': '{}',
      'server/package.json': '{}',
      'server/tsconfig.json': '{ "extends": ["../tsconfig.shared.json", "@tsconfig/node20/tsconfig.json"] }',
      'server/node_modules/@tsconfig/node20/tsconfig.json': '{ "a": 1 }',
    });
    const project = readProject(path.join(root, 'server'));
    expect(names(project.workspaceFiles)).toEqual(['../tsconfig.deeper.json', '../tsconfig.shared.json']);
    expect(project.files.get('node_modules/@tsconfig/node20/tsconfig.json')).toBe('{ "a": 1 }');
  });

  it('leaves out a file that is too large, and says so', () => {
    const root = scratch({ 'package.json': '{}', 'big.js': 'x'.repeat(1_000_001) });
    const project = readProject(root);
    expect(project.files.has('big.js')).toBe(false);
    expect(project.diagnostics).toMatchObject([{ code: 'file-too-large', args: { file: 'big.js' } }]);
  });

  it('refuses a directory without package.json, and a path without a directory', () => {
    const root = scratch();
    expect(() => readProject(root)).toThrow('package-json-missing');
    expect(() => readProject(path.join(root, 'nowhere'))).toThrow('directory-missing');
  });
});
