import { ALPHA, type Baseline, visitAlone } from '../baseline.js';
import { connectClient } from '../client/client.js';
import { httpChannel } from '../client/http-channel.js';
import type { Site } from '../site.js';
import { skip, type Verdict, verdict } from '../verification.js';
import type { Workbench } from '../workbench.js';

/** Which request is the last that the killed process may get. */
const KILLED_AFTER = 9;

/** Two processes take turns answering one client, and one is killed: the client notices nothing. */
export async function checkReplicas(bench: Workbench, baseline: Baseline): Promise<Verdict> {
  const reason = notReplicable(bench.site, baseline);
  if (reason) return skip(reason);
  const [first, second] = await Promise.all([bench.startService(), bench.startService()]);
  let sent = 0;
  const open = (word: string) => {
    const turns = () => {
      sent += 1;
      if (sent === KILLED_AFTER) first.program.signal('SIGKILL');
      return (sent < KILLED_AFTER && sent % 2 === 0 ? first : second).url;
    };
    return connectClient(httpChannel(turns, second.headers), word, 45_000);
  };
  const found = await baseline.compare('solo', await visitAlone(open, baseline.calls), 'answers');
  await second.open(ALPHA).then((client) => client.close());
  const steps = `${sent} requests over two processes, one killed after ${KILLED_AFTER}`;
  if (sent < KILLED_AFTER) return skip(`only ${sent} requests may be sent; name tools with --call`);
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
