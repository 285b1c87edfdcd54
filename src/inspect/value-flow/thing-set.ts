import type { Thing } from './thing.js';

const FEW = 8;

/** A set of things: few of them as a list, many as one bit for each thing of the program. */
export class ThingSet {
  private few: Thing[] = [];
  private words: Uint32Array | undefined;

  has(thing: Thing): boolean {
    if (!this.words) return this.few.includes(thing);
    const word = this.words[thing.id >>> 5];
    return word !== undefined && (word & (1 << (thing.id & 31))) !== 0;
  }

  /** @returns whether the thing is new in the set */
  add(thing: Thing): boolean {
    if (this.has(thing)) return false;
    if (!this.words && this.few.length < FEW) this.few.push(thing);
    else this.setBit(this.wordsFor(thing.id), thing.id);
    return true;
  }

  /**
   * Adds all of another set.
   *
   * @param fresh takes those that are new in this one
   * @returns whether there are any
   */
  addAll(other: ThingSet, fresh: ThingSet): boolean {
    const from = other.words;
    if (!from) {
      let found = false;
      for (const thing of other.few)
        if (this.add(thing)) {
          fresh.add(thing);
          found = true;
        }
      return found;
    }
    const last = from.length * 32 - 1;
    const to = this.wordsFor(last);
    let freshTo: Uint32Array | undefined;
    for (let index = 0; index < from.length; index++) {
      const added = from[index]! & ~to[index]!;
      if (added === 0) continue;
      to[index]! |= added;
      freshTo ??= fresh.wordsFor(last);
      freshTo[index]! |= added;
    }
    return freshTo !== undefined;
  }

  /** @param program every thing, by its number */
  forEach(program: readonly Thing[], visit: (thing: Thing) => void): void {
    if (!this.words) {
      for (const thing of [...this.few]) visit(thing);
      return;
    }
    for (let index = 0; index < this.words.length; index++)
      for (let rest = this.words[index]!; rest !== 0; rest &= rest - 1)
        visit(program[(index << 5) + 31 - Math.clz32(rest & -rest)]!);
  }

  /** The bits, with room for a number. */
  private wordsFor(id: number): Uint32Array {
    const length = (id >>> 5) + 1;
    if (this.words && this.words.length >= length) return this.words;
    const grown = new Uint32Array(Math.max(length, (this.words?.length ?? 0) + 8));
    if (this.words) grown.set(this.words);
    this.words = grown;
    for (const thing of this.few) this.setBit(this.wordsFor(thing.id), thing.id);
    this.few = [];
    return this.words;
  }

  private setBit(words: Uint32Array, id: number): void {
    words[id >>> 5]! |= 1 << (id & 31);
  }
}
