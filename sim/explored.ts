// explored: what every thing of a schedule has, whatever it is: a kind, a name, a number, and the world that it lies in. The channels,
// locks and variables of schedules are the shipped ones with this on top; things.ts has the idea.
import type { ExploringSched } from './sched.ts';
import type { Thing } from './types.ts';

/** What is on top. */
export interface Explored extends Thing {
  readonly world: ExploringSched;
  /** See Operand. */
  line: number;
}

/** A class of things that know their scheduler. */
// biome-ignore lint/suspicious/noExplicitAny: what TypeScript wants of a class that another one is made of
type Shipped = new (...made: any[]) => object;

/** A shipped class with the rest on top. what: see Thing. The class's scheduler must be one that explores. */
// biome-ignore lint/suspicious/noExplicitAny: as above
export function explored<B extends Shipped>(what: string, Base: B): B & (new (...made: any[]) => Explored) {
  return class extends Base implements Explored {
    readonly world: ExploringSched;
    readonly name: string;
    readonly id: number;
    line = 0;

    // biome-ignore lint/suspicious/noExplicitAny: as above
    constructor(...made: any[]) {
      super(...made);
      const { sched, name = '' } = this as unknown as { sched: ExploringSched; name?: string };
      this.world = sched;
      this.name = name; // variables have one of their own
      this.id = ++sched.things;
    }

    get what(): string {
      return what;
    }
  };
}
