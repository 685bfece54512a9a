package main

import "github.com/weir-stream/weir/api/stream"

func besideSlow(env *stream.Environment, o jobOrder) {}
