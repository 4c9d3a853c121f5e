// graphile-worker, on the PostgreSQL at PGURL; with TUNED=1 as its own benchmark sets it: 500 jobs fetched at once,
// completions batched.
import { Logger, makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";
import { CALLERS, CONCURRENCY, JOBS, each, fill, now, tellRate, tellStarts, untilNone, wants } from "./lib.mjs";

const connectionString = process.env.PGURL;
const logger = new Logger(() => () => {});
const preset = process.env.TUNED
  ? { worker: { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 } }
  : {};

function pool(max) {
  const made = new pg.Pool({ connectionString, max });
  // Connections that are cut at the end of a run.
  made.on("error", () => {});
  made.on("connect", (client) => client.on("error", () => {}));
  return made;
}

const adds = pool(32);
const utils = await makeWorkerUtils({ pgPool: adds, logger });
await utils.migrate();
const clear = () => adds.query("truncate graphile_worker._private_jobs");
await clear();

async function work(handler) {
  const pgPool = pool(16);
  const taskList = { job: handler };
  const runner = await run({ pgPool, concurrency: CONCURRENCY, noHandleSignals: true, logger, preset, taskList });
  return async () => {
    await runner.stop();
    await pgPool.end();
  };
}

const done = () =>
  untilNone(async () => {
    const { rows } = await adds.query("select count(*)::int as count from graphile_worker._private_jobs");
    return rows[0].count;
  });

if (wants("drain")) {
  await fill((numbers) => utils.addJobs(numbers.map((n) => ({ identifier: "job", payload: { n } }))));
  const began = now();
  const stop = await work(async () => {});
  await done();
  tellRate("drain", began);
  await stop();
}
if (wants("lives")) {
  const stop = await work(async () => {});
  const began = now();
  await each(JOBS, CALLERS, (n) => utils.addJob("job", { n }));
  await done();
  tellRate("lives", began);
  await stop();
}
if (wants("create")) {
  await clear();
  const began = now();
  await each(JOBS, CALLERS, (n) => utils.addJob("job", { n }));
  tellRate("create", began);
}
if (wants("start")) {
  await tellStarts((began) => work(async ({ sent }) => began(sent)), (sent) => utils.addJob("job", { sent }));
}
process.exit(0);
