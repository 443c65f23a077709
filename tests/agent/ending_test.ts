// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { AgentConnection } from "../../agent/link/connection.ts";
import { systemClock } from "../../lib/clock.ts";
import { Node } from "../../protocol/gen/agent_pb.ts";
import { Router, Session, type Transport, transportPair } from "../../protocol/link/session.ts";

const FACTS = {
  agentVersion: "t",
  bootId: "b",
  os: "linux",
  arch: "x",
  startedAt: 1n,
  sandboxId: "",
  engine: "exec",
};

/** Calls `then` right after the transport's n-th frame was handed on, in the same turn of the event loop. */
function afterFrame(transport: Transport, n: number, then: () => void): Transport {
  let frames = 0;
  return {
    send: (frame) => transport.send(frame),
    close: (code, reason) => transport.close(code, reason),
    get bufferedBytes() {
      return transport.bufferedBytes;
    },
    get onframe() {
      return transport.onframe;
    },
    set onframe(handler) {
      transport.onframe = handler && ((frame) => {
        handler(frame);
        if (++frames === n) then();
      });
    },
    get onclose() {
      return transport.onclose;
    },
    set onclose(handler) {
      transport.onclose = handler;
    },
  };
}

Deno.test("AgentConnection ends when it is told to in the moment in which its Hello is answered", async () => {
  const directory = await Deno.makeTempDir();
  const userData = { version: 1, vmId: "0".repeat(32), caCertificate: "", nodes: ["127.0.0.1:1"] } as const;
  const [mine, peer] = transportPair();
  const stop = new AbortController();
  // The node's first frame greets, its second answers Hello.
  const transport = afterFrame(mine, 2, () => stop.abort());
  const node = new Session(peer, {
    role: "listener",
    router: new Router().service(Node, { hello: () => ({ protocol: 1 }) }),
  });
  const connection = new AgentConnection({
    userData,
    directory,
    clock: systemClock,
    localLink: () => Promise.resolve(transport),
  });
  await connection.run(stop.signal, { router: new Router(), hello: () => FACTS });
  await node.closed;
  await Deno.remove(directory, { recursive: true });
});
