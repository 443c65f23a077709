// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { Buffer } from "node:buffer";
import type { DescMethod } from "@bufbuild/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import { MAX_MESSAGE_BYTES } from "../protocol/grpc/mod.ts";
import { methodDefinition } from "../protocol/grpc/service_definition.ts";

/** Calls methods with an empty request and leaves the answer as bytes: decoding it is the client's time, not the node's. */
export class RawCaller implements Disposable {
  readonly #client: Client;

  constructor(address: string) {
    this.#client = new Client(address, credentials.createInsecure(), {
      "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
      "grpc.use_local_subchannel_pool": 1,
    });
  }

  call(method: DescMethod): Promise<Uint8Array> {
    const { path, requestSerialize, responseDeserialize } = methodDefinition(method);
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        Buffer.alloc(0),
        (error, bytes) => error ? reject(error) : resolve(bytes!),
      );
    });
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}
