import { describe, expect, it } from 'vitest';
import type { Inspection, Manifest, Options } from '../../src/model.js';
import { flagsFor, optionTable, quote, resolveOptions, splitArguments } from '../../src/options.js';
import { scratch } from '../disk/scratch.js';
import { convertQuietly, readFixtures } from './run-fixture.js';

const inspection = (some: Partial<Inspection>): Inspection => ({
  entry: { file: 'src/index.ts', output: 'dist/index.js', because: 'bin' },
  candidates: [],
  moduleFormat: 'esm',
  language: 'ts',
  packageManager: 'npm',
  build: { kind: 'tsc', tool: 'tsc', runner: 'node', rootDir: 'src', importExtension: '.js' },
  surface: [],
  state: [],
  env: [],
  sessionFeatures: [],
  processGlue: [],
  diagnostics: [],
  ...some,
});

describe('options', () => {
  it('leave nothing open', () => {
    const options = resolveOptions({}, undefined, inspection({}));
    expect(Object.keys(options).sort()).toEqual(optionTable.map((row) => row.key).sort());
    expect(Object.values(options)).not.toContain(undefined);
  });

  it('are what was given, else what the project was converted with, else the default', () => {
    const converted = resolveOptions({ auth: 'oauth', out: 'lib/web' }, undefined, inspection({}));
    const manifest = { options: converted } as Manifest;
    expect(resolveOptions({ auth: 'api-key' }, manifest, inspection({}))).toEqual({
      ...converted,
      auth: 'api-key',
    });
  });

  it.each([
    ['src', 'src/index.ts', 'src/http'],
    ['.', 'index.ts', 'http'],
    ['.', 'server/main.ts', 'server/http'],
    [undefined, 'src/index.ts', 'src/http'],
    ['./source/', 'source/deep/index.ts', 'source/http'],
  ])('put the service where the build looks (rootDir %s, entry %s)', (rootDir, file, out) => {
    const build: Inspection['build'] = {
      kind: 'tsc',
      tool: 'tsc',
      runner: 'node',
      importExtension: '.js',
      ...(rootDir ? { rootDir } : {}),
    };
    const found = inspection({ build, entry: { file, output: 'x.js', because: 'bin' } });
    expect(resolveOptions({}, undefined, found).out).toBe(out);
  });

  it('can be said again as flags', () => {
    const given: Partial<Options> = {
      auth: 'api-key',
      docker: false,
      metrics: true,
      rateLimit: 'redis',
      share: ['cache', 'pool'],
      args: ['--root', "it's here"],
    };
    expect(flagsFor(resolveOptions(given, undefined, inspection({})), inspection({}))).toEqual([
      '--share',
      'cache,pool',
      '--args',
      "--root 'it'\\''s here'",
      '--auth',
      'api-key',
      '--rate-limit',
      'redis',
      '--metrics',
      '--no-docker',
    ]);
    expect(flagsFor(resolveOptions({}, undefined, inspection({})), inspection({}))).toEqual([]);
  });
});

describe('arguments', () => {
  it.each([
    ['--root /srv --verbose', ['--root', '/srv', '--verbose']],
    [`--name "two words" 'single "quoted"'`, ['--name', 'two words', 'single "quoted"']],
    ['a\\ b "c\\"d" --x=""', ['a b', 'c"d', '--x=']],
    ['', []],
  ])('are split as a shell does: %s', (line, words) => {
    expect(splitArguments(line)).toEqual(words);
  });

  it('are said to be missing where the program reads some, until they are given', async () => {
    const { input } = readFixtures('convert').find(({ name }) => name === 'options-from-arguments')!;
    const said = async (args: string[]) =>
      (await convertQuietly(scratch(input), { args })).result.diagnostics.filter(
        ({ code }) => code === 'arguments-read',
      );
    expect(await said([])).toMatchObject([{ at: { file: 'src/index.ts', line: 7 } }]);
    expect(await said(['--factor', '2'])).toEqual([]);
  });

  it('survive quoting', () => {
    const words = ['plain', 'two words', "it's", '$HOME', '--x=1'];
    expect(splitArguments(words.map(quote).join(' '))).toEqual(words);
  });
});
