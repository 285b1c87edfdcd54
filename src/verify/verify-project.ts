import { setTimeout as sleep } from 'node:timers/promises';
import type { Check, Inspection, Manifest, Options, Plan, Project } from '../model.js';
import { type Baseline, recordBaseline } from './baseline.js';
import { checkBuild, checkTypes } from './checks/build.js';
import { checkConcurrency } from './checks/concurrency.js';
import { checkConformance } from './checks/conformance.js';
import { checkDefence } from './checks/defence.js';
import { checkDrift } from './checks/drift.js';
import { checkIsolation } from './checks/isolation.js';
import { checkLifecycle } from './checks/lifecycle.js';
import { checkParity } from './checks/parity.js';
import { checkReplicas } from './checks/replicas.js';
import { checkStdio } from './checks/stdio.js';
import { measureLatency } from './measure-latency.js';
import { missingDependencies, missingVariables } from './site.js';
import type { Surface } from './surface.js';
import { type Evidence, skip, type Verdict, type Verification } from './verification.js';
import { openWorkbench, type Service, type Workbench } from './workbench.js';

export interface VerifyInput {
  /** The converted project as it is on disk now. */
  readonly project: Project;
  readonly options: Options;
  readonly inspection: Inspection;
  readonly manifest: Manifest;
  /** What converting the project again would do, for the drift check. */
  readonly plan?: Plan;
  /** Tools that may be called although they do not declare `readOnlyHint`. */
  readonly call?: readonly string[];
  /** Also run two processes beside each other and kill one. */
  readonly replicas?: boolean;
  /** Also measure how long requests take over stdio and over HTTP, for the evidence. */
  readonly measure?: boolean;
  /** The longest a single check may take; builds get five times as long. */
  readonly timeoutMs?: number;
  readonly onProgress?: (id: string, state: 'begun' | Check['status']) => void;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Proves a converted project: builds it, and compares what HTTP answers with what stdio answers. Only calls what
 * is safe to call. Leaves no process, port or file behind. Never throws for a project that is wrong.
 */
export async function verifyProject(given: VerifyInput): Promise<Verification> {
  const copies = (given.call ?? []).length > 0;
  const bench = openWorkbench({ ...given, env: given.env ?? process.env }, { copies });
  const evidence: Mutable<Evidence> = {
    surfaces: { ...(given.manifest.surface ? { recorded: given.manifest.surface as Surface } : {}) },
    latency: { stdio: [], http: [] },
    calls: [],
    madeUp: [...missingVariables(bench.site), ...missingDependencies(bench.site)],
  };
  try {
    return { checks: await runChecks(bench, given, evidence), evidence };
  } finally {
    await bench.dispose();
  }
}

async function runChecks(
  bench: Workbench,
  given: VerifyInput,
  evidence: Mutable<Evidence>,
): Promise<Check[]> {
  const { timeoutMs = 90_000, call = [] } = given;
  const run = runner(given, timeoutMs);
  const drift = await run('drift', async () => checkDrift(bench.site, given.plan));
  const [types, build] = await Promise.all([
    run('types', () => checkTypes(bench.site, timeoutMs * 4), timeoutMs * 5),
    run('build', () => checkBuild(bench.site, timeoutMs * 4), timeoutMs * 5),
  ]);

  const found: { baseline?: Baseline } = {};
  const stdio = await run('stdio', async () => {
    if (build.status === 'fail') return skip('the build fails');
    const baseline = await recordBaseline(bench, call);
    found.baseline = baseline;
    evidence.calls = baseline.calls.map(({ label }) => label);
    evidence.surfaces = { ...evidence.surfaces, stdio: baseline.surface };
    return checkStdio(evidence.surfaces.recorded, baseline.surface, evidence.madeUp);
  });

  const { baseline } = found;
  const lanes = lanesOver(bench, () => baseline!, given, evidence);
  if (baseline) {
    const over = await inLanes(lanes, run, bench, baseline.alone === undefined);
    const measuring = given.measure ? measureLatency(bench, baseline) : undefined;
    if (measuring) evidence.latency = await measuring.catch(() => evidence.latency); // the checks say what is wrong
    return [drift, types, build, stdio, ...over];
  }
  const reason =
    build.status === 'fail'
      ? 'the build fails'
      : 'stdio does not answer, so there is nothing to compare with';
  const skipped = await Promise.all(lanes.flat().map(([id]) => run(id, async () => skip(reason))));
  return [drift, types, build, stdio, ...skipped];
}

/** Checks that run one after the other; lanes run beside each other. */
type Lane = readonly (readonly [id: string, check: () => Promise<Verdict>])[];

function lanesOver(
  bench: Workbench,
  baseline: () => Baseline,
  { replicas = false }: VerifyInput,
  evidence: Mutable<Evidence>,
): Lane[] {
  let started: Promise<Service> | undefined;
  const service = () => {
    started ??= bench.startService();
    return started;
  };
  const parity = async () => {
    const { verdict, surface } = await checkParity(bench, baseline());
    evidence.surfaces = { ...evidence.surfaces, http: surface };
    return verdict;
  };
  return [
    [['parity', parity]],
    [
      ['isolation', async () => checkIsolation(await service(), baseline())],
      ['concurrency', async () => checkConcurrency(await service(), baseline())],
      ['conformance', async () => checkConformance(bench, await service(), baseline())],
    ],
    [['lifecycle', () => checkLifecycle(bench)]],
    [['defence', () => checkDefence(bench)]],
    ...(replicas ? [[['replicas', () => checkReplicas(bench, baseline())]] satisfies Lane] : []),
  ];
}

/** Runs lanes beside each other, or one by one where two processes do not fit beside each other. */
async function inLanes(
  lanes: readonly Lane[],
  run: Run,
  bench: Workbench,
  beside: boolean,
): Promise<Check[]> {
  const runLane = async (lane: Lane): Promise<Check[]> => {
    const checks: Check[] = [];
    for (const [id, check] of lane) checks.push(await run(id, check));
    return checks;
  };
  if (beside) return (await Promise.all(lanes.map(runLane))).flat();
  const checks: Check[] = [];
  for (const lane of lanes) {
    checks.push(...(await runLane(lane)));
    await bench.stopAll();
  }
  return checks;
}

type Run = (id: string, check: () => Promise<Verdict>, limitMs?: number) => Promise<Check>;

/** Runs a check within its time: whatever it throws, and not finishing, is a failure of that check alone. */
function runner({ onProgress }: VerifyInput, usualMs: number): Run {
  return async (id, check, limitMs = usualMs) => {
    onProgress?.(id, 'begun');
    const begun = performance.now();
    const cancel = new AbortController();
    const late = sleep(limitMs, undefined, { signal: cancel.signal }).then(
      (): Verdict => ({ status: 'fail', detail: `not finished in ${limitMs / 1000} s` }),
      () => skip('cancelled'),
    );
    const failed = (error: unknown): Verdict => ({
      status: 'fail',
      detail: error instanceof Error ? error.message : String(error),
    });
    const verdict = await Promise.race([check().catch(failed), late]);
    cancel.abort();
    onProgress?.(id, verdict.status);
    return { id, ...verdict, ms: Math.round(performance.now() - begun) } as Check;
  };
}
