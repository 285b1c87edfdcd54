import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Baseline, recordBaseline } from '../../src/verify/baseline.js';
import { checkConcurrency } from '../../src/verify/checks/concurrency.js';
import { checkDefence } from '../../src/verify/checks/defence.js';
import { checkIsolation } from '../../src/verify/checks/isolation.js';
import { checkLifecycle } from '../../src/verify/checks/lifecycle.js';
import { checkParity } from '../../src/verify/checks/parity.js';
import type { Verdict } from '../../src/verify/verification.js';
import { openWorkbench, type Workbench } from '../../src/verify/workbench.js';
import { notesSite } from './site.js';

const CHECKS: Readonly<Record<string, (bench: Workbench, baseline: Baseline) => Promise<Verdict>>> = {
  parity: async (bench, baseline) => (await checkParity(bench, baseline)).verdict,
  isolation: async (bench, baseline) => checkIsolation(await bench.startService(), baseline),
  concurrency: async (bench, baseline) => checkConcurrency(await bench.startService(), baseline),
  lifecycle: (bench) => checkLifecycle(bench),
  defence: (bench) => checkDefence(bench),
};

/** What is wrong with the service, the check that has to see it, and what it says. */
const FAULTS: readonly (readonly [fault: string, check: keyof typeof CHECKS, says: RegExp])[] = [
  ['missing-tool', 'parity', /tools\.count: missing/],
  ['shared-notes', 'isolation', /client B finds what another client said in tool note/],
  [
    'first-server',
    'isolation',
    /client A finds what another client said in notification notifications\/message/,
  ],
  ['shared-answer', 'isolation', /tool echo, call 3/],
  ['shared-answer', 'concurrency', /finds the words of \d+ others in tool echo/],
  ['no-uptime', 'lifecycle', /no uptime/],
  ['ends-with-stdin', 'lifecycle', /ended at start|ECONNREFUSED/],
  ['exits-at-once', 'lifecycle', /cut off|lost/],
  ['exit-code', 'lifecycle', /exit 3/],
  ['ready-in-drain', 'lifecycle', /readyz: 200 after SIGTERM until the end/],
  ['hostile-origin', 'defence', /a hostile Origin: answered 200/],
  ['hostile-host', 'defence', /a hostile Host: answered 200/],
  ['html-refusals', 'defence', /text\/html instead of JSON/],
  ['stack-trace', 'defence', /stack trace/],
  ['no-body-limit', 'defence', /a body over the limit/],
  ['no-rate-limit', 'defence', /too many requests/],
];

let baseline: Baseline;
let stdio: Workbench;
beforeAll(async () => {
  stdio = openWorkbench(notesSite({}));
  baseline = await recordBaseline(stdio, []);
}, 180_000);
afterAll(() => stdio.dispose());

let bench: Workbench | undefined;
afterEach(() => bench?.dispose());

const run = (check: string, faults: readonly string[]): Promise<Verdict> => {
  bench = openWorkbench(notesSite({ faults }));
  return CHECKS[check]!(bench, baseline);
};

describe('a service that is right', () => {
  for (const check of Object.keys(CHECKS)) {
    it(`passes ${check}`, { timeout: 180_000 }, async () => {
      expect(await run(check, [])).toEqual({ status: 'pass', detail: expect.any(String) });
    });
  }
});

describe('a service with one thing wrong', () => {
  for (const [fault, check, says] of FAULTS) {
    it(`${fault}: seen by ${check}`, { timeout: 180_000 }, async () => {
      const verdict = await run(check, [fault]).catch((error: Error) => ({
        status: 'fail',
        detail: error.message,
        differences: [],
      }));
      expect(verdict.status).toBe('fail');
      expect([verdict.detail, ...(verdict.differences ?? [])].join('\n')).toMatch(says);
    });
  }
});
