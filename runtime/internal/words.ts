// words: numbers in text, the same wherever people read them.

/** 1234567 -> 1,234,567. */
export function count(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** `1 stack`, `2 stacks`; what the word is for many, where it is not what + s. */
export function plural(n: number, what: string, many = `${what}s`): string {
  return `${count(n)} ${n === 1 ? what : many}`;
}
