package session

import "github.com/weir-stream/weir/runtime/operator"

// Watermark fires the sessions that have ended and passes the watermark on.
func (w *windows[K, In, Acc, Out]) Watermark(at int64) (err error) {
	defer w.Ctx.Guard(&err)
	w.watermark = max(w.watermark, at)
	if !w.config.ProcessingTime {
		if err := w.advance(w.watermark); err != nil {
			return err
		}
	}
	return w.Next.Watermark(at)
}

// OnProcessingTime fires the sessions that have ended.
func (w *windows[K, In, Acc, Out]) OnProcessingTime(now int64) (err error) {
	defer w.Ctx.Guard(&err)
	w.called = operator.NoCall
	if w.config.ProcessingTime {
		if err := w.advance(now); err != nil {
			return err
		}
	}
	w.call()
	return nil
}

// call asks for a call when the first timer of processing time fires.
func (w *windows[K, In, Acc, Out]) call() {
	if !w.config.ProcessingTime {
		return
	}
	next, ok := w.timers.Next()
	if !ok {
		next = operator.NoCall
	}
	if next != w.called {
		w.called = next
		w.Ctx.CallAt(next)
	}
}

func (w *windows[K, In, Acc, Out]) flush() error {
	if err := w.out.Flush(); err != nil {
		return err
	}
	if w.late != nil {
		if err := w.late.Flush(); err != nil {
			return err
		}
	}
	return w.sides.Flush()
}

// advance looks at the keys whose timers are due.
func (w *windows[K, In, Acc, Out]) advance(time int64) error {
	for {
		w.due = w.timers.Take(time, w.due[:0])
		if len(w.due) == 0 {
			return w.flush()
		}
		w.Ctx.FiredTimers(len(w.due))
		w.dueKeys, w.dueHash = w.dueKeys[:0], w.dueHash[:0]
		for _, t := range w.due {
			w.dueKeys, w.dueHash = append(w.dueKeys, t.Key), append(w.dueHash, t.Hash)
		}
		w.backend.Prepare(w.dueKeys, w.dueHash)
		for i, t := range w.due {
			w.backend.SeekAt(i)
			if w.load() == t.At { // or else another timer counts
				if err := w.look(time, t.Key, t.Hash); err != nil {
					return err
				}
			}
		}
	}
}

// look fires those sessions of the current key that have ended, in their order, and lets those go that are past their lateness.
func (w *windows[K, In, Acc, Out]) look(time int64, key K, hash uint64) error {
	kept := w.sessions[:0]
	for i := range w.sessions {
		s := w.sessions[i]
		if !s.Fired && s.End-1 <= time {
			if err := w.fire(key, &s); err != nil {
				return err
			}
			s.Fired = true
		}
		if plus(s.End-1, w.lateness) > time {
			kept = append(kept, s)
		}
	}
	w.sessions = kept
	w.save(operator.NoCall, key, hash)
	return nil
}

// fire emits the result of a session.
func (w *windows[K, In, Acc, Out]) fire(key K, s *open[Acc]) error {
	if operator.Waits(w.Ctx.Urgent()) {
		if err := w.Ctx.GiveWay(); err != nil {
			return err
		}
	}
	w.out.At(s.End - 1)
	w.sides.At(s.End - 1)
	w.firing.Key, w.firing.Window, w.firing.Watermark = key, operator.Window{Start: s.Start, End: s.End}, w.watermark
	acc := s.Acc // the function's own
	if err := w.function.Fire(&w.firing, &acc, w.out.Collector()); err != nil {
		return err
	}
	return w.out.Err()
}
