// Restate, its ingress at INGRESS_PORT and its administration at ADMIN_PORT; this script is the service too, at
// SERVICE_PORT. It runs what it is sent at once, so a backlog and jobs that are added while others run are one thing here.
import http from "node:http";

// The SDK needs it; Node has it from 22 on.
Promise.withResolvers ??= () => {
  let resolve, reject;
  const promise = new Promise((yes, no) => ([resolve, reject] = [yes, no]));
  return { promise, resolve, reject };
};
const restate = await import("@restatedev/restate-sdk");
const { CALLERS, Count, JOBS, each, now, sleep, tellRate, tellStarts, wants } = await import("./lib.mjs");

const port = (name) => Number(process.env[name]);
const agent = new http.Agent({ keepAlive: true, maxSockets: 256 });

function post(to, path, body) {
  const data = JSON.stringify(body);
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(data) };
  return new Promise((resolve, reject) => {
    const request = http.request({ host: "127.0.0.1", port: to, method: "POST", path, agent, headers }, (answer) => {
      let text = "";
      answer.on("data", (part) => (text += part));
      answer.on("end", () => (answer.statusCode < 300 ? resolve(text) : reject(new Error(`${answer.statusCode} ${text}`))));
    });
    request.on("error", reject);
    request.end(data);
  });
}

let heard = () => {};
const handlers = { run: async (_context, job) => heard(job?.sent) };
await restate.serve({ services: [restate.service({ name: "job", handlers })], port: port("SERVICE_PORT") });
const deployment = { uri: `http://127.0.0.1:${port("SERVICE_PORT")}`, force: true };
const send = (job) => post(port("INGRESS_PORT"), "/job/run/send", job);
const call = (job) => post(port("INGRESS_PORT"), "/job/run", job);

// It listens before it can take a deployment, or a call.
async function untilReady(ask) {
  for (let tries = 0; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (tries === 200) throw error;
      await sleep(100);
    }
  }
}
await untilReady(() => post(port("ADMIN_PORT"), "/deployments", deployment));
await untilReady(() => call({}));
for (let n = 0; n < 200; n++) await call({});

if (wants("drain") || wants("lives")) {
  const count = new Count(JOBS);
  heard = () => count.hit();
  const began = now();
  await each(JOBS, CALLERS, () => send({}));
  await count.done;
  const perSecond = (phase) => wants(phase) && tellRate(phase, began);
  perSecond("drain");
  perSecond("lives");
}
if (wants("start")) await tellStarts((began) => (heard = began), (sent) => send({ sent }));
process.exit(0);
