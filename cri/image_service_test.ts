// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import {
  ImageFsInfoRequestSchema,
  ImageStatusRequestSchema,
  ListImagesRequestSchema,
  PullImageRequestSchema,
  RemoveImageRequestSchema,
} from "../protocol/gen/cri_pb.ts";
import { imageFsInfo } from "./image_fs_info.ts";
import { listImages, streamImages } from "./image_list.ts";
import { pullImage } from "./image_pull.ts";
import { removeImage } from "./image_remove.ts";
import { imageStatus } from "./image_status.ts";
import { RESERVED_IMAGE, RESERVED_IMAGE_ID } from "./images/reserved.ts";
import type { Node } from "./node.ts";
import { NodeHarness } from "./testing/node_harness.ts";

const spec = (image: string) => ({ image: { image } });

function ids(node: Node, filter?: string): string[] {
  const request = create(ListImagesRequestSchema, filter === undefined ? {} : { filter: spec(filter) });
  return listImages(node, request).images.map((image) => image.id);
}

function pull(node: Node, name: string): string {
  return pullImage(node, create(PullImageRequestSchema, spec(name))).imageRef;
}

Deno.test("pullImage() answers the id that all other calls know the image by", async () => {
  await using harness = await NodeHarness.open();
  const { node } = harness;
  const imageRef = pull(node, "infranetes.io/exec");
  assert.equal(imageRef, RESERVED_IMAGE_ID);
  for (const name of [imageRef, RESERVED_IMAGE]) {
    const { image, info } = imageStatus(
      node,
      create(ImageStatusRequestSchema, { ...spec(name), verbose: true }),
    );
    assert.equal(image?.id, imageRef);
    assert.equal(JSON.parse(info.info!).engine, "exec");
  }
  assert.deepEqual(ids(node), [imageRef]);
});

Deno.test("pullImage() names the image that exists when it is asked for another, or for none", async () => {
  await using harness = await NodeHarness.open();
  assert.throws(() => pull(harness.node, "docker.io/library/nginx:1.27"), (error: Error) => {
    assert.equal(error.name, "NotFoundError");
    return error.message.includes("nginx:1.27") && error.message.includes(RESERVED_IMAGE);
  });
  assert.throws(() => pull(harness.node, ""), { name: "InvalidArgumentError" });
});

Deno.test("imageStatus() has no image and no error for an unknown one", async () => {
  await using harness = await NodeHarness.open();
  const request = create(ImageStatusRequestSchema, { ...spec("nginx"), verbose: true });
  const { image, info } = imageStatus(harness.node, request);
  assert.equal(image, undefined);
  assert.deepEqual(info, {});
});

Deno.test("listImages() and streamImages() are right at once after removeImage() and pullImage()", async () => {
  await using harness = await NodeHarness.open();
  const { node } = harness;
  const streamed = () =>
    Array.fromAsync(
      streamImages(node, { $typeName: "runtime.v1.StreamImagesRequest" }),
      (each) => each.images.length,
    );
  assert.deepEqual([ids(node, "nginx"), ids(node, RESERVED_IMAGE)], [[], [RESERVED_IMAGE_ID]]);
  assert.deepEqual(await streamed(), [1]);
  for (const name of ["nginx", RESERVED_IMAGE_ID, RESERVED_IMAGE_ID]) {
    removeImage(node, create(RemoveImageRequestSchema, spec(name)));
  }
  assert.deepEqual(ids(node), []);
  assert.deepEqual(await streamed(), []);
  await harness.stop();
  harness.restart();
  assert.deepEqual(ids(harness.node), [], "a removed image stays removed after a restart");
  pull(harness.node, RESERVED_IMAGE);
  assert.deepEqual(ids(harness.node), [RESERVED_IMAGE_ID]);
});

Deno.test("imageFsInfo() has what the kubelet dereferences", async () => {
  await using harness = await NodeHarness.open();
  const { imageFilesystems, containerFilesystems } = imageFsInfo(
    harness.node,
    create(ImageFsInfoRequestSchema),
  );
  assert.equal(imageFilesystems.length, 1);
  assert.equal(imageFilesystems[0]?.fsId?.mountpoint, harness.node.config.stateDir);
  assert.equal(imageFilesystems[0].usedBytes?.value, 0n);
  assert.ok(imageFilesystems[0].timestamp > 0n);
  assert.deepEqual(containerFilesystems, []);
});
