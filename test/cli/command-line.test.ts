import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { scratch, snapshot } from '../disk/scratch.js';
import { readFixtures } from './run-fixture.js';

const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

function run(cwd: string, ...args: string[]) {
  const env = { ...process.env, CI: 'true', NO_COLOR: '1' };
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], {
    cwd,
    encoding: 'utf8',
    env,
  });
  return { status, stdout, stderr };
}

describe('the command line', () => {
  it('answers --help and --version without loading what they do not need', () => {
    const root = scratch();
    const help = run(root, '--help');
    expect(help.status).toBe(0);
    expect(help.stdout).toMatchSnapshot();
    const { version } = JSON.parse(fs.readFileSync(path.join(path.dirname(cli), '../package.json'), 'utf8'));
    expect(run(root, '--version').stdout).toBe(`${version}\n`);
  });

  it.each([
    ['an unknown flag', ['--bogus'], "unknown option '--bogus'"],
    ['a value that is no choice', ['--auth', 'maybe'], 'Allowed choices are none, api-key, oauth'],
    ['a directory that is not there', ['nowhere'], 'There is no directory "nowhere"'],
    ['a command with a flag of another', ['inspect', '--allow-dirty'], "unknown option '--allow-dirty'"],
  ])('exits with 2 for %s', (_, args, said) => {
    const { status, stdout, stderr } = run(scratch(), ...args);
    expect(status).toBe(2);
    expect(stdout + stderr).toContain(said);
  });

  it('takes names in one list or in several', () => {
    const { input } = readFixtures('convert').find((fixture) => fixture.name === 'example')!;
    const names = ['--share', 'a, b', '--share', 'c'];
    const { stdout } = run(scratch(input), '--dry-run', '--yes', '--json', ...names);
    expect(JSON.parse(stdout).options.share).toEqual(['a', 'b', 'c']);
  });

  it('exits with 1 for a project it refuses, names the reason and writes nothing', () => {
    const root = scratch({ 'readme.txt': 'nothing here' });
    const { status, stdout } = run(root);
    expect(status).toBe(1);
    expect(stdout).toContain('package-json-missing');
    expect(snapshot(root)).toEqual({ 'readme.txt': 'nothing here' });
  });

  it.each([
    ['--json', 'inspect'],
    ['inspect', '--json'],
  ])('prints one JSON object and nothing else (%s %s)', (...args) => {
    const { status, stdout, stderr } = run(scratch(), ...args);
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      inspection: null,
      options: null,
      changes: [],
      diagnostics: [
        {
          code: 'package-json-missing',
          severity: 'error',
          message: 'There is no package.json in ".".',
          hint: 'Run the command in the directory of your server, or name it: create-mcp-prod <dir>.',
          at: null,
        },
      ],
      checks: [],
    });
    expect(stderr).toContain('package-json-missing');
  });

  it('needs a converted project to verify or update', () => {
    const root = scratch({ 'package.json': '{}' });
    for (const command of ['verify', 'update']) {
      const { status, stdout } = run(root, command);
      expect(status).toBe(1);
      expect(stdout).toContain('not-converted');
    }
  });

  it('refuses a package.json or a manifest that cannot be read', () => {
    expect(run(scratch({ 'package.json': '{ "name": ' })).stdout).toContain('package-json-invalid');
    expect(run(scratch({ 'package.json': '{}', '.create-mcp-prod.json': '{}' })).stdout).toContain(
      'manifest-invalid',
    );
  });

  it('ends what it has started when it is interrupted', async () => {
    const { input } = readFixtures('convert').find((fixture) => fixture.name === 'example')!;
    const endless = `node -e "fs.writeFileSync('pid', String(process.pid)); setInterval(() => {}, 1000)"`;
    const files = {
      ...input,
      'package.json': input['package.json']!.replace('"build": "tsc"', `"build": ${JSON.stringify(endless)}`),
      'node_modules/@modelcontextprotocol/sdk/package.json': '{}',
    };
    const root = scratch(files);
    const pid = () => Number(fs.readFileSync(path.join(root, 'pid'), 'utf8'));
    const child = spawn(process.execPath, [cli, root, '--yes'], { stdio: 'ignore' });
    const patience = { timeout: 30_000, interval: 50 };
    await vi.waitFor(() => expect(pid()).toBeGreaterThan(0), patience);
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([null, 'SIGINT']);
    await vi.waitFor(() => expect(() => process.kill(pid(), 0)).toThrow('ESRCH'), patience);
    fs.rmSync(path.join(root, 'pid'));
    expect(snapshot(root)).toEqual(files);
  });

  it('ends at once when it is interrupted while it reads the program', async () => {
    const { input } = readFixtures('convert').find((fixture) => fixture.name === 'example')!;
    const functions = Array.from(
      { length: 60 },
      (_, at) => `export const f${at} = (x: unknown[]) => x.map((y) => [y]);`,
    );
    const parts = Array.from({ length: 400 }, (_, at) => [
      `src/part${at}.ts`,
      [...(at < 399 ? [`import './part${at + 1}.js';`] : []), ...functions].join('\n'),
    ]);
    const entry = `import './part0.js';\n${input['src/index.ts']}`;
    const root = scratch({ ...input, ...Object.fromEntries(parts), 'src/index.ts': entry });
    const child = spawn(process.execPath, [cli, root, '--dry-run', '--yes'], { stdio: 'ignore' });
    await sleep(500);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([null, 'SIGTERM']);
  });
});
