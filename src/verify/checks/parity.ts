import { ALPHA, type Baseline, visitAlone } from '../baseline.js';
import { differences, isRecord } from '../canonical.js';
import type { Client, Outcome } from '../client/client.js';
import { membersOf, readSurface, type Surface } from '../surface.js';
import { callableTools, type Transcript } from '../transcript.js';
import { type Verdict, verdict } from '../verification.js';
import type { Workbench } from '../workbench.js';
import { describeSurface } from './stdio.js';

interface Parity {
  readonly verdict: Verdict;
  readonly surface: Surface;
  readonly transcript: Transcript;
}

/** Does a client over HTTP see and get what a client over stdio does? */
export async function checkParity(
  bench: Workbench,
  baseline: Baseline,
  named: readonly string[],
): Promise<Parity> {
  const service = await bench.startService();
  const questions = oddQuestions(baseline.surface, named);
  const reader = await service.open(ALPHA);
  const [surface, overHttp] = await read(reader, questions);
  const [, overStdio] = await read(await bench.openStdio(ALPHA, bench.home()), questions);
  const transcript = await visitAlone(service.open, baseline.calls);
  await service.program.stop();
  const found = [
    ...differences(baseline.surface, surface),
    ...questions.flatMap(({ label }, index) => differences(overStdio[index], overHttp[index], label)),
    ...(await baseline.compare('solo', transcript)),
  ];
  const compared = `${baseline.calls.length} calls and ${questions.length} odd questions answered the same`;
  return { verdict: verdict(found, `${describeSurface(surface)}; ${compared}`), surface, transcript };
}

async function read(client: Client, questions: readonly Question[]): Promise<[Surface, Outcome[]]> {
  try {
    const surface = await readSurface(client);
    const outcomes: Outcome[] = [];
    for (const { method, params } of questions) outcomes.push(await client.request(method, params, 6000));
    return [surface, outcomes];
  } finally {
    await client.close();
  }
}

interface Question {
  readonly label: string;
  readonly method: string;
  readonly params?: unknown;
}

/** Requests at the edge of the protocol: what does not exist, what is malformed, what completes an argument. */
function oddQuestions(surface: Surface, named: readonly string[]): Question[] {
  const capabilities = isRecord(surface.capabilities) ? surface.capabilities : {};
  return [
    { label: 'ping', method: 'ping' },
    { label: 'an unknown method', method: 'verify/unknown', params: {} },
    { label: 'an unknown tool', method: 'tools/call', params: { name: 'verify-unknown', arguments: {} } },
    { label: 'tools/call without a name', method: 'tools/call', params: {} },
    { label: 'an unknown resource', method: 'resources/read', params: { uri: 'verify://unknown' } },
    { label: 'an unknown prompt', method: 'prompts/get', params: { name: 'verify-unknown' } },
    ...callableTools(surface, named)
      .slice(0, 8)
      .map(({ name }) => ({
        label: `invalid arguments for tool ${name}`,
        method: 'tools/call',
        params: { name, arguments: { verify: null } },
      })),
    ...('completions' in capabilities ? completions(surface) : []),
    ...('logging' in capabilities
      ? [{ label: 'logging/setLevel', method: 'logging/setLevel', params: { level: 'warning' } }]
      : []),
  ];
}

function completions(surface: Surface): Question[] {
  const ofPrompts = membersOf(surface.prompts).flatMap(({ name, arguments: declared }) =>
    (Array.isArray(declared) ? declared : []).filter(isRecord).map((argument) => ({
      ref: { type: 'ref/prompt', name },
      argument: { name: argument.name, value: '' },
    })),
  );
  const ofTemplates = membersOf(surface.resourceTemplates).flatMap(({ uriTemplate }) =>
    [...String(uriTemplate).matchAll(/\{[+#./;?&]?([\w.]+)\*?\}/g)].map(([, name]) => ({
      ref: { type: 'ref/resource', uri: uriTemplate },
      argument: { name, value: '' },
    })),
  );
  return [...ofPrompts, ...ofTemplates].slice(0, 24).map((params) => ({
    label: `completion of ${params.argument.name} in ${params.ref.type}`,
    method: 'completion/complete',
    params,
  }));
}
