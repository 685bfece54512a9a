// Package message has the protobuf messages of the control plane, and the link that carries them in order and once over
// actors that may lose them. Every message bears the leader epoch it belongs to, and the attempt where it concerns a task;
// receivers refuse stale ones.
package message

//go:generate go build -o protoc-gen-go.tmp google.golang.org/protobuf/cmd/protoc-gen-go
//go:generate protoc -I ../.. --plugin=protoc-gen-go=protoc-gen-go.tmp --go_out=../.. --go_opt=module=github.com/weir-stream/weir runtime/message/task.proto runtime/message/worker.proto runtime/message/job.proto runtime/message/cluster.proto
//go:generate rm protoc-gen-go.tmp
