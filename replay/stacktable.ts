// stacktable: each distinct stack of a log gets a small number, straight from the log's bytes.
//
// A log repeats a few hundred stacks hundreds of thousands of times. So nothing is made per event: a name is looked up by the
// hash of its bytes, compared byte for byte with the one it may be, and only a name never seen before is copied (and becomes a
// string when somebody asks for it). Three tables stand on each other, each open-addressed with ids that count from 1; 0 is none:
//
//   word    a run of bytes: a function's name, or `file:line`      key: the bytes
//   frame   a function at a place                                  key: two words
//   stack   frames, leaf first                                     key: the list of frames
//
// A hash only proposes; the key decides. Two keys with one hash are two entries, however bad the hash is.
// The log is UTF-8, and only strings that leave this file are decoded.

const firstSlots = 1024; // per table; a power of two, doubled when half full
const prime = 0x01000193; // FNV-1a's

/** Frames and stacks by number. Made for one log; ids are in the order of first appearance, so the same log gives the same ids. */
export class StackTable {
  // Words: word w is pool[wordEnd[w - 1] .. wordEnd[w]).
  private pool = new Uint8Array(1 << 14);
  private wordEnd = new Int32Array(firstSlots);
  private wordHash = new Int32Array(firstSlots);
  private wordSlots = new Int32Array(firstSlots); // word ids; 0 is a free slot
  private words = 0;

  // Frames: two columns of words.
  private frameFunctionWord = new Int32Array(firstSlots);
  private framePlaceWord = new Int32Array(firstSlots);
  private frameSlots = new Int32Array(firstSlots);
  private frames = 0;
  private readonly functionText: (string | undefined)[] = [];
  private readonly placeText: (string | undefined)[] = [];

  // Stacks: stack s is list[stackEnd[s - 1] .. stackEnd[s]). The stack being read lies behind the last one, until endStack keeps it.
  private list = new Int32Array(firstSlots);
  private stackEnd = new Int32Array(firstSlots);
  private stackHash = new Int32Array(firstSlots);
  private stackSlots = new Int32Array(firstSlots);
  private stacks = 0;
  private building = 0; // where the next frame of the stack being read goes in list

  /** How many distinct frames there are; their ids are 1 to frameCount. */
  get frameCount(): number {
    return this.frames;
  }

  /** How many distinct stacks there are; their ids are 1 to stackCount. The empty stack is 0 and not counted. */
  get stackCount(): number {
    return this.stacks;
  }

  /** Function name of a frame as Go prints it, such as `runtime.(*mcache).refill`. RangeError for an id that there is not. */
  frameFunction(frame: number): string {
    this.checkFrame(frame);
    return (this.functionText[frame] ??= this.wordText(this.frameFunctionWord[frame]));
  }

  /** Place of a frame, `file:line`. RangeError for an id that there is not. */
  frameFile(frame: number): string {
    this.checkFrame(frame);
    return (this.placeText[frame] ??= this.wordText(this.framePlaceWord[frame]));
  }

  /** `function file:line` of a frame, the form in which profiles are compared. RangeError for an id that there is not. */
  frameText(frame: number): string {
    return `${this.frameFunction(frame)} ${this.frameFile(frame)}`;
  }

  /** Frame ids of a stack, leaf first: a view that is good until the table grows. Empty for 0; RangeError for an id that there is not. */
  stackFrames(stack: number): Int32Array {
    if (!(stack >= 0 && stack <= this.stacks)) throw new RangeError(`stack: got ${stack}, wanted 0 to ${this.stacks}`);
    return stack === 0 ? this.list.subarray(0, 0) : this.list.subarray(this.stackEnd[stack - 1], this.stackEnd[stack]);
  }

  // ---- For the parser: words, then frames, then the stack that they make. ----

  /** Id of the word bytes[from .. to). */
  word(bytes: Uint8Array, from: number, to: number): number {
    let hash = to - from;
    for (let i = from; i < to; i++) hash = Math.imul(hash ^ bytes[i], prime);
    hash ^= hash >>> 15; // the high bits are the better ones
    const { pool, wordEnd, wordHash, wordSlots } = this;
    const mask = wordSlots.length - 1;
    const length = to - from;
    let slot = hash & mask;
    for (let word = wordSlots[slot]; word !== 0; word = wordSlots[slot]) {
      if (wordHash[word] === hash) {
        let at = wordEnd[word - 1];
        if (wordEnd[word] - at === length) {
          let i = from;
          while (i < to && bytes[i] === pool[at]) {
            i++;
            at++;
          }
          if (i === to) return word; // nearly always
        }
      }
      slot = (slot + 1) & mask;
    }
    return this.newWord(bytes, from, to, hash, slot);
  }

  /** Puts the frame (function word, place word) at the root end of the stack being read. */
  addFrame(functionWord: number, placeWord: number): void {
    const { frameFunctionWord, framePlaceWord, frameSlots } = this;
    const mask = frameSlots.length - 1;
    let slot = frameKeyHash(functionWord, placeWord) & mask;
    let frame = frameSlots[slot];
    while (frame !== 0 && (frameFunctionWord[frame] !== functionWord || framePlaceWord[frame] !== placeWord)) {
      slot = (slot + 1) & mask;
      frame = frameSlots[slot];
    }
    if (frame === 0) frame = this.newFrame(functionWord, placeWord, slot);
    if (this.building === this.list.length) this.list = grow(this.list);
    this.list[this.building++] = frame;
  }

  /** Ends the stack being read: its id, and the next stack begins empty. */
  endStack(): number {
    const { list, stackEnd, stackHash, stackSlots } = this;
    const start = stackEnd[this.stacks];
    const end = this.building;
    if (end === start) return 0;
    let hash = end - start;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ list[i], prime);
    hash ^= hash >>> 15;
    const mask = stackSlots.length - 1;
    let slot = hash & mask;
    for (let stack = stackSlots[slot]; stack !== 0; stack = stackSlots[slot]) {
      if (stackHash[stack] === hash) {
        let at = stackEnd[stack - 1];
        if (stackEnd[stack] - at === end - start) {
          let i = start;
          while (i < end && list[i] === list[at]) {
            i++;
            at++;
          }
          if (i === end) {
            this.building = start;
            return stack;
          }
        }
      }
      slot = (slot + 1) & mask;
    }
    return this.newStack(hash, slot);
  }

  // ---- New entries: rare. ----

  private newWord(bytes: Uint8Array, from: number, to: number, hash: number, slot: number): number {
    const start = this.wordEnd[this.words];
    const end = start + (to - from);
    while (end > this.pool.length) {
      const pool = new Uint8Array(this.pool.length * 2);
      pool.set(this.pool);
      this.pool = pool;
    }
    this.pool.set(bytes.subarray(from, to), start);
    const word = ++this.words;
    if (word === this.wordEnd.length) {
      this.wordEnd = grow(this.wordEnd);
      this.wordHash = grow(this.wordHash);
    }
    this.wordEnd[word] = end;
    this.wordHash[word] = hash;
    this.wordSlots[slot] = word;
    if (word * 2 > this.wordSlots.length) this.wordSlots = rehash(this.wordSlots, word, (w) => this.wordHash[w]);
    return word;
  }

  private newFrame(functionWord: number, placeWord: number, slot: number): number {
    const frame = ++this.frames;
    if (frame === this.frameFunctionWord.length) {
      this.frameFunctionWord = grow(this.frameFunctionWord);
      this.framePlaceWord = grow(this.framePlaceWord);
    }
    this.frameFunctionWord[frame] = functionWord;
    this.framePlaceWord[frame] = placeWord;
    this.frameSlots[slot] = frame;
    if (frame * 2 > this.frameSlots.length) {
      this.frameSlots = rehash(this.frameSlots, frame, (f) => frameKeyHash(this.frameFunctionWord[f], this.framePlaceWord[f]));
    }
    return frame;
  }

  private newStack(hash: number, slot: number): number {
    const stack = ++this.stacks;
    if (stack === this.stackEnd.length) {
      this.stackEnd = grow(this.stackEnd);
      this.stackHash = grow(this.stackHash);
    }
    this.stackEnd[stack] = this.building;
    this.stackHash[stack] = hash;
    this.stackSlots[slot] = stack;
    if (stack * 2 > this.stackSlots.length) this.stackSlots = rehash(this.stackSlots, stack, (s) => this.stackHash[s]);
    return stack;
  }

  private wordText(word: number): string {
    return Buffer.from(this.pool.buffer, this.wordEnd[word - 1], this.wordEnd[word] - this.wordEnd[word - 1]).toString('utf8');
  }

  private checkFrame(frame: number): void {
    if (!(frame >= 1 && frame <= this.frames)) throw new RangeError(`frame: got ${frame}, wanted 1 to ${this.frames}`);
  }
}

function frameKeyHash(functionWord: number, placeWord: number): number {
  const hash = Math.imul(functionWord, 0x9e3779b1 | 0) ^ Math.imul(placeWord, 0x85ebca6b | 0);
  return hash ^ (hash >>> 15);
}

/** The same numbers in a column twice as long. */
function grow(column: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(column.length * 2);
  longer.set(column);
  return longer;
}

/** Slots twice as many, with the ids 1 to count put in again by their hashes. */
function rehash(slots: Int32Array, count: number, hashOf: (id: number) => number): Int32Array<ArrayBuffer> {
  const more = new Int32Array(slots.length * 2);
  const mask = more.length - 1;
  for (let id = 1; id <= count; id++) {
    let slot = hashOf(id) & mask;
    while (more[slot] !== 0) slot = (slot + 1) & mask;
    more[slot] = id;
  }
  return more;
}
