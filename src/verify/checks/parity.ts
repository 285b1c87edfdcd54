import { ALPHA, type Baseline, visitAlone } from '../baseline.js';
import { differences } from '../canonical.js';
import { readSurface, type Surface } from '../surface.js';
import { type Verdict, verdict } from '../verification.js';
import type { Workbench } from '../workbench.js';
import { describeSurface } from './stdio.js';

/** Does a client over HTTP see and get what a client over stdio does? */
export async function checkParity(
  bench: Workbench,
  baseline: Baseline,
): Promise<{ verdict: Verdict; surface: Surface }> {
  const service = await bench.startService();
  const reader = await service.open(ALPHA);
  const surface = await readSurface(reader).finally(reader.close);
  const transcript = await visitAlone(service.open, baseline.calls);
  await service.program.stop();
  const found = [...differences(baseline.surface, surface), ...(await baseline.compare('solo', transcript))];
  const odd = baseline.calls.filter((call) => call.odd).length;
  const compared = `${baseline.calls.length - odd} calls and ${odd} odd questions answered the same`;
  return { verdict: verdict(found, `${describeSurface(surface)}; ${compared}`), surface };
}
