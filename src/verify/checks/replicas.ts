import { randomUUID } from 'node:crypto';
import { type Baseline, visitAlone } from '../baseline.js';
import { connectClient } from '../client/client.js';
import { httpChannel } from '../client/http-channel.js';
import type { Site } from '../site.js';
import { skip, type Verdict, verdict } from '../verification.js';
import type { Workbench } from '../workbench.js';

/** Requests that open a session: `initialize`, the notification after it, and the stream. */
const OPENING = 3;

/** Two processes take turns answering one client, and one is killed: the client notices nothing. */
export async function checkReplicas(bench: Workbench, baseline: Baseline): Promise<Verdict> {
  const reason = notReplicable(bench.site, baseline);
  if (reason) return skip(reason);
  const together = { REDIS_PREFIX: `verify-${randomUUID()}` };
  const [first, second] = await Promise.all([bench.startService(together), bench.startService(together)]);
  const plain = baseline.calls.filter((call) => !call.odd).length;
  const killedAfter = OPENING + baseline.calls.length + Math.ceil(plain / 2); // in the middle of the second round
  let sent = 0;
  const open = (word: string) => {
    const turns = () => {
      sent += 1;
      if (sent === killedAfter) first.program.signal('SIGKILL');
      return (sent < killedAfter && sent % 2 === 0 ? first : second).url;
    };
    return connectClient(httpChannel(turns, second.headersOf(word)), word, 45_000);
  };
  if (plain === 0) return skip('nothing may be called; name tools with --call');
  const found = await baseline.compare('solo', await visitAlone(open, baseline.calls), 'answers');
  const steps = `${sent} requests over two processes, one killed after ${killedAfter}`;
  return verdict(found, `${steps}, none lost`);
}

function notReplicable({ manifest, inspection, env }: Site, baseline: Baseline): string | undefined {
  if (baseline.alone) return `two processes do not run beside each other: ${baseline.alone}`;
  if (manifest.seam.sessions === 'stateless') return undefined;
  const kept = inspection.state.filter(({ decision }) => decision === 'isolate');
  if (kept.length > 0 || manifest.seam.sessionScope) {
    return `sessions keep ${kept.map(({ name }) => name).join(', ') || 'state'} in memory and cannot be handed off: route by session`;
  }
  return env.REDIS_URL ? undefined : 'sessions are handed off over Redis only: set REDIS_URL';
}
