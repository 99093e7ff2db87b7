// eventually: what must be true in the end. Safety is asserted where it could break; that something happens at all can only be
// asked when nothing can happen any more.
import type { Go } from '../runtime/go.ts';
import { ExploringSched } from './sched.ts';

/**
 * Says that `holds` must give true when the schedule has come to its end: all goroutines have ended, or wait for ever. If not, the
 * schedule fails with the verdict `eventually` and this name (a deadlock or a leak comes first). Outside of exploring: nothing.
 */
export function eventually(go: Go, name: string, holds: () => boolean): void {
  if (typeof holds !== 'function')
    throw new TypeError(`eventually '${name}': got ${typeof holds}, wanted a function that gives true or false`);
  const { sched } = go.ctx;
  if (sched instanceof ExploringSched) sched.properties.push({ name, holds });
}
