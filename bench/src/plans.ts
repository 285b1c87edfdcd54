/** How long and how often is measured. */

import type { Rounds } from './measure/throughput.js';
import type { Tools } from './projects/prepare.js';

export interface BenchPlan {
  readonly tools: readonly Tools[];
  readonly scaling: readonly Tools[];
  readonly main: Rounds;
  /** For one kind of request each: the scaling curve, and what each part costs. */
  readonly single: Rounds;
  readonly profile: { readonly requests: number; readonly warmUp: number };
  readonly coldStarts: number;
  readonly sessions: { readonly inProcess: number; readonly inProcesses: number };
  readonly commands: number;
}

/** What the tables are made from: about ten minutes. */
export const whole: BenchPlan = {
  tools: [3, 60],
  scaling: [3, 10, 60, 200],
  main: {
    methods: ['tools/call', 'tools/list'],
    concurrencies: [1, 16, 64],
    rounds: 3,
    milliseconds: 1000,
    most: 2000,
    warmUp: 6_000,
  },
  single: {
    methods: ['tools/call'],
    concurrencies: [16],
    rounds: 5,
    milliseconds: 1000,
    most: 2000,
    warmUp: 6_000,
  },
  profile: { requests: 20_000, warmUp: 10_000 },
  coldStarts: 3,
  sessions: { inProcess: 200, inProcesses: 4 },
  commands: 3,
};

const few: Rounds = {
  methods: ['tools/call', 'tools/list'],
  concurrencies: [1, 4],
  rounds: 1,
  milliseconds: 100,
  most: 40,
  warmUp: 20,
};

/** Every part once, for the answers' sake: the times mean nothing. */
export const short: BenchPlan = {
  tools: [3, 60],
  scaling: [3, 60],
  main: few,
  single: { ...few, methods: ['tools/call'] },
  profile: { requests: 100, warmUp: 20 },
  coldStarts: 1,
  sessions: { inProcess: 10, inProcesses: 1 },
  commands: 1,
};
