import { ALPHA, type Baseline, BETA, foreignWords, type Recording, visitTogether } from '../baseline.js';
import { skip, type Verdict, verdict } from '../verification.js';
import type { Service } from '../workbench.js';

/** Who must not hear whose word. */
const OTHERS = { alpha: BETA, beta: ALPHA, later: BETA } as const;

/**
 * Two clients interleave the same calls over HTTP, and a third comes when they have left: does each see what it
 * would see with a stdio process of its own?
 */
export async function checkIsolation(service: Service, baseline: Baseline): Promise<Verdict> {
  if (baseline.alone) {
    return skip(
      `two stdio processes do not run beside each other, so there is nothing to compare with: ${baseline.alone}`,
    );
  }
  if (baseline.calls.every((call) => call.odd)) {
    return skip(
      'nothing may be called: no tool declares readOnlyHint, no resource or prompt is listed; name tools with --call',
    );
  }
  const seen = await visitTogether(service.open, baseline.calls);
  const found: string[] = [];
  for (const [who, other] of Object.entries(OTHERS) as [keyof typeof OTHERS, string][]) {
    found.push(...leaks(seen, baseline.recording, who, other));
    found.push(...(await baseline.compare(who, seen[who])).map((line) => `${NAMES[who]}: ${line}`));
  }
  return verdict(
    found,
    `${baseline.calls.length} calls of two interleaved clients and one after them, as over stdio`,
  );
}

const NAMES = { alpha: 'client A', beta: 'client B', later: 'a client after both' } as const;

/** Words of another client, unless stdio shows them as well (what clients share through files, say). */
function leaks(
  seen: Omit<Recording, 'solo'>,
  expected: Recording,
  who: keyof typeof OTHERS,
  other: string,
): string[] {
  const usual = new Set(foreignWords(expected[who], other));
  return foreignWords(seen[who], other)
    .filter((place) => !usual.has(place))
    .map((place) => `${NAMES[who]} finds what another client said in ${place}`);
}
