import { fileURLToPath } from 'node:url';
import type { Inspection, Manifest, Options } from '../../src/model.js';
import type { Site } from '../../src/verify/site.js';

/** The notebook of `servers/`, as a project that has been converted. */
export function notesSite(given: {
  /** What the HTTP service does wrong. */
  readonly faults?: readonly string[];
  /** Arguments of the stdio entry. */
  readonly args?: readonly string[];
  readonly required?: readonly string[];
  readonly options?: Partial<Options>;
  readonly env?: Readonly<Record<string, string>>;
}): Site {
  const variables = (given.required ?? []).map((name) => ({
    name,
    at: { file: 'stdio.mjs', line: 1, column: 1 },
    required: true,
    secret: true,
  }));
  const options = {
    auth: 'none',
    rateLimit: 'memory',
    out: 'src/http',
    args: given.args ?? [],
    ...given.options,
  } as Options;
  const script = ['node service.mjs', ...(given.faults ?? [])].join(' ');
  return {
    project: {
      root: fileURLToPath(new URL('servers', import.meta.url)),
      files: new Map([['package.json', JSON.stringify({ scripts: { 'start:http': script } })]]),
    },
    options,
    inspection: {
      entry: { file: 'stdio.mjs', output: 'stdio.mjs', because: 'bin' },
      candidates: [],
      moduleFormat: 'esm',
      language: 'js',
      packageManager: 'npm',
      build: { kind: 'none', tool: 'none', runner: 'node', importExtension: '.mjs' },
      surface: [],
      state: [],
      env: variables,
      sessionFeatures: [],
      processGlue: [],
      diagnostics: [],
    } satisfies Inspection,
    manifest: {
      version: '0.1.0',
      options,
      base: {},
      seam: {
        kind: 'server',
        module: 'notes-server.mjs',
        exportName: 'createNotesServer',
        sdk: 'v1',
        sessions: 'stateful',
        because: 'it keeps notes',
        reusable: false,
        variables: [],
      },
    } satisfies Manifest,
    env: { ...process.env, ...given.env },
  };
}
