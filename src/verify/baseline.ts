import { excerpt, same } from './canonical.js';
import type { Client } from './client/client.js';
import { readSurface, type Surface } from './surface.js';
import {
  affordable,
  type BeforeCall,
  type Call,
  interleave,
  notices,
  type Step,
  safeCalls,
  type Transcript,
} from './transcript.js';
import type { Workbench } from './workbench.js';

/** Words that appear in no server of their own accord. */
export const [ALPHA, BETA] = ['alphaqx', 'betaqz'];

/** What clients hear on different occasions. */
export interface Recording {
  /** One client alone. */
  readonly solo: Transcript;
  /** Two clients side by side. */
  readonly alpha: Transcript;
  readonly beta: Transcript;
  /** One that comes after both have left. */
  readonly later: Transcript;
}

/** What stdio answers, each client with a process of its own: the measure of everything over HTTP. */
export interface Baseline {
  readonly surface: Surface;
  readonly calls: readonly Call[];
  /** Why two processes cannot run beside each other (a fixed port, a lock), when they cannot. */
  readonly alone?: string;
  readonly recording: Recording;
  /** Stdio clients see each other already, in a file, say: an answer in company is reliably another than alone. */
  readonly meeting: boolean;
  /** How answers over HTTP differ from those over stdio, one line each. What stdio itself answers differently every time is left out. */
  readonly compare: (who: keyof Recording, actual: Transcript, what?: Compared) => Promise<string[]>;
}

/** Answers only, or also whether every notification arrived. */
type Compared = 'everything' | 'answers';

type Open = (word: string) => Promise<Client>;

/** Records stdio twice, so that answers that are never the same are known. */
export async function recordBaseline(bench: Workbench, named: readonly string[]): Promise<Baseline> {
  const openings = () => {
    const occasion = bench.occasion(); // its clients share a home directory, as those of a user do
    return (word: string) => bench.openStdio(word, occasion);
  };
  const first = await openings()(ALPHA);
  const { surface, calls } = await survey(first, named).finally(first.close);
  const solo = await visitAlone(openings(), calls);

  const together = await visitTogether(openings(), calls).catch((error: Error) => error.message);
  if (typeof together === 'string') {
    const [alpha, beta] = [ALPHA, BETA].map((word): Transcript => ({ word, steps: [], heard: [] }));
    const again = { solo: await visitAlone(openings(), calls), alpha: alpha!, beta: beta!, later: alpha! };
    const compare: Baseline['compare'] = async (who, actual, what) =>
      differing([again[who], solo], actual, what);
    return { surface, calls, alone: together, recording: again, meeting: false, compare };
  }

  const record = async (): Promise<Recording> => {
    const [one, others] = await Promise.all([
      visitAlone(openings(), calls),
      visitTogether(openings(), calls),
    ]);
    return { solo: one, ...others };
  };
  const recordings = [{ solo, ...together }, await record()] as const;
  let third: Promise<Recording> | undefined;
  async function compare(who: keyof Recording, actual: Transcript, what?: Compared): Promise<string[]> {
    const known = recordings.map((each) => each[who]);
    if (differing(known, actual, what).length === 0) return [];
    third ??= record(); // a clock or a counter may have moved on since
    return differing([...known, (await third)[who]], actual, what);
  }
  return { surface, calls, recording: recordings[0], meeting: meets(...recordings), compare };
}

function meets(one: Recording, other: Recording): boolean {
  return one.solo.steps.some(
    (step) => agrees(step, other.solo) && !agrees(step, one.alpha) && !agrees(step, other.alpha),
  );
}

/** What the server shows, and what may be called of it in the time there is. */
async function survey(
  client: Client,
  named: readonly string[],
): Promise<{ surface: Surface; calls: Call[] }> {
  const surface = await readSurface(client);
  return { surface, calls: await affordable(client, safeCalls(surface, named)) };
}

/** One client says every call with nobody beside it. */
export async function visitAlone(
  open: Open,
  calls: readonly Call[],
  before?: BeforeCall,
): Promise<Transcript> {
  const client = await open(ALPHA);
  const [transcript] = await interleave([client], calls, before).finally(client.close);
  return transcript!;
}

/** Two clients interleaved, and a third when they have left; the same wherever clients are opened. */
export async function visitTogether(
  open: Open,
  calls: readonly Call[],
  before?: BeforeCall,
): Promise<Omit<Recording, 'solo'>> {
  const alpha = await open(ALPHA);
  const beta = await open(BETA).catch(async (error: Error) => {
    await alpha.close();
    throw error;
  });
  const pair = await interleave([alpha, beta], calls, before).finally(() =>
    Promise.all([alpha.close(), beta.close()]),
  );
  return { alpha: pair[0]!, beta: pair[1]!, later: await visitAlone(open, calls) };
}

/** What every recording agrees on and `actual` does not have. */
function differing(
  recordings: readonly Transcript[],
  actual: Transcript,
  what: Compared = 'everything',
): string[] {
  const [expected, ...others] = recordings as [Transcript, ...Transcript[]];
  const got = new Map(actual.steps.map((step) => [step.key, step]));
  const steps = expected.steps.flatMap((step): string[] => {
    const here = got.get(step.key);
    if (!here || !others.every((other) => agrees(step, other)) || same(step.outcome, here.outcome)) return [];
    return [`${step.key}: ${excerpt(step.outcome)} → ${excerpt(here.outcome)}`];
  });
  if (what === 'answers') return steps;
  const heard = notices(actual);
  const missing = recordings
    .map(notices)
    .reduce((kept, next) => inBoth(kept, next))
    .filter((notice) => !take(heard, notice))
    .map((notice) => `notification not received: ${notice.slice(0, 160)}`);
  return [...steps, ...missing];
}

const agrees = (step: Step, other: Transcript): boolean =>
  other.steps.some((again) => again.key === step.key && same(again.outcome, step.outcome));

/** Members of both lists, as often as both have them. */
function inBoth(one: readonly string[], other: readonly string[]): string[] {
  const left = [...other];
  return one.filter((each) => take(left, each));
}

/** Takes one member out of a list; false when it is not there. */
function take(list: string[], member: string): boolean {
  const at = list.indexOf(member);
  if (at >= 0) list.splice(at, 1);
  return at >= 0;
}

/** Calls and notifications in which a client finds the word of another. */
export function foreignWords(transcript: Transcript, other: string): string[] {
  const steps = transcript.steps
    .filter((step) => JSON.stringify(step.outcome).includes(other))
    .map((step) => step.key);
  const heard = transcript.heard
    .filter((message) => JSON.stringify(message).includes(other))
    .map((message) => `${message.id === undefined ? 'notification' : 'request'} ${message.method}`);
  return [...steps, ...heard];
}
