import { type Baseline, foreignWords } from '../baseline.js';
import { same } from '../canonical.js';
import { type Call, interleave, labelOf, reworded, type Transcript } from '../transcript.js';
import { skip, type Verdict, verdict } from '../verification.js';
import type { Service } from '../workbench.js';

/** Clients at once; every one uses the same request ids. */
const CLIENTS = 12;

/** Words none of which is part of another, so that an answer shows whose it is. */
const WORDS = Array.from({ length: CLIENTS }, (_, index) => `gamma${String.fromCharCode(97 + index)}qx`);

/** Many clients at once: does every answer go to its asker? */
export async function checkConcurrency(service: Service, baseline: Baseline): Promise<Verdict> {
  const calls = ownAnswers(baseline);
  if (calls.length === 0)
    return skip('no call has an answer that depends on its asker alone; name tools with --call');
  const clients = await Promise.all(WORDS.map((word) => service.open(word)));
  const transcripts = await Promise.all(
    clients.map(async (client) => (await interleave([client], calls))[0]!),
  ).finally(() => Promise.all(clients.map((client) => client.close())));
  const found: string[] = [];
  for (const transcript of transcripts) {
    const plain = reworded(transcript, baseline.recording.solo.word);
    const differing = await baseline.compare('solo', plain, 'answers');
    found.push(...mixed(transcript), ...differing.map((line) => `client ${transcript.word}: ${line}`));
  }
  const answers = transcripts.reduce((sum, { steps }) => sum + steps.length, 0);
  return verdict(found, `${CLIENTS} clients at once, ${answers} answers, each to its asker`);
}

/** Per place, how many other clients' words this client finds there. */
function mixed(transcript: Transcript): string[] {
  const others = WORDS.filter((word) => word !== transcript.word);
  const places = others.flatMap((word) => foreignWords(transcript, word));
  return [...new Set(places)].map((place) => {
    const count = places.filter((each) => each === place).length;
    return `client ${transcript.word} finds the words of ${count} others in ${place}`;
  });
}

/**
 * Calls whose answer follows from who asks: in company as alone, and in another's words when another asks. Where
 * stdio clients already meet, more of them at once are no measure: no tool is called then.
 */
function ownAnswers({ calls, recording, alone, meeting }: Baseline): Call[] {
  if (alone) return [];
  const { solo, alpha, beta } = recording;
  const unlike = new Set([alpha, reworded(beta, solo.word)].flatMap((other) => differing(solo, other)));
  return calls.filter(({ label, method }) => !unlike.has(label) && !(meeting && method === 'tools/call'));
}

/** Labels of the calls that two transcripts answer differently. */
function differing(one: Transcript, other: Transcript): string[] {
  const outcomes = new Map(other.steps.map((step) => [step.key, step.outcome]));
  return one.steps
    .filter(({ key, outcome }) => !same(outcome, outcomes.get(key)))
    .map(({ key }) => labelOf(key));
}
