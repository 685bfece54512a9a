package process

import (
	"context"
	"fmt"

	"github.com/weir-stream/weir/runtime/message"
)

// Answer says how a Look is answered, on goroutines of their own. It takes as long as it needs and ends early with its context.
type Answer func(context.Context, *message.Look) ([]byte, error)

// mostLooks is how many Looks are answered at a time, and part how many bytes of an answer are sent at once: what the worker has to tell of its tasks
// does not wait behind more.
const (
	mostLooks = 4
	part      = 128 << 10
)

// looks answers Looks:
//
//	answering --the link has ended--> done
type looks struct {
	answer Answer
	free   chan struct{}
	ctx    context.Context
	cancel context.CancelFunc
}

// Show has Looks answered from now on. It is called before Receive.
func (l *Link) Show(answer Answer) {
	l.looks.answer, l.looks.free = answer, make(chan struct{}, mostLooks)
	l.looks.ctx, l.looks.cancel = context.WithCancel(context.Background())
}

// look answers one Look beside the caller.
func (l *Link) look(look *message.Look) {
	if l.looks.answer == nil {
		l.show(look, nil, fmt.Errorf("the process shows nothing of itself"))
		return
	}
	select {
	case l.looks.free <- struct{}{}:
	default:
		l.show(look, nil, fmt.Errorf("the process is asked to show %d things already", mostLooks))
		return
	}
	go func() {
		defer func() { <-l.looks.free }()
		content, err := l.looks.answer(l.looks.ctx, look)
		l.show(look, content, err)
	}()
}

// show sends an answer in parts.
func (l *Link) show(look *message.Look, content []byte, err error) {
	tell := func(s *message.Shown) {
		s.Number = look.GetNumber()
		l.Tell(&message.FromProcess{Body: &message.FromProcess_Shown{Shown: s}})
	}
	if err != nil {
		tell(&message.Shown{Last: true, Failure: message.CleanText(err.Error())})
		return
	}
	for len(content) > part {
		tell(&message.Shown{Part: content[:part]})
		content = content[part:]
	}
	tell(&message.Shown{Part: content, Last: true})
}
