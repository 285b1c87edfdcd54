import { callsOf, classOf } from './connect.js';
import type { Effects } from './effects.js';
import { descendants, enclosingFunction, type Sources, ts } from './source.js';
import { type StateFinding, StateJudge } from './state.js';
import { immediateCaller } from './timing.js';

/**
 * What one server remembers between calls in the variables and objects that building it makes. Each client has
 * its own by construction; it only tells that a server must live as long as its client.
 *
 * @param roots the code that builds the server
 * @param setUp the function around it, whose variables live as long
 */
export function keptByServer(
  sources: Sources,
  effects: Effects,
  roots: readonly ts.Node[],
  setUp: ts.FunctionLikeDeclaration | undefined,
): StateFinding[] {
  const bodies = effects.bodiesRunBy(roots);
  const later = new Later(sources, bodies, setUp);
  const judge = new StateJudge(sources, later);
  const scopes: ts.Node[] = [...roots, ...bodies];
  const variables = scopes.flatMap((scope) =>
    descendants(scope, ts.isVariableDeclaration).filter((variable) => !later.isPerClient(variable)),
  );
  const instances = scopes.flatMap((scope) =>
    descendants(scope, ts.isNewExpression).filter((made) => !later.isPerClient(made)),
  );
  const found: StateFinding[] = [];
  for (const variable of new Set(variables)) {
    const finding = judge.judge(variable);
    if (finding?.decision === 'isolate') found.push(finding);
  }
  for (const made of new Set(instances)) {
    const owner = classOf(sources, made);
    const writes = owner ? judge.changingMembers(owner) : [];
    const symbol = owner?.name && sources.symbolOf(owner.name);
    if (!owner || !symbol || writes.length === 0 || found.some((finding) => finding.symbol === symbol))
      continue;
    found.push({
      symbol,
      name: owner.name!.text,
      declaration: made,
      kind: 'instance',
      writes,
      decision: 'isolate',
      reason: 'each server has its own, and it changes while its client is served',
    });
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
