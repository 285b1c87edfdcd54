/** A batch of requests to one server: so many at a time, each lane sending its next when its last is answered. */

import { createHistogram } from 'node:perf_hooks';
import type { Method } from '../client.js';
import { cpuSeconds } from '../process-tree.js';
import type { Running } from '../running.js';

export interface Batch {
  readonly method: Method;
  /** Requests in flight. */
  readonly concurrency: number;
  /** No request is begun after so many milliseconds, or after so many requests. */
  readonly milliseconds: number;
  readonly most: number;
}

export interface Load {
  readonly requests: number;
  readonly requestsPerSecond: number;
  /** CPU of the server's whole process tree, microseconds. */
  readonly cpuPerRequest: number;
  /** Time from request to checked answer, milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** Sessions that lanes share; more would measure starting them. */
const mostSessions = 16;

/** Runs a batch. Throws `WrongAnswer` on the first answer that is not right. */
export async function load(running: Running, batch: Batch): Promise<Load> {
  const { client, pid, subject } = running;
  const { method, concurrency, milliseconds, most } = batch;
  await client.reconnect();
  await client.openSessions(Math.min(concurrency, mostSessions));
  // Connections are there, and code is compiled.
  if (!subject.slow)
    await Promise.all(Array.from({ length: concurrency }, (_, lane) => client.ask(method, lane)));
  const latencies = createHistogram();
  let begun = 0;
  const cpuBefore = cpuSeconds(pid);
  const started = performance.now();
  const until = started + milliseconds;
  const lane = async (index: number): Promise<void> => {
    while (begun < most && (performance.now() < until || begun < concurrency)) {
      begun++;
      const sent = performance.now();
      await client.ask(method, index);
      latencies.record(Math.max(1, Math.round((performance.now() - sent) * 1e6)));
    }
  };
  await Promise.all(Array.from({ length: concurrency }, (_, index) => lane(index)));
  const seconds = (performance.now() - started) / 1000;
  return {
    requests: begun,
    requestsPerSecond: begun / seconds,
    cpuPerRequest: ((cpuSeconds(pid) - cpuBefore) * 1e6) / begun,
    p50: latencies.percentile(50) / 1e6,
    p99: latencies.percentile(99) / 1e6,
  };
}
