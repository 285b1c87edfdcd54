/** Interleaved rounds: every server gets a batch of each kind before any gets its next. */

import type { Method } from '../client.js';
import type { Tools } from '../projects/prepare.js';
import { type Running, start } from '../running.js';
import { medianOf } from '../statistics.js';
import type { Subject } from '../subjects.js';
import { type Load, load } from './load.js';

/** Medians over the rounds of one server, one method and one concurrency. */
export interface Throughput extends Load {
  readonly subject: string;
  readonly tools: Tools;
  readonly method: Method;
  readonly concurrency: number;
  readonly rounds: number;
}

export interface Rounds {
  readonly methods: readonly Method[];
  readonly concurrencies: readonly number[];
  readonly rounds: number;
  /** Length of a batch in milliseconds, and the most requests in it. */
  readonly milliseconds: number;
  readonly most: number;
  /** Requests before the first round, six seconds at most: so that hot code has been compiled, which costs more than it. */
  readonly warmUp: number;
}

/** Measures servers with the same number of tools beside each other. */
export async function measureThroughput(
  subjects: readonly Subject[],
  tools: Tools,
  rounds: Rounds,
): Promise<readonly Throughput[]> {
  const running: Running[] = [];
  try {
    for (const subject of subjects) running.push(await start(subject, tools));
    for (const server of running) await warmUp(server, rounds);
    const samples = new Map<string, Omit<Throughput, 'rounds'>[]>();
    for (let round = 0; round < rounds.rounds; round++) {
      for (const method of rounds.methods) {
        for (const concurrency of rounds.concurrencies) {
          for (const server of rotated(running, round)) {
            if (server.subject.slow && tooSlow(round, method, concurrency)) continue;
            const { milliseconds, most } = rounds;
            const batch = { method, concurrency, milliseconds, most: Math.max(most, concurrency) };
            const name = `${server.subject.id} ${method} ${concurrency}`;
            const sample = {
              subject: server.subject.id,
              tools,
              method,
              concurrency,
              ...(await load(server, batch)),
            };
            samples.set(name, [...(samples.get(name) ?? []), sample]);
          }
        }
      }
    }
    return [...samples.values()].map(summarise);
  } finally {
    await Promise.all(running.map((server) => server.stop()));
  }
}

/** A process for each request takes seconds: one round, and not with many at a time. */
const tooSlow = (round: number, method: Method, concurrency: number): boolean =>
  round > 0 || method !== 'tools/call' || concurrency > 16;

async function warmUp(server: Running, { methods, warmUp }: Rounds): Promise<void> {
  if (server.subject.slow) return;
  for (const method of methods)
    await load(server, { method, concurrency: 16, milliseconds: 6_000, most: warmUp });
}

/** Each round begins with another server, so that none always comes after the same one. */
const rotated = <T>(all: readonly T[], by: number): readonly T[] =>
  all.map((_, index) => all[(index + by) % all.length] as T);

function summarise(samples: readonly Omit<Throughput, 'rounds'>[]): Throughput {
  const [first] = samples;
  if (!first) throw new Error('nothing was measured');
  return {
    ...first,
    rounds: samples.length,
    requests: samples.reduce((sum, sample) => sum + sample.requests, 0),
    requestsPerSecond: medianOf(samples, (sample) => sample.requestsPerSecond),
    cpuPerRequest: medianOf(samples, (sample) => sample.cpuPerRequest),
    p50: medianOf(samples, (sample) => sample.p50),
    p99: medianOf(samples, (sample) => sample.p99),
  };
}
