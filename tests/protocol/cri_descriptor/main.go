// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

// Command cri_descriptor writes the FileDescriptorSet of the published CRI v1 module, with everything it imports,
// to standard output, as protobuf bytes. The module and its version are pinned by go.mod and go.sum.
package main

import (
	"log"
	"os"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

func main() {
	set := &descriptorpb.FileDescriptorSet{}
	appendFile(set, map[string]bool{}, (&runtimeapi.VersionRequest{}).ProtoReflect().Descriptor().ParentFile())
	bytes, err := proto.MarshalOptions{Deterministic: true}.Marshal(set)
	if err != nil {
		log.Fatalf("Encoding the descriptor set: %v", err)
	}
	if _, err := os.Stdout.Write(bytes); err != nil {
		log.Fatalf("Writing the descriptor set: %v", err)
	}
}

// appendFile adds file after its imports, each file once, in the order that a FileDescriptorSet must have.
func appendFile(set *descriptorpb.FileDescriptorSet, seen map[string]bool, file protoreflect.FileDescriptor) {
	if seen[file.Path()] {
		return
	}
	seen[file.Path()] = true
	for i := range file.Imports().Len() {
		appendFile(set, seen, file.Imports().Get(i).FileDescriptor)
	}
	set.File = append(set.File, protodesc.ToFileDescriptorProto(file))
}
