import { randomUUID } from 'node:crypto';
import { ALPHA, type Baseline, visitAlone, visitTogether } from '../baseline.js';
import { excerpt } from '../canonical.js';
import { connectClient } from '../client/client.js';
import { httpChannel } from '../client/http-channel.js';
import type { Site } from '../site.js';
import { type BeforeCall, isLast, LAST_ROUND, type Step, type Transcript } from '../transcript.js';
import { skip, type Verdict, verdict } from '../verification.js';
import type { Service, Workbench } from '../workbench.js';

/** What a service answers for a session that it does not have, so that the client opens another. */
const SESSION_NOT_FOUND = -32001;

/** Two processes of the service. One is killed before the last round, when both have answered every call. */
interface Pair {
  readonly first: Service;
  readonly second: Service;
  /** The process that answers, if it is `wanted` and still lives. */
  readonly living: (wanted: Service) => Service;
  readonly killFirst: () => Promise<void>;
}

/** Two processes serve the same clients, and one is killed: nobody notices more than has to be noticed. */
export async function checkReplicas(bench: Workbench, baseline: Baseline): Promise<Verdict> {
  const reason = notReplicable(bench.site, baseline);
  if (reason) return skip(reason);
  const pair = await startPair(bench);
  const { sessions } = bench.site.manifest.seam;
  if (sessions === 'stateless') return takeTurns(pair, baseline);
  return stayWithOwner(pair, baseline, fateOf(bench.site));
}

function notReplicable(site: Site, baseline: Baseline): string | undefined {
  if (baseline.alone) return `two processes do not run beside each other: ${baseline.alone}`;
  if (baseline.calls.every(({ odd }) => odd)) return 'nothing may be called; name tools with --call';
  const needsRedis = site.manifest.seam.sessions === 'stateful' && site.options.rateLimit === 'redis';
  if (needsRedis && !site.env.REDIS_URL) return 'sessions are handed off over Redis: set REDIS_URL';
  return undefined;
}

/** What becomes of a session whose process was killed. */
type Fate = 'goes on' | 'begins anew' | 'is gone';

function fateOf({ manifest, inspection, options }: Site): Fate {
  if (options.rateLimit !== 'redis') return 'is gone';
  const kept = inspection.state.some(({ decision }) => decision === 'isolate');
  const { sessionScope, workers } = manifest.seam;
  return kept || sessionScope || workers ? 'begins anew' : 'goes on';
}

async function startPair(bench: Workbench): Promise<Pair> {
  const together = { REDIS_PREFIX: `verify-${randomUUID()}` };
  const [first, second] = await Promise.all([bench.startService(together), bench.startService(together)]);
  let killed = false;
  return {
    first,
    second,
    living: (wanted) => (killed ? second : wanted),
    killFirst: async () => {
      if (killed) return;
      killed = true;
      first.program.signal('SIGKILL');
      await first.program.exited;
    },
  };
}

/** Without sessions any process answers any request: each is asked everything before one is killed. */
async function takeTurns(pair: Pair, baseline: Baseline): Promise<Verdict> {
  const { first, second, living, killFirst } = pair;
  let answering = first;
  let sent = 0;
  const before: BeforeCall = async (call, round) => {
    if (round === LAST_ROUND) await killFirst();
    answering = (baseline.calls.indexOf(call) + round) % 2 === 0 ? first : second;
  };
  const open = (word: string) => {
    const url = () => {
      sent += 1;
      return living(answering).url;
    };
    return connectClient(httpChannel(url, second.headersOf(word)), word, 45_000);
  };
  const found = await baseline.compare('solo', await visitAlone(open, baseline.calls, before), 'answers');
  return verdict(found, `${sent} requests over two processes, one killed before the last round, none lost`);
}

/** With sessions a balancer sends a client to the process that has its own, and to another when that is gone. */
async function stayWithOwner(pair: Pair, baseline: Baseline, fate: Fate): Promise<Verdict> {
  const { first, second, living, killFirst } = pair;
  const before: BeforeCall = async (_call, round) => {
    if (round === LAST_ROUND) await killFirst();
  };
  const open = (word: string) => {
    const owner = living(word === ALPHA ? first : second);
    return connectClient(
      httpChannel(() => living(owner).url, second.headersOf(word), { reconnects: true }),
      word,
      45_000,
    );
  };
  const { alpha, beta, later } = await visitTogether(open, baseline.calls, before);
  const [kept, moved] = fate === 'goes on' ? [alpha, []] : parted(alpha);
  const found = [
    ...named('the killed process’s client', await baseline.compare('alpha', kept, 'answers')),
    ...named(
      'the killed process’s client',
      moved.flatMap((step) => unexpected(step, fate)),
    ),
    ...named('the other process’s client', await baseline.compare('beta', beta, 'answers')),
    ...named('a client after the kill', await baseline.compare('later', later, 'answers')),
  ];
  const steps = alpha.steps.length + beta.steps.length + later.steps.length;
  return verdict(found, `${steps} calls over two processes; the session of the one that was killed ${fate}`);
}

const named = (who: string, lines: readonly string[]) => lines.map((line) => `${who}: ${line}`);

/** What was said before the kill, and the steps after it. */
const parted = (transcript: Transcript): [Transcript, readonly Step[]] => [
  { ...transcript, steps: transcript.steps.filter((step) => !isLast(step)) },
  transcript.steps.filter(isLast),
];

/** How a step after the kill is other than what the session’s fate promises. */
function unexpected({ key, outcome }: Step, fate: Fate): string[] {
  const code = 'error' in outcome ? outcome.error.code : undefined;
  const promised = fate === 'is gone' ? code === SESSION_NOT_FOUND : code !== 'lost' && code !== 'timeout';
  return promised ? [] : [`${key}: the session ${fate}, but ${excerpt(outcome)}`];
}
