// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

// fcntl(2), the same on x86-64 and arm64.
const F_SETFD = 2;
const FD_CLOEXEC = 1;

/**
 * Keeps a listening unix socket of this process from its children. Deno 2.9.2 makes those of `node:net` (which grpc-js
 * uses) without `SOCK_CLOEXEC`, unlike its own: every pod's process could answer the kubelet, and the socket would
 * outlive this process. There is no call for it in Deno's API, so it is libc's. Linux only; elsewhere it does nothing.
 *
 * @throws {Error} if the socket is not found or the flag cannot be set
 */
export async function closeOnExec(socketPath: string): Promise<void> {
  if (Deno.build.os !== "linux") return;
  const inodes = await inodesOf(socketPath);
  const descriptors = await descriptorsOf(inodes);
  if (descriptors.length === 0) throw new Error(`The listening socket ${socketPath} is none of this process`);
  const libc = Deno.dlopen("libc.so.6", { fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" } });
  try {
    const failed = descriptors.filter((fd) => libc.symbols.fcntl(fd, F_SETFD, FD_CLOEXEC) !== 0);
    if (failed.length > 0) {
      throw new Error(`Descriptor ${failed} of ${socketPath} cannot be kept from child processes`);
    }
  } finally {
    libc.close();
  }
}

/** Inodes of the sockets bound to a path: `Num RefCount Protocol Flags Type St Inode Path` (proc(5)). */
async function inodesOf(path: string): Promise<Set<string>> {
  const lines = (await Deno.readTextFile("/proc/self/net/unix")).split("\n").map((line) =>
    line.trim().split(/\s+/)
  );
  return new Set(lines.filter((fields) => fields[7] === path).map((fields) => `socket:[${fields[6]}]`));
}

async function descriptorsOf(sockets: ReadonlySet<string>): Promise<number[]> {
  const found: number[] = [];
  for await (const { name } of Deno.readDir("/proc/self/fd")) {
    // The directory's own descriptor is gone by now.
    const target = await Deno.readLink(`/proc/self/fd/${name}`).catch(() => "");
    if (sockets.has(target)) found.push(Number(name));
  }
  return found;
}
