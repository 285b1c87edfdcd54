import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take a minute and more, the longest first: started last, they would run on while a core is idle. */
const long = [
  'cli/end-to-end',
  'cli/shapes',
  'verify/verify-project',
  'verify/checks',
  'verify/generated-service',
  'ops/combinations',
  'ops/endurance',
  'cli/full-run',
  'verify/converted',
  'verify/replicas',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = long.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
      return at === -1 ? long.length : at;
    };
    return (await super.sort(files)).sort((one, other) => rank(one) - rank(other));
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Tests start servers and package managers; two cores are what CI has.
    testTimeout: 60_000,
    hookTimeout: 300_000,
    // Most of a test is waiting for processes. By itself vitest leaves one core out, and of two that is half.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    sequence: { sequencer: LongestFirst },
  },
});
