import type { ConnectSite } from './connect.js';
import type { Lifetimes } from './lifetimes.js';
import { isInside, type Sources, ts } from './source.js';
import { namesOf } from './statement-names.js';

/**
 * Does a node stand in a statement that stays in the stdio program, or in a declaration that only such statements name,
 * one way or the other: `let lastActivity`, which handlers of stdin write and read?
 */
export function isOnlyOfStdio(
  sources: Sources,
  { factory, server: connected, call }: ConnectSite,
  { frame, server, transport }: Pick<Lifetimes, 'frame' | 'server' | 'transport'>,
  node: ts.Node,
): boolean {
  const { file, before, path, after } = frame;
  const local = new Set<ts.Node>([...before, path, ...after, ...file.statements]);
  const seen = new Set<ts.Statement>();
  const perClient = factory ?? connected ?? call;
  const isLeft = (one: ts.Node): boolean => {
    if (isInside(one, perClient)) return false;
    const statement = ts.findAncestor(one, (at): at is ts.Statement => local.has(at));
    if (!statement || server.has(statement)) return false;
    if (transport.has(statement) || seen.has(statement)) return true;
    seen.add(statement);
    const names = [...namesOf(sources, new Set([statement]))];
    return names.length > 0 && names.every((name) => sources.referencesTo(name).every(isLeft));
  };
  return isLeft(node);
}
