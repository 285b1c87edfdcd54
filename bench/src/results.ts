import type { ColdStart } from './measure/cold-start.js';
import type { CommandTime } from './measure/command-line.js';
import type { Memory } from './measure/memory.js';
import type { Throughput } from './measure/throughput.js';
import type { Machine } from './report/machine.js';

/** Everything that one run has measured. */
export interface Results {
  readonly machine: Machine;
  readonly main: readonly Throughput[];
  readonly parts: readonly Throughput[];
  readonly scaling: readonly Throughput[];
  readonly memory: readonly Memory[];
  readonly coldStarts: readonly ColdStart[];
  readonly commands: readonly CommandTime[];
}
