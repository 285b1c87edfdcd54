import { callsOf } from './calls.js';
import type { Effects } from './effects.js';
import { runsAtEnd } from './signal-handlers.js';
import { descendants, enclosingFunction, type Sources, ts } from './source.js';
import { type StateFinding, StateJudge } from './state.js';
import { immediateCaller } from './timing.js';
import type { ValueFlow } from './value-flow.js';

/**
 * What one server remembers between calls in the variables and objects that building it makes. Each client has
 * its own by construction; it only tells that a server must live as long as its client.
 *
 * @param roots the code that builds the server
 * @param setUp the function around it, whose variables live as long
 */
export function keptByServer(
  sources: Sources,
  flow: ValueFlow,
  effects: Effects,
  roots: readonly ts.Node[],
  setUp: ts.FunctionLikeDeclaration | undefined,
): StateFinding[] {
  const bodies = effects.bodiesRunBy(roots);
  const later = new Later(sources, bodies, setUp);
  const judge = new StateJudge(sources, flow, later);
  const scopes: ts.Node[] = [...roots, ...bodies];
  const variables = scopes.flatMap((scope) =>
    descendants(scope, ts.isVariableDeclaration).filter((variable) => !later.isPerClient(variable)),
  );
  const instances = scopes.flatMap((scope) =>
    descendants(scope, ts.isNewExpression).filter((made) => !later.isPerClient(made)),
  );
  const found: StateFinding[] = [];
  for (const variable of new Set(variables)) {
    const named = ts.isIdentifier(variable.name) ? [judge.judge(variable)] : judge.judgePattern(variable);
    for (const finding of named) if (finding?.decision === 'isolate') found.push(finding);
  }
  for (const made of new Set(instances)) {
    const finding = judge.judgeInstance(made);
    if (finding && !found.some((known) => known.symbol === finding.symbol)) found.push(finding);
  }
  return found;
}

/** Tells code that runs after a server was built from the code that builds it. */
class Later {
  private readonly known = new Map<ts.Node, boolean>();

  constructor(
    private readonly sources: Sources,
    private readonly bodies: ReadonlySet<ts.Node>,
    private readonly setUp: ts.FunctionLikeDeclaration | undefined,
  ) {}

  isPerClient(node: ts.Node): boolean {
    let fn = enclosingFunction(node);
    for (let caller = fn && immediateCaller(fn); fn && caller; caller = fn && immediateCaller(fn))
      fn = enclosingFunction(caller);
    if (!fn || fn === this.setUp || ts.isConstructorDeclaration(fn)) return false;
    if (runsAtEnd(this.sources, fn)) return false;
    return !fn.body || !this.bodies.has(fn.body) || this.calledLater(fn);
  }

  private calledLater(fn: ts.FunctionLikeDeclaration): boolean {
    const known = this.known.get(fn);
    if (known !== undefined) return known;
    this.known.set(fn, false);
    const answer = callsOf(this.sources, fn).some((call) => this.isPerClient(call));
    this.known.set(fn, answer);
    return answer;
  }
}
