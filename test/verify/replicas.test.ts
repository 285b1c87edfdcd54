import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Baseline, recordBaseline } from '../../src/verify/baseline.js';
import { checkReplicas } from '../../src/verify/checks/replicas.js';
import type { Verdict } from '../../src/verify/verification.js';
import { openWorkbench, type Workbench } from '../../src/verify/workbench.js';
import { type Program, redisServer } from '../ops/programs.js';
import { convertNotebook, STATELESS } from './converted-notebook.js';

const LONG = 120_000;

let redis: Program;
beforeAll(async () => {
  redis = await redisServer();
  await redis.start();
});
afterAll(() => redis.stop('SIGKILL'));

type Shape = Parameters<typeof convertNotebook>[0];

/** A notebook of this shape, built; gone when it is disposed of. */
function openBench(shape: Shape, env: Record<string, string> = {}): Workbench {
  const { site, build, remove } = convertNotebook(shape);
  build();
  const bench = openWorkbench({ ...site, env: { ...site.env, ...env } });
  return { ...bench, dispose: () => bench.dispose().finally(remove) };
}

/** What each shape answers over stdio, recorded once; comparing may record it again. */
const recorded = new Map<Shape, { readonly bench: Workbench; readonly baseline: Promise<Baseline> }>();
afterAll(async () => {
  for (const { bench } of recorded.values()) await bench.dispose();
});

function baselineOf(shape: Shape): Promise<Baseline> {
  const known = recorded.get(shape);
  if (known) return known.baseline;
  const bench = openBench(shape);
  const baseline = recordBaseline(bench, []);
  recorded.set(shape, { bench, baseline });
  return baseline;
}

/** What `verify --replicas` says of a notebook of this shape, whose HTTP service alone has what is `served`. */
async function replicas(
  shape: Shape,
  { env = {}, ...served }: Shape & { readonly env?: Record<string, string> } = {},
): Promise<Verdict> {
  const baseline = await baselineOf(shape);
  const sources = { ...shape.sources, ...served.sources };
  const bench = openBench({ ...shape, ...served, sources }, env);
  return checkReplicas(bench, baseline).finally(bench.dispose);
}

const NOTEBOOK: Shape = {};

const source = STATELESS.sources['src/create-server.ts'];

/** Converted as if it kept nothing, although each process counts. */
const COUNTING: Shape = {
  ...STATELESS,
  sources: {
    'src/create-server.ts': `let said = 0;\nlet sized = 0;\n${source}`
      .replace('text: line', 'text: line + ++said')
      .replace('line.length', '++sized'),
  },
};

describe('processes that take turns', () => {
  it('answer as one', { timeout: LONG }, async () => {
    expect(await replicas(STATELESS)).toEqual({
      status: 'pass',
      detail: expect.stringMatching(/^\d+ requests over two processes, .* none lost$/),
    });
  });

  it('are found out when they disagree, whichever tool it is in', { timeout: LONG }, async () => {
    const verdict = await replicas(COUNTING);
    expect(verdict.status).toBe('fail');
    const found = verdict.differences?.map((line) => line.split(',')[0]);
    expect(new Set(found)).toEqual(new Set(['tool echo', 'tool size']));
  });
});

/** Needs a session, because it asks its client, but keeps nothing that a client said. */
const ASKING: Shape = {
  seam: { sessions: 'stateful', because: 'it asks its client', sessionScope: '' },
  options: { rateLimit: 'redis' },
  sources: {
    'src/notes.ts': 'export {};\n',
    'src/create-server.ts': source.replace(
      'return server;',
      `server.registerTool('ask', { annotations: { readOnlyHint: true } }, async () => {
    const { content } = await server.server.createMessage({ messages: [], maxTokens: 10 });
    return { content: [{ type: 'text', text: JSON.stringify(content) }] };
  });
  return server;`,
    ),
  },
};

describe('processes with sessions', () => {
  const env = () => ({ REDIS_URL: `redis://127.0.0.1:${redis.port}` });

  it('hand a session off over Redis', { timeout: LONG }, async () => {
    expect(await replicas(ASKING, { env: env() })).toEqual({
      status: 'pass',
      detail: expect.stringContaining('the session of the one that was killed goes on'),
    });
  });

  it('are found out when a session is lost', { timeout: LONG }, async () => {
    const nothing = "export const createRedisSessions = () => ({ name: 'redis-sessions' });\n";
    const sources = { 'src/http/redis-sessions.ts': nothing };
    const verdict = await replicas(ASKING, { env: env(), sources });
    expect(verdict.status).toBe('fail');
    expect(verdict.differences?.join('\n')).toMatch(
      /the killed process’s client: tool ask, call 3: .* → .*not found/,
    );
  });

  it('need to be told where Redis is', { timeout: LONG }, async () => {
    expect(await replicas(ASKING, { env: { REDIS_URL: '' } })).toMatchObject({
      status: 'skip',
      detail: expect.stringContaining('set REDIS_URL'),
    });
  });

  it('that keep what clients said begin anew', { timeout: LONG }, async () => {
    expect(await replicas(NOTEBOOK, { options: { rateLimit: 'redis' }, env: env() })).toEqual({
      status: 'pass',
      detail: expect.stringContaining('begins anew'),
    });
  });

  it('that share nothing lose the session of the one that was killed, and no other', {
    timeout: LONG,
  }, async () => {
    expect(await replicas(NOTEBOOK)).toEqual({ status: 'pass', detail: expect.stringContaining('is gone') });
  });

  it('are found out when a lost session is not called lost', { timeout: LONG }, async () => {
    const { site, remove } = convertNotebook(NOTEBOOK);
    remove();
    const text = site.project.files.get('src/http/stateful.ts')!;
    const vague = text.replace('404, codes.sessionNotFound', '500, codes.refused');
    expect(vague).not.toBe(text);
    const verdict = await replicas(NOTEBOOK, { sources: { 'src/http/stateful.ts': vague } });
    expect(verdict.status).toBe('fail');
    expect(verdict.differences?.[0]).toContain('the session is gone, but');
  });
});
