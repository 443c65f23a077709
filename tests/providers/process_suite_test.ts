// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { providerSuite } from "../../providers/suite.ts";
import { ProcessWorld } from "./process_world.ts";

providerSuite({
  name: "process",
  newWorld: () => ProcessWorld.create(),
  skip: {
    "bind() changes the sandbox in the tags": "has no pools",
    "localLink() ends with its signal, and for an unknown VM at once": "its agents call over the network",
  },
});
