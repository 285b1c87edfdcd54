import { setTimeout as sleep } from 'node:timers/promises';
import { synthesize } from './arguments.js';
import { show } from './canonical.js';
import type { Client, Outcome } from './client/client.js';
import type { Message } from './client/message.js';
import { oddQuestions } from './odd-questions.js';
import { membersOf, type Surface } from './surface.js';

/** A request that changes nothing, worded for whoever says it. */
export interface Call {
  readonly label: string;
  readonly method: string;
  readonly params: (word: string, round: number) => Record<string, unknown> | undefined;
  /** At the edge of the protocol: asked once, and no reason to think that anything of the server was called. */
  readonly odd?: boolean;
}

export interface Step {
  /** Label of the call and the round it was said in. */
  readonly key: string;
  readonly outcome: Outcome;
  readonly ms: number;
}

/** What one client asked and heard. */
export interface Transcript {
  readonly word: string;
  readonly steps: readonly Step[];
  /** Notifications and requests of the server that belong to no answer. */
  readonly heard: readonly Message[];
}

/** Calls are said three times: state shows in the second answer, optional arguments from then on. */
const ROUNDS = 3;
export const LAST_ROUND = ROUNDS - 1;
/** How many of each kind are called: enough to see a difference, few enough to wait for. */
const MOST_OF_A_KIND = 16;
const CALL_MS = 6000;
/** Notifications may arrive this long after the answer they belong to. */
const SETTLE_MS = 250;

/**
 * Every request that verification may send without asking: tools that declare `readOnlyHint` or are named, the
 * resources and prompts that are listed, and questions at the edge of the protocol.
 */
export function safeCalls(surface: Surface, named: readonly string[]): Call[] {
  const callable = callableTools(surface, named).slice(0, MOST_OF_A_KIND);
  return [
    ...oddQuestions(surface, callable),
    ...callable.map(toolCall),
    ...membersOf(surface.resources).slice(0, MOST_OF_A_KIND).map(resourceCall),
    ...membersOf(surface.prompts).slice(0, MOST_OF_A_KIND).map(promptCall),
  ];
}

/** Tools that may be called: they say that they only read, or the user named them. */
const callableTools = (surface: Surface, named: readonly string[]) =>
  membersOf(surface.tools).filter((tool) => {
    const hints = tool.annotations as { readonly readOnlyHint?: unknown } | undefined;
    return hints?.readOnlyHint === true || named.includes(String(tool.name));
  });

function toolCall(tool: Record<string, unknown>): Call {
  const label = `tool ${tool.name}`;
  return {
    label,
    method: 'tools/call',
    params: (word, round) => ({
      name: tool.name,
      arguments: synthesize(tool.inputSchema, word, round > 0),
      _meta: { progressToken: `${word} ${label} ${round}` },
    }),
  };
}

const resourceCall = (resource: Record<string, unknown>): Call => ({
  label: `resource ${resource.uri}`,
  method: 'resources/read',
  params: () => ({ uri: resource.uri }),
});

function promptCall(prompt: Record<string, unknown>): Call {
  const declared = (Array.isArray(prompt.arguments) ? prompt.arguments : []) as {
    name: string;
    required?: boolean;
  }[];
  return {
    label: `prompt ${prompt.name}`,
    method: 'prompts/get',
    params: (word, round) => ({
      name: prompt.name,
      arguments: Object.fromEntries(
        declared.filter((each) => each.required || round > 0).map((each) => [each.name, word]),
      ),
    }),
  };
}

/** Told before a call is said, and waited for: whoever arranges where it goes, or what it meets there. */
export type BeforeCall = (call: Call, round: number) => void | Promise<void>;

/** Each client says every call, in turns; in the last round all of them at the same moment. */
export async function interleave(
  clients: readonly Client[],
  calls: readonly Call[],
  before: BeforeCall = () => {},
): Promise<Transcript[]> {
  const logs = clients.map((): Step[] => []);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const call of calls.filter(({ odd }) => !odd || round === 0)) {
      await before(call, round);
      const says = clients.map((client, index) => async () => {
        logs[index]!.push(await say(client, call, round));
      });
      if (round === LAST_ROUND) await Promise.all(says.map((saying) => saying()));
      else for (const saying of says) await saying();
    }
  }
  await sleep(SETTLE_MS);
  return clients.map((client, index) => ({
    word: client.word,
    steps: logs[index]!,
    heard: [...client.heard],
  }));
}

async function say(client: Client, call: Call, round: number): Promise<Step> {
  const begun = performance.now();
  const outcome = await client.request(call.method, call.params(client.word, round), CALL_MS);
  return { key: `${call.label}, call ${round + 1}`, outcome, ms: performance.now() - begun };
}

/** The label of the call that a step's key was made from. */
export const labelOf = (key: string): string => key.slice(0, key.lastIndexOf(', call '));

/** Was the step said in the last round? */
export const isLast = ({ key }: Step): boolean => key.endsWith(`, call ${ROUNDS}`);

/** A call slower than this is not worth its time; nor are calls that together take longer than that. */
const SLOW_MS = 1500;
const AFFORDABLE_MS = 2500;
/** Trying calls out stops here, whatever has not been tried is not called. */
const TRIAL_MS = 20_000;

/** Says every call once, and keeps those that answer fast enough to be said again and again. */
export async function affordable(client: Client, calls: readonly Call[]): Promise<Call[]> {
  const kept: Call[] = [];
  const until = performance.now() + TRIAL_MS;
  let spent = 0;
  for (const call of calls) {
    if (performance.now() > until) break;
    const begun = performance.now();
    await client.request(call.method, call.params(client.word, 0), 2 * SLOW_MS);
    const ms = performance.now() - begun;
    if (ms > SLOW_MS || spent + ms > AFFORDABLE_MS) continue;
    spent += ms;
    kept.push(call);
  }
  return kept;
}

/** The same transcript as another client would have got it: its word put in the place of this one's, also in capitals. */
export function reworded(transcript: Transcript, word: string): Transcript {
  const own = transcript.word;
  const text = JSON.stringify(transcript)
    .replaceAll(own, word)
    .replaceAll(own.toUpperCase(), word.toUpperCase());
  return JSON.parse(text) as Transcript;
}

/** Notifications as comparable text. */
export const notices = (transcript: Transcript): string[] =>
  transcript.heard
    .filter((message) => message.id === undefined)
    .map((message) => show({ method: message.method, params: message.params }));
