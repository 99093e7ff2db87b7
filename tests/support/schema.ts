// Checks a value against a JSON schema of draft 7, as far as the schemas that we have go: an unknown keyword is an error, so that
// nothing is left unchecked by accident.

type Schema = Readonly<Record<string, unknown>>;

const ignored = new Set(['$schema', 'title', 'definitions', 'description']);

/** What is wrong, `place: fact`; empty when the value is valid. */
export function schemaFaults(root: Schema, value: unknown): string[] {
  const check = (schema: Schema, v: unknown, at: string): string[] => {
    const out: string[] = [];
    for (const [key, want] of Object.entries(schema)) {
      if (ignored.has(key)) continue;
      const object = typeof v === 'object' && v !== null ? (v as Record<string, unknown>) : {};
      if (key === '$ref') out.push(...check(resolve(root, String(want)), v, at));
      else if (key === 'type') {
        if (typeOf(v) !== want) out.push(`${at}: ${typeOf(v)}, wanted ${String(want)}`);
      } else if (key === 'const') {
        if (v !== want) out.push(`${at}: ${JSON.stringify(v)}, wanted ${JSON.stringify(want)}`);
      } else if (key === 'enum') {
        if (!(want as unknown[]).includes(v)) out.push(`${at}: ${JSON.stringify(v)}, wanted one of ${JSON.stringify(want)}`);
      } else if (key === 'required') {
        for (const name of want as string[]) if (!Object.hasOwn(object, name)) out.push(`${at}: ${name} is missing`);
      } else if (key === 'properties') {
        for (const [name, part] of Object.entries(want as Record<string, Schema>)) {
          if (Object.hasOwn(object, name)) out.push(...check(part, object[name], `${at}.${name}`));
        }
      } else if (key === 'items') {
        if (Array.isArray(v)) out.push(...v.flatMap((item, i) => check(want as Schema, item, `${at}[${i}]`)));
      } else if (key === 'anyOf') {
        const tries = (want as Schema[]).map((part) => check(part, v, at));
        if (tries.every((faults) => faults.length > 0)) out.push(...tries.flat());
      } else throw new Error(`schema: keyword ${key} is not known here`);
    }
    return out;
  };
  return check(root, value, '$');
}

function resolve(root: Schema, ref: string): Schema {
  let at: unknown = root;
  for (const name of ref.replace(/^#\//, '').split('/')) at = (at as Schema)[name];
  return at as Schema;
}

function typeOf(v: unknown): string {
  return v === null ? 'null' : Array.isArray(v) ? 'array' : typeof v;
}
