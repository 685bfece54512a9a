package console

import (
	"io"
	"os"
)

// TakeStdout leads what the program writes to os.Stdout above the display, for when both are on one terminal. The function that
// it returns undoes that when all that was written is out. Neither may be called while the program writes.
//
// The file behind the variable is exchanged, not the variable, for those who have a copy of it.
func (s *Screen) TakeStdout() (giveBack func(), err error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	stdout, done := *os.Stdout, make(chan struct{})
	target := s.Above(&stdout)
	*os.Stdout = *writer
	go func() {
		defer close(done)
		io.Copy(target, reader)
		reader.Close()
	}()
	return func() {
		*os.Stdout = stdout
		writer.Close()
		<-done
	}, nil
}
