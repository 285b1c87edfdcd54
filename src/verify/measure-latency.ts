import type { Baseline } from './baseline.js';
import { ALPHA } from './baseline.js';
import type { Client } from './client/client.js';
import type { Evidence } from './verification.js';
import type { Workbench } from './workbench.js';

/** Requests over each transport that are measured, and those before that are not. */
const MEASURED = 120;
const WARM_UP = 20;
/** Measuring a slow server stops here. */
const LONGEST_MS = 8000;

/**
 * How long the same requests take over stdio and over HTTP: one client each, taking turns, with nothing else
 * running. What is asked changes nothing: the calls that were compared, and the list of tools.
 */
export async function measureLatency(bench: Workbench, baseline: Baseline): Promise<Evidence['latency']> {
  if (baseline.alone) return { stdio: [], http: [] };
  const calls = baseline.calls.filter((call) => !call.odd);
  const asked = [{ method: 'tools/list', params: () => undefined }, ...calls];
  const service = await bench.startService();
  const [stdio, http] = [await bench.openStdio(ALPHA, bench.occasion()), await service.open(ALPHA)];
  const times: Record<'stdio' | 'http', number[]> = { stdio: [], http: [] };
  const until = performance.now() + LONGEST_MS;
  for (let turn = 0; turn < WARM_UP + MEASURED && performance.now() < until; turn += 1) {
    const { method, params } = asked[turn % asked.length]!;
    for (const [name, client] of [
      ['stdio', stdio],
      ['http', http],
    ] as const) {
      const ms = await timed(client, method, params(ALPHA, 1));
      if (turn >= WARM_UP) times[name].push(ms);
    }
  }
  await Promise.all([stdio.close(), http.close()]);
  await service.program.stop();
  return times;
}

async function timed(client: Client, method: string, params: unknown): Promise<number> {
  const begun = performance.now();
  await client.request(method, params, 2000);
  return performance.now() - begun;
}
