import { describe, expect, it } from 'vitest';
import type {
  GeneratedService,
  Inspection,
  Manifest,
  Options,
  Plan,
  Project,
  Rewrite,
} from '../../src/model.js';
import { MANIFEST } from '../../src/plan/manifest.js';
import { planMigration } from '../../src/plan/plan-migration.js';

const seam: Manifest['seam'] = {
  kind: 'server',
  module: 'src/create-server.ts',
  exportName: 'createServer',
  sdk: 'v1',
  sessions: 'stateless',
  because: 'nothing needs a session',
  reusable: true,
  variables: [],
};

const options = { out: 'src/http' } as Options;

const inspection = {
  packageManager: 'pnpm',
  build: { kind: 'tsc', tool: 'tsc', runner: 'node', script: 'build', importExtension: '.js' },
} as Inspection;

const service: GeneratedService = {
  files: [
    { path: 'src/http/main.ts', text: 'main\n', why: 'starts the service' },
    { path: 'Dockerfile', text: 'FROM node\n', why: 'the container image' },
  ],
  dependencies: { pino: '^10.0.0' },
  devDependencies: {},
  scripts: { 'start:http': 'node dist/http/main.js' },
  diagnostics: [],
};

const packageJson = '{\n  "scripts": {\n    "build": "tsc"\n  }\n}\n';

const projectOf = (files: Record<string, string>): Project => ({
  root: '/p',
  files: new Map(Object.entries({ 'package.json': packageJson, 'src/index.ts': 'old\n', ...files })),
});

const rewrite: Rewrite = {
  changes: [{ path: 'src/index.ts', before: 'old\n', after: 'new\n', why: 'the stdio program' }],
  seam,
  diagnostics: [],
};

const plan = (files: Record<string, string> = {}, some: Partial<Rewrite> = {}): Plan =>
  planMigration({
    project: projectOf(files),
    inspection,
    options,
    service,
    rewrite: { ...rewrite, ...some },
  });

const codes = (planned: Plan) => planned.diagnostics.map((one) => one.code);

/** The files of a project after a plan. */
function filesAfter(files: Record<string, string>, planned: Plan): Record<string, string> {
  const result = { ...Object.fromEntries(projectOf(files).files) };
  for (const change of planned.changes) {
    expect(result[change.path] ?? null).toBe(change.before);
    if (change.after === null) delete result[change.path];
    else result[change.path] = change.after;
  }
  return result;
}

describe('planning', () => {
  it('has one change for a path, and the manifest last', () => {
    const paths = plan().changes.map((change) => change.path);
    expect(new Set(paths).size).toBe(paths.length);
    expect(paths.at(-1)).toBe(MANIFEST);
    expect([...paths].sort()).toEqual(
      [
        '.create-mcp-prod.json',
        '.gitattributes',
        'Dockerfile',
        'package.json',
        'src/http/main.ts',
        'src/index.ts',
      ].sort(),
    );
  });

  it('installs and builds with the package manager of the project', () => {
    expect(plan().commands).toEqual([
      { command: 'pnpm', args: ['install', '--no-frozen-lockfile'], purpose: 'install' },
      { command: 'pnpm', args: ['run', 'build'], purpose: 'build' },
    ]);
  });

  it('adds what is needed to a package.json that the rewrite has changed already', () => {
    const changed = packageJson.replace('"tsc"', '"tsc -b"');
    const change = { path: 'package.json', before: packageJson, after: changed, why: '' };
    const planned = plan({}, { changes: [change] });
    const [merged, ...more] = planned.changes.filter((one) => one.path === 'package.json');
    expect(more).toEqual([]);
    expect(JSON.parse(merged!.after!)).toEqual({
      scripts: { build: 'tsc -b', 'start:http': 'node dist/http/main.js' },
      dependencies: { pino: '^10.0.0' },
    });
  });

  it('plans nothing when an error stands in the way', () => {
    const refused = plan({ 'src/http/main.ts': 'mine\n' });
    expect(refused).toMatchObject({ changes: [], commands: [] });
    expect(codes(refused)).toEqual(['path-taken']);
  });

  it('keeps a file of the project outside the service', () => {
    const planned = plan({ Dockerfile: 'FROM mine\n' });
    expect(codes(planned)).toEqual(['path-kept']);
    expect(planned.changes.map((change) => change.path)).not.toContain('Dockerfile');
    const manifest = JSON.parse(planned.changes.at(-1)!.after!) as Manifest;
    expect(Object.keys(manifest.base)).toEqual(['src/http/main.ts']);
  });

  it.each([
    [undefined, `${MANIFEST} linguist-generated\n`],
    ['* text=auto', `* text=auto\n${MANIFEST} linguist-generated\n`],
    ['a\r\n', `a\r\n${MANIFEST} linguist-generated\r\n`],
  ])('folds the manifest in reviews (.gitattributes %j)', (has, wanted) => {
    const files: Record<string, string> = has === undefined ? {} : { '.gitattributes': has };
    expect(filesAfter(files, plan(files))['.gitattributes']).toBe(wanted);
  });

  it('plans nothing for what it has planned before', () => {
    const converted = filesAfter({}, plan());
    const manifest = JSON.parse(converted[MANIFEST]!) as Manifest;
    const project: Project = { root: '/p', files: new Map(Object.entries(converted)) };
    expect(planMigration({ project, inspection, options, service, manifest }).changes).toEqual([]);

    // Also when a formatter has been over the manifest, or the user has dropped the attribute.
    const reformatted = { ...converted, [MANIFEST]: JSON.stringify(manifest), '.gitattributes': '' };
    const formatted: Project = { root: '/p', files: new Map(Object.entries(reformatted)) };
    expect(planMigration({ project: formatted, inspection, options, service, manifest }).changes).toEqual([]);
  });
});
