import { runCommand } from '../../exec.js';
import type { Baseline } from '../baseline.js';
import { isRecord } from '../canonical.js';
import { credentialsOf, environmentOf } from '../site.js';
import { type Listing, membersOf, type Surface } from '../surface.js';
import { skip, type Verdict, verdict } from '../verification.js';
import type { Service, Workbench } from '../workbench.js';

/** `npm install --save-dev` name of the official suite. */
const SUITE = '@modelcontextprotocol/conformance';
const SUITE_MS = 80_000;

type Applies = (surface: Surface) => boolean;

const always: Applies = () => true;
const has =
  (capability: string): Applies =>
  ({ capabilities }) =>
    isRecord(capabilities) && capability in capabilities;
/** The suite asks for descriptions; the protocol does not, and a conversion cannot make them up. */
const described =
  (listing: (surface: Surface) => Listing): Applies =>
  (surface) => {
    const members = membersOf(listing(surface));
    return (
      members.length > 0 && members.every(({ description }) => typeof description === 'string' && description)
    );
  };

/**
 * The scenarios that ask for nothing a server may not have, by when they apply. The others call tools that only
 * the suite's own test server has.
 */
const SCENARIOS: Readonly<Record<string, Applies>> = {
  'server-initialize': always,
  ping: always,
  'logging-set-level': has('logging'),
  'tools-list': described(({ tools }) => tools),
  'prompts-list': described(({ prompts }) => prompts),
  'resources-list': ({ resources }) => membersOf(resources).length > 0,
  'server-sse-multiple-streams': has('tools'),
  'dns-rebinding-protection': always,
};

/** A service that takes callers without credentials, which the suite cannot send. */
async function anonymous(bench: Workbench, service: Service): Promise<Service> {
  const own = credentialsOf(bench.site, 'conformance');
  if (own.length === 0) return service;
  const values = own.map(({ variable, value }) => [variable, value] as const);
  return bench.startService({ CREDENTIALS_FALLBACK: 'true', ...Object.fromEntries(values) });
}

/** Runs what applies of the official conformance suite, where the project has it installed. */
export async function checkConformance(
  bench: Workbench,
  service: Service,
  { surface }: Baseline,
): Promise<Verdict> {
  const { site } = bench;
  if (site.options.auth !== 'none') return skip('the suite cannot authenticate');
  const surroundings = {
    cwd: site.project.root,
    env: environmentOf(site, bench.occasion().home),
    timeoutMs: SUITE_MS,
  };
  const suite = await runCommand('conformance', ['--version'], surroundings);
  if (suite.code !== 0)
    return skip(`the official suite does not run here: install ${SUITE} (newer versions need Node 22)`);
  const { url } = await anonymous(bench, service);
  const run = (...more: readonly string[]) =>
    runCommand('conformance', ['server', '--url', url, ...more], surroundings);
  const summary = (await run()).output; // all of it, also what does not apply: starting it is what costs time
  const names = Object.keys(SCENARIOS).filter((name) => SCENARIOS[name]!(surface));
  const found: string[] = [];
  for (const name of names.filter((each) => !summary.includes(`✓ ${each}:`))) {
    const alone = await run('--scenario', name);
    if (alone.code !== 0) found.push(`${name}: ${firstError(alone.output)}`);
  }
  return verdict(found, `${names.length} scenarios of ${SUITE} ${suite.output.trim()}`);
}

const firstError = (output: string): string =>
  /^\s*Error: (.*)$/m.exec(output)?.[1] ?? output.trim().split('\n').at(-1) ?? 'no output';
