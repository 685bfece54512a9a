package process

import (
	"errors"
	"fmt"
	"io"

	"github.com/weir-stream/weir/runtime/message"
)

// Greet hears a child's hello, tells it what it is started for, and returns how it has answered: Planned, WorkerReady or ProcessRefused. It blocks
// until then; killing the child ends it.
func Greet(c *Child, w *Writer, start *message.ProcessStart) (*message.ProcessHello, *message.FromProcess, error) {
	var first, answer message.FromProcess
	if err := Read(c.Conn, &first); err != nil {
		return nil, nil, noHello(err)
	}
	hello := first.GetHello()
	if hello == nil {
		return nil, nil, noHello(fmt.Errorf("it began with %T", first.GetBody()))
	}
	if hello.GetProtocol() != Protocol {
		return hello, nil, fmt.Errorf("the binary speaks version %d of the protocol, and this process version %d: build the job against the version of Weir that the cluster runs",
			hello.GetProtocol(), Protocol)
	}
	if err := w.Write(&message.ToProcess{Body: &message.ToProcess_Start{Start: start}}); err != nil {
		return hello, nil, fmt.Errorf("tell the binary what it is started for: %w", err)
	}
	if err := Read(c.Conn, &answer); err != nil {
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("it has ended without an answer: %w", err)
		}
		return hello, nil, fmt.Errorf("hear from the binary: %w", err)
	}
	return hello, &answer, nil
}

// noHello says what a file is that was started as a job's binary and is none.
func noHello(cause error) error {
	return fmt.Errorf("the binary does not act as a job of Weir (%w): its main function must call stream.Main, and nothing before it may end the process", cause)
}
