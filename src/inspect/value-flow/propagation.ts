import type { Thing } from './thing.js';

/** A place through which things flow: a variable, a property, a parameter, the value of an expression. */
export class Slot {
  readonly things = new Set<Thing>();
  readonly targets = new Set<Slot>();
  readonly watchers: ((thing: Thing) => void)[] = [];
}

/** The solver: slots, the inclusions between them, and what is still to be carried along them. */
export class Propagation {
  private readonly slots = new Map<object, Slot>();
  private readonly pending: [Slot, Thing][] = [];

  /** The slot of a symbol, a piece of syntax, or another key; made on first use. */
  slotOf(key: object): Slot {
    let slot = this.slots.get(key);
    if (!slot) {
      slot = new Slot();
      this.slots.set(key, slot);
    }
    return slot;
  }

  hasSlot(key: object): boolean {
    return this.slots.has(key);
  }

  put(thing: Thing, slot: Slot): void {
    if (slot.things.has(thing)) return;
    slot.things.add(thing);
    this.pending.push([slot, thing]);
  }

  /** What is in `from` is in `to`, too. */
  flow(from: Slot, to: Slot): void {
    if (from === to || from.targets.has(to)) return;
    from.targets.add(to);
    for (const thing of from.things) this.put(thing, to);
  }

  /** Calls back once for each thing that is or comes to be in a slot. */
  watch(slot: Slot, seen: (thing: Thing) => void): void {
    slot.watchers.push(seen);
    for (const thing of [...slot.things]) seen(thing);
  }

  /** Carries everything along until nothing moves. */
  settle(): void {
    for (let next = this.pending.pop(); next; next = this.pending.pop()) {
      const [slot, thing] = next;
      for (const target of slot.targets) this.put(thing, target);
      for (const watcher of slot.watchers) watcher(thing);
    }
  }
}
