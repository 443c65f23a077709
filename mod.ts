// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * The public types for people who write a provider (something that makes VMs) or an engine (something that runs
 * containers in one) outside this tree. Test a provider with `providers/suite.ts`.
 * @module
 */
export type { PodProvider, Vm, VmSpec, VmState, VmTags } from "./providers/provider.ts";
export type {
  ContainerFacts,
  ContainerSpec,
  ContainerUsage,
  Engine,
  EngineContainer,
  ExecProcess,
  ExecSpec,
  ExitFacts,
  MountSpec,
  SandboxSpec,
} from "./agent/engines/engine.ts";
export type { LogSource } from "./agent/spool/log_source.ts";
export type { Transport, TransportClose } from "./protocol/link/transport.ts";
export { MountSource } from "./protocol/gen/agent_pb.ts";
export * from "./lib/errors.ts";
