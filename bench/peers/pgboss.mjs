// pg-boss, on the PostgreSQL at PGURL. Backlogs are run by fetch and complete, 100 a call, 8 loops: the fastest way that
// it documents.
import PgBoss from "pg-boss";
import { CALLERS, CONCURRENCY, Count, JOBS, each, fill, now, sleep, tellRate, tellStarts, wants } from "./lib.mjs";

const boss = new PgBoss({ connectionString: process.env.PGURL, max: 32 });
boss.on("error", console.error);
await boss.start();

async function newQueue(name) {
  const queue = `${name}-${process.pid}`;
  await boss.createQueue(queue);
  return queue;
}

async function runAll(queue) {
  const count = new Count(JOBS);
  const loop = async () => {
    while (count.left > 0) {
      const jobs = (await boss.fetch(queue, { batchSize: 100 })) ?? [];
      if (jobs.length === 0) {
        await sleep(1);
        continue;
      }
      await boss.complete(queue, jobs.map((job) => job.id));
      count.hit(jobs.length);
    }
  };
  await Promise.all(Array.from({ length: 8 }, loop));
}

if (wants("drain")) {
  const queue = await newQueue("drain");
  await fill((numbers) => boss.insert(numbers.map((n) => ({ name: queue, data: { n } }))));
  const began = now();
  await runAll(queue);
  tellRate("drain", began);
}
if (wants("lives")) {
  const queue = await newQueue("lives");
  const began = now();
  await Promise.all([runAll(queue), each(JOBS, CALLERS, (n) => boss.send(queue, { n }))]);
  tellRate("lives", began);
}
if (wants("create")) {
  const queue = await newQueue("create");
  const began = now();
  await each(JOBS, CALLERS, (n) => boss.send(queue, { n }));
  tellRate("create", began);
}
if (wants("start")) {
  const queue = await newQueue("start");
  // It polls; half a second is the shortest that it allows.
  const options = { batchSize: CONCURRENCY, pollingIntervalSeconds: 0.5 };
  const run = (began) => boss.work(queue, options, async (jobs) => jobs.forEach((job) => began(job.data.sent)));
  await tellStarts(run, (sent) => boss.send(queue, { sent }));
}
process.exit(0);
