// BullMQ, on the Redis at REDIS_PORT.
import { Queue, Worker } from "bullmq";
import { CALLERS, CONCURRENCY, JOBS, each, fill, now, tellRate, tellStarts, untilNone, wants } from "./lib.mjs";

const connection = { host: "127.0.0.1", port: Number(process.env.REDIS_PORT) };
const queue = new Queue("bench", { connection });
await queue.waitUntilReady();
const work = (handler) => new Worker("bench", handler, { connection, concurrency: CONCURRENCY });
const completed = () => untilNone(async () => JOBS - (await queue.getCompletedCount()));

if (wants("drain")) {
  await fill((numbers) => queue.addBulk(numbers.map((n) => ({ name: "job", data: { n } }))));
  const began = now();
  const worker = work(async () => {});
  await completed();
  tellRate("drain", began);
  await worker.close();
  await queue.obliterate({ force: true });
}
if (wants("lives")) {
  const worker = work(async () => {});
  await worker.waitUntilReady();
  const began = now();
  await each(JOBS, CALLERS, (n) => queue.add("job", { n }));
  await completed();
  tellRate("lives", began);
  await worker.close();
  await queue.obliterate({ force: true });
}
if (wants("start")) {
  const run = (began) => work(async (job) => began(job.data.sent)).waitUntilReady();
  await tellStarts(run, (sent) => queue.add("job", { sent }));
}
process.exit(0);
