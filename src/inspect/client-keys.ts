import { lastingDeclarations, symbolOfDeclaration } from './lasting.js';
import { type Sources, ts } from './source.js';
import type { When } from './state.js';
import type { Thing, ValueFlow } from './value-flow.js';

/** Tells what is kept for each client already: under an object that only this client has. */
export class ClientKeys {
  private lasting: ReadonlySet<Thing> | undefined;

  constructor(
    private readonly sources: Sources,
    private readonly flow: ValueFlow,
    private readonly timing: When,
  ) {}

  /** `tokens.set(client, token)` of a `WeakMap`, where every client that is ever a key is made for the one that is served. */
  separate(thing: Thing): boolean {
    if (!isWeak(thing)) return false;
    const changes = this.flow.changesTo(thing).filter((place) => this.timing.isPerClient(place));
    return (
      changes.length > 0 &&
      changes.every((place) => {
        const [key] = ts.isCallExpression(place) ? place.arguments : [];
        const keys = key ? [...this.flow.valuesOf(key)] : [];
        return keys.length > 0 && keys.every((one) => this.isOfOneClient(one));
      })
    );
  }

  private isOfOneClient(key: Thing): boolean {
    return this.timing.isPerClient(key.node) && !this.heldForAll().has(key);
  }

  /** What variables of modules hold: the keys of weak collections cannot be read again. */
  private heldForAll(): ReadonlySet<Thing> {
    this.lasting ??= this.flow.reach(
      lastingDeclarations(this.sources).flatMap((declaration) => {
        const symbol = symbolOfDeclaration(this.sources, declaration);
        const held = ts.isPropertyDeclaration(declaration)
          ? this.flow.heldByField(declaration)
          : symbol && this.flow.heldBy(symbol);
        return [...(held ?? [])].filter((thing) => !isWeak(thing));
      }),
    );
    return this.lasting;
  }
}

const isWeak = ({ node }: Thing): boolean =>
  ts.isNewExpression(node) && /^Weak(?:Map|Set)$/.test(node.expression.getText());
