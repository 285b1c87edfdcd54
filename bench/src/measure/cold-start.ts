/** From starting a process to its first answer. */

import { cpuSeconds } from '../process-tree.js';
import type { Tools } from '../projects/prepare.js';
import { start } from '../running.js';
import { median } from '../statistics.js';
import type { Subject } from '../subjects.js';

export interface ColdStart {
  readonly subject: string;
  readonly tools: Tools;
  /** Until the first `tools/call` was answered; milliseconds. */
  readonly elapsed: number;
  /** CPU of the whole process tree until then; milliseconds. */
  readonly cpu: number;
}

/** Starts each server `rounds` times, in turn. */
export async function measureColdStarts(
  subjects: readonly Subject[],
  tools: Tools,
  rounds: number,
): Promise<readonly ColdStart[]> {
  const samples = subjects.map((subject) => ({ subject, elapsed: [] as number[], cpu: [] as number[] }));
  for (let round = 0; round < rounds; round++) {
    for (const { subject, elapsed, cpu } of samples) {
      const started = performance.now();
      const server = await start(subject, tools);
      try {
        await server.client.openSessions(1);
        await server.client.ask('tools/call', 0);
        elapsed.push(performance.now() - started);
        cpu.push(cpuSeconds(server.pid) * 1000);
      } finally {
        await server.stop();
      }
    }
  }
  return samples.map(({ subject, elapsed, cpu }) => ({
    subject: subject.id,
    tools,
    elapsed: median(elapsed),
    cpu: median(cpu),
  }));
}
