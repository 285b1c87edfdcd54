import type { ColdStart } from './measure/cold-start.js';
import type { CommandTime } from './measure/command-line.js';
import type { Memory } from './measure/memory.js';
import type { LayerShare } from './measure/profile.js';
import type { Throughput } from './measure/throughput.js';
import type { Machine } from './report/machine.js';

/** Everything that one run has measured. */
export interface Results {
  readonly machine: Machine;
  readonly main: readonly Throughput[];
  readonly parts: readonly Throughput[];
  /** Of a `tools/call` to the converted, stateless server with 60 tools. */
  readonly profile: readonly LayerShare[];
  readonly scaling: readonly Throughput[];
  readonly memory: readonly Memory[];
  readonly coldStarts: readonly ColdStart[];
  readonly commands: readonly CommandTime[];
}
