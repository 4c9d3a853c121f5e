// What the peers' scripts share. Each runs the phases that PHASES names and tells each as one line of JSON:
//   {"phase": "drain" | "lives" | "create", "per_second": 123.4}   or   {"phase": "start", "p50_ms": .., "p99_ms": .., "max_ms": ..}
const number = (name, otherwise) => Number(process.env[name] ?? otherwise);

/** Jobs of a backlog, and of a stretch in which jobs are added while they are run. */
export const JOBS = number("JOBS", 10_000);
/** Adds in flight at once. */
export const CALLERS = 64;
/** Jobs run at once. */
export const CONCURRENCY = 50;
/** Jobs of one bulk add. */
export const BULK = 1_000;
/** Adds a second while the way to a handler is measured, and for how long. */
const RATE = number("RATE", 50);
const SECONDS = number("SECONDS", 10);

const phases = (process.env.PHASES ?? "drain,lives,start").split(",");
export const wants = (phase) => phases.includes(phase);

/** Milliseconds since the epoch, with a fraction. */
export const now = () => performance.timeOrigin + performance.now();
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export function tell(phase, figures) {
  console.log(JSON.stringify({ phase, ...figures }));
}

/** Tells how many jobs a second were done since `began`. */
export const tellRate = (phase, began, jobs = JOBS) =>
  tell(phase, { per_second: (jobs * 1_000) / (now() - began) });

/** Calls `call(n)` for n in [0, count), so many in flight. */
export async function each(count, inFlight, call) {
  let next = 0;
  const caller = async () => {
    while (next < count) await call(next++);
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
}

/** Adds JOBS jobs, BULK a call, 4 calls in flight; `add(numbers)` adds those. */
export const fill = (add) =>
  each(JOBS / BULK, 4, (batch) => add(Array.from({ length: BULK }, (_, n) => batch * BULK + n)));

/** Counts jobs; `done` resolves at the `wanted`th. */
export class Count {
  #left;
  #resolve;
  constructor(wanted) {
    this.#left = wanted;
    this.done = new Promise((resolve) => (this.#resolve = resolve));
  }
  hit(jobs = 1) {
    this.#left -= jobs;
    if (this.#left <= 0) this.#resolve();
  }
  get left() {
    return this.#left;
  }
}

/** Waits until `left()` answers 0. */
export async function untilNone(left) {
  while (await left()) await sleep(2);
}

/**
 * Adds RATE jobs a second, whatever becomes of them, and tells how long each took from just before its add to the first
 * line of its handler. `add(sent)` adds one that carries that time; the handler calls the `began` that `run` is given.
 */
export async function tellStarts(run, add) {
  const count = RATE * SECONDS;
  const times = [];
  const all = new Count(count);
  const began = (sent) => {
    times.push(now() - sent);
    all.hit();
  };
  await run(began);
  await sleep(500);
  const first = now();
  const adds = [];
  for (let n = 0; n < count; n++) {
    await sleep(Math.max(0, first + (n * 1_000) / RATE - now()));
    adds.push(add(now()));
  }
  await Promise.all(adds);
  await all.done;
  tellTimes(times);
}

export function tellTimes(times) {
  const sorted = [...times].sort((a, b) => a - b);
  const quantile = (q) => sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)];
  tell("start", { p50_ms: quantile(0.5), p99_ms: quantile(0.99), max_ms: quantile(1) });
}
