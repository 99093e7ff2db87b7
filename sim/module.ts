// module: programs in files of their own, which several threads can load.
import { startable } from './options.ts';
import type { Program, ProgramModule } from './types.ts';

/** Loads a program. TypeError: there is no such module, it cannot be loaded, or it has no such program. */
export async function programOf({ module, name = 'default' }: ProgramModule): Promise<Program> {
  let exported: Record<string, unknown>;
  try {
    exported = (await import(module)) as Record<string, unknown>;
  } catch (error) {
    const words = error instanceof Error ? error.message.split('\n')[0]! : String(error);
    throw new TypeError(`the program's module ${module} cannot be loaded: ${words}`, { cause: error });
  }
  if (!(name in exported)) {
    throw new TypeError(`the program's module ${module} exports no '${name}'; it has ${Object.keys(exported).join(', ') || 'nothing'}`);
  }
  startable(exported[name]);
  return exported[name] as Program;
}

/** Whether something names a program in a module. */
export function isModule(program: Program | ProgramModule): program is ProgramModule {
  return typeof program === 'object' && program !== null && typeof program.module === 'string';
}
