import { serverConstructions } from './client-program.js';
import type { ConnectSite } from './connect.js';
import { CredentialValues } from './credential-values.js';
import type { CredentialReads } from './credentials.js';
import { Effects } from './effects.js';
import { frameOf } from './frame.js';
import { keptByServer } from './kept-by-server.js';
import { keepsConnectionOnly } from './kept-connection.js';
import type { StateDeclaration } from './lasting.js';
import { addDerived, asRequested, judgeAll, type Lifetimes, type StateChoices } from './lifetimes.js';
import { effectsAtTop, statementsAtTop, statementsElsewhere } from './module-effects.js';
import { OnTheWay } from './on-the-way.js';
import { OtherBranches } from './other-branches.js';
import { takenPorts } from './ports.js';
import type { Sources, ts } from './source.js';
import { type StateFinding, StateJudge } from './state.js';
import { takenAtStart } from './taken-at-start.js';
import { Timing } from './timing.js';
import { findUnfollowed } from './unfollowed.js';
import { ValueFlow } from './value-flow.js';

/**
 * The lifetimes of a program that comes by itself to the function that serves a client: what stands inside the function
 * is repeated for each, everything else runs once, and nothing is moved.
 */
export function findProgramLifetimes(
  sources: Sources,
  site: ConnectSite & { readonly program: ts.FunctionLikeDeclaration },
  choices: StateChoices,
  credentials: CredentialReads,
): Lifetimes {
  const frame = frameOf(sources, site);
  const effects = new Effects(sources, credentials.roots);
  const flow = ValueFlow.of(sources);
  const isolated = new Map<ts.Symbol, StateDeclaration>();
  const values = new CredentialValues(sources, effects);
  const none: ReadonlySet<ts.Statement> = new Set();
  const body = site.program.body!;
  const timing = new Timing(sources, flow, new Set<ts.Node>([body]), undefined);
  const judge = new StateJudge(sources, flow, timing);
  if (credentials.names.size > 0) addDerived(sources, effects, isolated, frame, none);
  const aside = new OtherBranches(sources, site);
  let findings: readonly StateFinding[] = [];
  for (let size = -1; size !== isolated.size; ) {
    size = isolated.size;
    findings = [
      ...judgeAll(sources, judge, choices, isolated, frame, none, values),
      ...judge
        .judgeSetUp()
        .filter((one) => !aside.has(one.declaration) && !keepsConnectionOnly(sources, site, one))
        .map(asRequested(choices)),
    ];
    for (const finding of findings)
      if (finding.decision === 'isolate' && !finding.stuck && !finding.separated && finding.symbol)
        isolated.set(finding.symbol, finding.declaration as StateDeclaration);
    addDerived(sources, effects, isolated, frame, none);
  }
  const way = new OnTheWay(sources, site.program, new Set(isolated.keys()));
  const outside = serverConstructions(sources)
    .filter((made) => !timing.isPerClient(made))
    .map(sharedServer);
  // Statements that fill what each client has for itself, and run once.
  const onlyOnce = new Set([
    ...statementsElsewhere(sources, effects, frame, isolated),
    ...effectsAtTop(sources, effects, [frame.file], isolated),
    ...statementsAtTop(sources, sources.files.values()).filter((one) => way.changes(one)),
  ]);
  const taken = new Set<ts.Node>(takenAtStart(sources, effects, findings, isolated));
  return {
    frame,
    server: none,
    transport: none,
    serverNames: new Set(),
    elsewhere: [...onlyOnce],
    taken: [],
    // There is no place in such a program where they could be made for each client.
    findings: [
      ...findings.map((one) => (taken.has(one.declaration) ? { ...one, stuck: true } : one)),
      ...outside,
    ],
    isolated,
    kept: keptByServer(sources, flow, effects, [body], site.program),
    loadedLater: [],
    takenPorts: takenPorts(sources, [body]),
    cleanUpsLeft: [],
    unfollowed:
      credentials.names.size === 0
        ? []
        : findUnfollowed(sources, credentials, effects, values, {
            frame,
            isolated,
            perClient: none,
            transport: none,
            timing,
          }),
  };
}

const sharedServer = (made: ts.NewExpression): StateFinding => ({
  name: made.getText().split('(')[0]!,
  declaration: made,
  stuck: true,
  kind: 'captures-server',
  writes: [],
  decision: 'isolate',
  reason: 'it is made before the program comes to where it serves a client',
});
