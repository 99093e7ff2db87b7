// utf8: between JavaScript's strings and bytes, as Go converts: what is no character becomes U+FFFD, one for each wrong byte
// (unicode/utf8) or unpaired surrogate. Written out because the core knows no TextEncoder.

const replacement = 0xfffd;

/** Bytes that a string takes. */
export function utf8Length(text: string): number {
  let n = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 0x80) n++;
    else if (c < 0x800) n += 2;
    else if (isHigh(c) && isLow(text.charCodeAt(i + 1))) {
      n += 4;
      i++;
    } else n += 3;
  }
  return n;
}

/** Writes a string's bytes from `at` on. */
export function utf8Write(text: string, out: Uint8Array, at: number): void {
  for (const character of text) {
    const point = character.codePointAt(0)!;
    const c = point >= 0xd800 && point < 0xe000 ? replacement : point;
    if (c < 0x80) out[at++] = c;
    else {
      const more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3; // bytes behind the first
      out[at++] = (c >>> (6 * more)) | ((0xff00 >>> (more + 1)) & 0xff);
      for (let k = more - 1; k >= 0; k--) out[at++] = 0x80 | ((c >>> (6 * k)) & 0x3f);
    }
  }
}

/** The string that bytes [from, to) stand for. */
export function utf8Read(bytes: Uint8Array, from: number, to: number): string {
  let text = '';
  for (let at = from; at < to; ) {
    const first = bytes[at]!;
    if (first < 0x80) {
      text += String.fromCharCode(first);
      at++;
      continue;
    }
    const more = first >= 0xc2 && first < 0xe0 ? 1 : first >= 0xe0 && first < 0xf0 ? 2 : first >= 0xf0 && first < 0xf5 ? 3 : 0;
    let c = first & (0x3f >>> more);
    let n = 0;
    for (; n < more && at + 1 + n < to && (bytes[at + 1 + n]! & 0xc0) === 0x80; n++) c = (c << 6) | (bytes[at + 1 + n]! & 0x3f);
    const whole = more > 0 && n === more && c >= shortest[more]! && c <= 0x10ffff && (c < 0xd800 || c >= 0xe000);
    text += String.fromCodePoint(whole ? c : replacement);
    at += whole ? 1 + more : 1;
  }
  return text;
}

/** Smallest character that takes 1, 2, 3 bytes more: an overlong form is no character. */
const shortest = [0, 0x80, 0x800, 0x10000];

const isHigh = (c: number) => c >= 0xd800 && c < 0xdc00;
const isLow = (c: number) => c >= 0xdc00 && c < 0xe000;
