import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { convert, inspect, update } from '../../src/commands.js';
import { isError } from '../../src/diagnostics.js';
import type { Manifest, Options } from '../../src/model.js';
import { MANIFEST } from '../../src/plan/manifest.js';
import type { Outcome } from '../../src/run.js';
import { scratch, snapshot } from '../disk/scratch.js';
import { convertQuietly, quietly, readFixtures } from './run-fixture.js';

const { input } = readFixtures('convert').find((fixture) => fixture.name === 'example')!;

const codes = ({ result }: Outcome) => result.diagnostics.map((one) => one.code);
const paths = ({ result }: Outcome) => result.changes.map((change) => change.path);

async function converted(
  features: Partial<Options> = {},
  files: Record<string, string> = {},
): Promise<string> {
  const root = scratch({ ...input, ...files });
  const { result } = await convertQuietly(root, features);
  expect(result.diagnostics.filter(isError)).toEqual([]);
  return root;
}

const git = (cwd: string, ...args: string[]) => {
  const identity = ['-c', 'user.name=test', '-c', 'user.email=test@example.org'];
  const { status, stderr } = spawnSync('git', [...identity, ...args], { cwd, encoding: 'utf8' });
  expect(status, stderr).toBe(0);
};

describe('converting', () => {
  it('writes nothing in a dry run, but plans what a real one does', async () => {
    const root = scratch(input);
    const dry = await convert(quietly(root, { dryRun: true }));
    expect(snapshot(root)).toEqual(input);
    expect(paths(dry)).toEqual(paths(await convertQuietly(root, {})));
    expect(paths(dry).at(-1)).toBe(MANIFEST);
  });

  it('refuses files with uncommitted changes, unless told otherwise', async () => {
    const root = scratch(input);
    git(root, 'init', '--quiet');
    git(root, 'add', '.');
    expect(codes(await convertQuietly(root, {}))).toContain('git-dirty');
    git(root, 'commit', '--quiet', '-m', 'first');
    fs.writeFileSync(path.join(root, 'notes.txt'), 'not touched by the plan');
    fs.appendFileSync(path.join(root, 'src/index.ts'), '\n');
    const refused = await convertQuietly(root, {});
    expect(refused.result.diagnostics).toMatchObject([
      { code: 'git-dirty', args: { files: 'src/index.ts' } },
    ]);
    expect(refused.exitCode).toBe(1);
    expect((await convert(quietly(root, { allowDirty: true }))).exitCode).toBe(0);
  });

  it('knows the files of a project below the root of its repository', async () => {
    const files = Object.fromEntries(
      Object.entries(input).map(([file, text]) => [`servers/units/${file}`, text]),
    );
    const root = scratch(files);
    git(root, 'init', '--quiet');
    git(root, 'add', '.');
    git(root, 'commit', '--quiet', '-m', 'first');
    const server = path.join(root, 'servers/units');
    fs.appendFileSync(path.join(server, 'package.json'), '\n');
    expect((await convertQuietly(server, {})).result.diagnostics).toMatchObject([
      { args: { files: 'package.json' } },
    ]);
  });

  it("keeps a project's own Dockerfile", async () => {
    const root = scratch({ ...input, Dockerfile: 'FROM node:22\n' });
    const outcome = await convertQuietly(root, {});
    expect(outcome.exitCode).toBe(0);
    expect(snapshot(root).Dockerfile).toBe('FROM node:22\n');
    expect(codes(outcome)).toContain('path-kept');
    expect(codes(await convertQuietly(root, {}))).toEqual(['path-kept']);
  });

  it('adds and takes away what is chosen later, and nothing else', async () => {
    const root = await converted();
    const before = snapshot(root);
    const added = await convertQuietly(root, { auth: 'api-key' });
    expect(paths(added)).toContain('src/http/auth-api-key.ts');
    expect(paths(added)).not.toContain('src/index.ts');
    await convertQuietly(root, { auth: 'none' });
    const after = snapshot(root);
    expect({ ...after, 'package.json': '', [MANIFEST]: '' }).toEqual({
      ...before,
      'package.json': '',
      [MANIFEST]: '',
    });
  });

  it('keeps the line endings of Windows', async () => {
    const crlf = (files: Record<string, string>, which: (file: string) => boolean) =>
      Object.fromEntries(
        Object.entries(files).map(([file, text]) => [
          file,
          which(file) ? text.replaceAll('\n', '\r\n') : text,
        ]),
      );
    const isSource = (file: string) => /^(?:src\/.*\.ts|package\.json|tsconfig\.json)$/.test(file);
    for (const { name, input: files } of readFixtures('convert').filter((one) =>
      ['inside-async-main', 'tools-register-by-import', 'class-owner'].includes(one.name),
    )) {
      const plain = scratch(files);
      await convertQuietly(plain, {});
      const root = scratch(crlf(files, () => true));
      const { result } = await convertQuietly(root, {});
      expect(result.diagnostics.filter(isError), name).toEqual([]);
      const { [MANIFEST]: _, ...converted } = snapshot(root);
      const { [MANIFEST]: __, ...expected } = crlf(snapshot(plain), isSource);
      expect(converted, name).toEqual(expected);
      expect(paths(await convertQuietly(root, {}))).toEqual([]);
    }
  });

  it('does not change what the sources depend on', async () => {
    const root = await converted();
    const before = snapshot(root);
    expect(codes(await convertQuietly(root, { out: 'src/web' }))).toContain('option-fixed');
    expect(snapshot(root)).toEqual(before);
  });
});

describe('installing and building', () => {
  const failing = `node -e "console.error('it does not build'); process.exit(1)"`;
  const withBuild = (text: string) => text.replace('"build": "tsc"', `"build": ${JSON.stringify(failing)}`);

  it('says of a project that does not build that it never did, and leaves it alone', async () => {
    const root = scratch({
      ...input,
      'package.json': withBuild(input['package.json']!),
      'node_modules/@modelcontextprotocol/sdk/package.json': '{}',
    });
    const before = snapshot(root);
    const outcome = await convert(quietly(root, { install: true, verify: true }));
    expect(outcome.result.diagnostics).toMatchObject([
      { code: 'baseline-broken', args: { command: 'npm run build' } },
    ]);
    expect(outcome.result.diagnostics[0]?.args.reason).toContain('it does not build');
    expect(outcome.exitCode).toBe(1);
    expect(snapshot(root)).toEqual(before);
  });

  it('says which command failed after the changes were made', async () => {
    const npmrc = 'registry=http://127.0.0.1:9/\nfetch-retries=0\n';
    const root = scratch({ ...input, '.npmrc': npmrc });
    const installing = await convert(quietly(root, { install: true }));
    expect(codes(installing)).toEqual(['install-failed']);
    expect(fs.existsSync(path.join(root, MANIFEST))).toBe(true);

    const file = path.join(root, 'package.json');
    fs.writeFileSync(file, withBuild(fs.readFileSync(file, 'utf8')));
    const building = await convert(quietly(root, { install: true, features: { docker: false } }));
    expect(codes(building)).toEqual(['build-failed']);
    expect(building.exitCode).toBe(1);
  });
});

describe('updating', () => {
  /** Makes a converted project look as if an older version had generated one of its files. */
  function age(root: string, file: string, older: (text: string) => string): void {
    const manifest = JSON.parse(fs.readFileSync(path.join(root, MANIFEST), 'utf8')) as Manifest;
    const text = older(manifest.base[file]!);
    expect(text).not.toBe(manifest.base[file]);
    fs.writeFileSync(path.join(root, file), text);
    const aged = { ...manifest, version: '0.0.1', base: { ...manifest.base, [file]: text } };
    fs.writeFileSync(path.join(root, MANIFEST), JSON.stringify(aged));
  }

  const file = 'src/http/health.ts';
  const text = (root: string) => fs.readFileSync(path.join(root, file), 'utf8');
  const append = (root: string, line: string) => fs.appendFileSync(path.join(root, file), line);

  it('brings generated files to this version', async () => {
    const root = await converted();
    const current = text(root);
    age(root, file, (now) => now.split('\n').slice(8).join('\n'));
    expect((await update(quietly(root))).exitCode).toBe(0);
    expect(text(root)).toBe(current);
    expect(paths(await update(quietly(root)))).toEqual([]);
  });

  it("keeps the user's edits beside what is new", async () => {
    const root = await converted();
    const current = text(root);
    age(root, file, (now) => now.split('\n').slice(8).join('\n'));
    append(root, '\n// Ours.\n');
    expect((await update(quietly(root))).exitCode).toBe(0);
    expect(text(root)).toBe(`${current}\n// Ours.\n`);
  });

  it('stops at a conflict and changes nothing', async () => {
    const root = await converted();
    age(root, file, (now) => `// Old head.\n${now}`);
    fs.writeFileSync(path.join(root, file), text(root).replace('// Old head.', '// Our head.'));
    const before = snapshot(root);
    const outcome = await update(quietly(root));
    expect(codes(outcome)).toContain('update-conflict');
    expect(outcome.exitCode).toBe(1);
    expect(snapshot(root)).toEqual(before);
  });

  it('does not bring back what the user has deleted', async () => {
    const root = await converted();
    fs.rmSync(path.join(root, 'Dockerfile'));
    expect((await update(quietly(root))).exitCode).toBe(0);
    expect(fs.existsSync(path.join(root, 'Dockerfile'))).toBe(false);
  });

  it('keeps an edited file that is no longer generated, and says so', async () => {
    const root = await converted({ auth: 'api-key' });
    fs.appendFileSync(path.join(root, 'src/http/auth-api-key.ts'), '// Ours.\n');
    expect(codes(await convertQuietly(root, { auth: 'none' }))).toContain('file-kept');
    expect(fs.existsSync(path.join(root, 'src/http/auth-api-key.ts'))).toBe(true);
  });
});

describe('inspecting', () => {
  it('reports and changes nothing', async () => {
    const root = scratch(input);
    const outcome = await inspect(quietly(root));
    expect(outcome.exitCode).toBe(0);
    expect(outcome.result.inspection).toMatchObject({
      entry: { file: 'src/index.ts', output: 'dist/index.js' },
      sdk: { line: 'v1', api: 'McpServer' },
      server: { shape: 'module-level' },
      packageManager: 'npm',
    });
    expect(snapshot(root)).toEqual(input);
  });

  it('says of a converted project that it is one', async () => {
    const root = await converted();
    expect(codes(await inspect(quietly(root)))).toEqual(['already-converted']);
  });
});
