import { differences } from '../canonical.js';
import { membersOf, type Surface } from '../surface.js';
import { pass, type Verdict, verdict } from '../verification.js';

/**
 * Does the stdio entry show clients what it showed before the conversion?
 * @param madeUp variables that had no value and were given one, for everything that is started.
 */
export function checkStdio(recorded: Surface | undefined, now: Surface, madeUp: readonly string[]): Verdict {
  const size = describeSurface(now) + (madeUp.length > 0 ? ` (with a made-up ${madeUp.join(', ')})` : '');
  if (!recorded) return pass(`starts with ${size}; what it had before the conversion was not recorded`);
  return verdict(differences(recorded, now), `${size}, as before the conversion`);
}

/** `3 tools, 1 resource`, for one line of a report. */
export function describeSurface(surface: Surface): string {
  const count = (number: number, noun: string) =>
    number === 0 ? [] : [`${number} ${noun}${number === 1 ? '' : 's'}`];
  const parts = [
    ...count(membersOf(surface.tools).length, 'tool'),
    ...count(membersOf(surface.resources).length, 'resource'),
    ...count(membersOf(surface.resourceTemplates).length, 'resource template'),
    ...count(membersOf(surface.prompts).length, 'prompt'),
  ];
  return parts.join(', ') || 'an empty surface';
}
