// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * A real kubelet of the current minor, placed pods, probes, logs, crashes. Needs root, and BIN with what build.sh made
 * (environment `INFRANETES_CLUSTER_BIN`, default `.tmp/cluster-bin` of this checkout).
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Cluster } from "./cluster.ts";
import { follow } from "./follow.ts";
import { nodeConfig, untilEmpty, vmDirectories } from "../node_config.ts";

const ROOT = join(import.meta.dirname!, "..", "..");
const BIN = Deno.env.get("INFRANETES_CLUSTER_BIN") ?? join(ROOT, ".tmp", "cluster-bin");
const IMAGE = "infranetes.io/exec";

function pod(name: string, container: Record<string, unknown>, spec: Record<string, unknown> = {}): unknown {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: {
      containers: [{ name: "main", image: IMAGE, imagePullPolicy: "IfNotPresent", ...container }],
      ...spec,
    },
  };
}

const COUNT = "i=0; while :; do i=$((i+1)); echo line $i; sleep 0.02; done";

async function linesOf(cluster: Cluster, pod: string): Promise<number> {
  return (await cluster.kubectl(["logs", pod])).split("\n").length;
}

async function vmProcesses(cluster: Cluster): Promise<string[]> {
  const script =
    "for p in /proc/[0-9]*; do tr '\\0' '\\n' <$p/environ 2>/dev/null | grep -q ^INFRANETES_VM= && " +
    "tr '\\0' ' ' <$p/cmdline && echo; done; :";
  return (await cluster.inside("bash", "-c", script)).split("\n").filter((line) => line.trim() !== "");
}

Deno.test("a real kubelet runs pods on the node process", async (t) => {
  const work = await Deno.makeTempDir({ prefix: "infranetes-cluster-" });
  const config = await nodeConfig(work, { log: { level: "debug" } });
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => Deno.remove(work, { recursive: true }));
  const cluster = cleanup.use(
    await Cluster.start({
      bin: BIN,
      work,
      socket: config.socket,
      runtime: [
        Deno.execPath(),
        "run",
        "-A",
        "--quiet",
        join(ROOT, "cri", "main.ts"),
        "serve",
        "--config",
        config.file,
      ],
    }),
  );
  const step = async (name: string, body: () => Promise<void>) => {
    const passed = await t.step(name, body);
    if (!passed) {
      throw new Error(`${name}: runtime log ends with\n${(await cluster.log("runtime")).slice(-4000)}`);
    }
  };

  await step("the node is Ready and names the runtime", async () => {
    const info = await cluster.kubectl([
      "get",
      "node",
      "node1",
      "-o",
      "jsonpath={.status.nodeInfo.containerRuntimeVersion}",
    ]);
    assert.match(info, /^infranetes:\/\/\d+\.\d+\.\d+/);
  });

  await step("a scheduled pod with a service-account token becomes Ready by its exec probe", async () => {
    await cluster.apply(
      pod("web", {
        command: ["/bin/sh", "-c", `echo hello from $POD_NAME; touch ready; ${COUNT}`],
        env: [{ name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
        readinessProbe: { exec: { command: ["test", "-f", "ready"] }, periodSeconds: 1 },
      }),
    );
    await cluster.waitFor("pod/web", "condition=Ready", 60);
    const status = await cluster.pod("web");
    assert.match(status.podIP ?? "", /^127\./);
    assert.match(status.containerStatuses![0]!.imageID, /sha256:[0-9a-f]{64}/);
  });

  await step("kubectl logs shows what the process wrote", async () => {
    const text = await cluster.kubectl(["logs", "web"]);
    assert.match(text, /^hello from web\nline 1\nline 2\n/);
  });

  await step(
    "a crashing container is restarted with back-off and keeps its last log and message",
    async () => {
      await cluster.apply(
        pod("crash", {
          command: [
            "/bin/sh",
            "-c",
            'echo going down; printf "out of luck" >"$INFRANETES_TERMINATION_LOG"; exit 3',
          ],
        }),
      );
      await cluster.waitFor("pod/crash", "jsonpath={.status.containerStatuses[0].restartCount}=2", 90);
      await cluster.waitFor(
        "pod/crash",
        "jsonpath={.status.containerStatuses[0].state.waiting.reason}=CrashLoopBackOff",
        60,
      );
      const { containerStatuses } = await cluster.pod("crash");
      assert.equal(containerStatuses![0]!.lastState?.terminated?.exitCode, 3);
      assert.equal(containerStatuses![0]!.lastState?.terminated?.message, "out of luck");
      assert.equal(await cluster.kubectl(["logs", "crash"]), "going down\n");
    },
  );

  await step(
    "kill -9 of the node process restarts no container and loses or doubles no log line",
    async () => {
      const before = (await cluster.pod("web")).containerStatuses![0]!;
      const at = await linesOf(cluster, "web") + 50;
      await follow(cluster, "web", { at, act: () => cluster.restart("runtime", "KILL"), upTo: at + 300 });
      const after = (await cluster.pod("web")).containerStatuses![0]!;
      assert.equal(after.containerID, before.containerID);
      assert.equal(after.restartCount, 0);
      assert.deepEqual(after.state.running, before.state.running);
    },
  );

  await step("kill -9 of vmserver restarts no container and loses or doubles no log line", async () => {
    const before = (await cluster.pod("web")).containerStatuses![0]!;
    const at = await linesOf(cluster, "web") + 50;
    const act = async () =>
      void await cluster.inside("pkill", "-KILL", "-f", "^[^ ]*deno run .*agent/main.ts run");
    await follow(cluster, "web", { at, act, upTo: at + 300 });
    const after = (await cluster.pod("web")).containerStatuses![0]!;
    assert.equal(after.containerID, before.containerID);
    assert.equal(after.restartCount, 0);
    await cluster.waitFor("pod/web", "condition=Ready", 30);
  });

  await step("deletion leaves nothing", async () => {
    await cluster.kubectl([
      "delete",
      "pod",
      "web",
      "crash",
      "--grace-period=2",
      "--wait=true",
      "--timeout=60s",
    ]);
    await untilEmpty(config, 90_000);
    assert.deepEqual(await vmProcesses(cluster), []);
    assert.deepEqual(await vmDirectories(config), []);
  });
});
