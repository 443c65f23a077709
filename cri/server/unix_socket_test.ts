// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import { AlreadyExistsError, FailedPreconditionError, NotFoundError } from "../../lib/errors.ts";
import { bindSocket } from "./unix_socket.ts";

async function withDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "infranetes-socket-" });
  try {
    await use(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

Deno.test("bindSocket() makes the folder, sets permissions and group, and removes the socket in the end", () =>
  withDirectory(async (directory) => {
    const path = `${directory}/run/x.sock`;
    const group = String(Deno.gid());
    let listener: Deno.UnixListener;
    {
      await using _socket = await bindSocket({ path, mode: 0o640, group }, (hidden) => {
        listener = Deno.listen({ transport: "unix", path: hidden });
        return Promise.resolve();
      });
      const { mode, gid } = await Deno.stat(path);
      assert.equal(mode! & 0o777, 0o640);
      assert.equal(gid, Deno.gid());
      listener!.close();
    }
    assert.equal(await exists(path), false);
  }));

Deno.test("bindSocket() replaces a socket that a killed process has left behind", () =>
  withDirectory(async (directory) => {
    const path = `${directory}/x.sock`;
    // A second name keeps the file when its listener goes, as SIGKILL would.
    const dead = Deno.listen({ transport: "unix", path: `${directory}/y.sock` });
    await Deno.link(`${directory}/y.sock`, path);
    dead.close();
    assert.equal((await Deno.lstat(path)).isSocket, true);
    let listener: Deno.UnixListener | undefined;
    await using _socket = await bindSocket({ path, mode: 0o600, group: "" }, (hidden) => {
      listener = Deno.listen({ transport: "unix", path: hidden });
      return Promise.resolve();
    });
    listener!.close();
  }));

Deno.test("bindSocket() refuses a path at which somebody answers, and leaves that one alone", () =>
  withDirectory(async (directory) => {
    const path = `${directory}/x.sock`;
    using _alive = Deno.listen({ transport: "unix", path });
    let listened = false;
    const bind = bindSocket({ path, mode: 0o600, group: "" }, () => {
      listened = true;
      return Promise.resolve();
    });
    await assert.rejects(bind, (error: Error) => {
      assert(error instanceof AlreadyExistsError);
      assert(error.message.includes(path));
      return true;
    });
    assert.equal(listened, false);
    (await Deno.connect({ transport: "unix", path })).close();
  }));

Deno.test("bindSocket() refuses a path at which something else than a socket is", () =>
  withDirectory(async (directory) => {
    const path = `${directory}/x.sock`;
    await Deno.writeTextFile(path, "precious");
    const bind = bindSocket({ path, mode: 0o600, group: "" }, () => Promise.resolve());
    await assert.rejects(bind, FailedPreconditionError);
    assert.equal(await Deno.readTextFile(path), "precious");
  }));

Deno.test("bindSocket() refuses a group that does not exist before it listens", () =>
  withDirectory(async (directory) => {
    const socket = { path: `${directory}/x.sock`, mode: 0o600, group: "no-such-group" };
    await assert.rejects(bindSocket(socket, () => Promise.reject(new Error("It listened"))), NotFoundError);
  }));

Deno.test("bindSocket() does not remove a socket that another process has put in its place", () =>
  withDirectory(async (directory) => {
    const path = `${directory}/x.sock`;
    using first = Deno.listen({ transport: "unix", path: `${directory}/first.sock` });
    const socket = await bindSocket(
      { path, mode: 0o600, group: "" },
      (hidden) => Deno.rename(`${directory}/first.sock`, hidden),
    );
    using second = Deno.listen({ transport: "unix", path: `${directory}/second.sock` });
    await Deno.rename(`${directory}/second.sock`, path);
    await socket[Symbol.asyncDispose]();
    assert.equal(await exists(path), true);
    assert(first && second);
  }));

Deno.test("bindSocket() shows the socket at its path only when everything is done to it", () =>
  withDirectory(async (directory) => {
    const path = `${directory}/x.sock`;
    let listener: Deno.UnixListener | undefined;
    let early: boolean | undefined;
    await using _socket = await bindSocket({ path, mode: 0o600, group: "" }, async (hidden) => {
      listener = Deno.listen({ transport: "unix", path: hidden });
      early = await exists(path);
    });
    assert.equal(early, false);
    (await Deno.connect({ transport: "unix", path })).close();
    listener!.close();
  }));
