// interrupt: SIGINT (Ctrl-C) and SIGTERM (what Kubernetes and Slurm send before they kill). By default they end the command at once;
// who has something to finish says so here, and a second signal ends it all the same.

type Handler = (exitCode: number) => void;

const codes = { SIGINT: 130, SIGTERM: 143 } as const;
let handler: Handler | null = null;

/** Called once, by the command's main thread. */
export function listenToSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      const told = handler;
      handler = null;
      if (told === null) process.exit(codes[signal]);
      told(codes[signal]);
    });
  }
}

/** Calls back at the next signal, in place of ending the command. Returns how to take that back. */
export function whenInterrupted(then: Handler): () => void {
  handler = then;
  return () => {
    if (handler === then) handler = null;
  };
}
