package window

// Sessions with the default trigger have one timer each, under the window that their contents are kept under. It is left
// alone while the session grows: when it fires and the session has not ended yet, it is set anew. So a record of a running
// session touches no timer. Session.Timer, which is never after the time when something is to happen, tells the timer that counts
// from those that were left behind.

// onSessionElement does what the default trigger does for a record that was added to a session, whose contents are at hand.
func (o *windowing[K, In, Out]) onSessionElement(s *session) error {
	w := s.window()
	next := w.MaxTimestamp()
	if o.standard == endOfEventTime && next <= o.watermark {
		if err := o.fire(o.hand.key.Key, w); err != nil {
			return err
		}
		next = o.cleanupTime(w)
	}
	o.setSessionTimer(s, next)
	return nil
}

// setSessionTimer sees to it that the session has a timer at or before at.
func (o *windowing[K, In, Out]) setSessionTimer(s *session, at int64) {
	if s.Timer <= at {
		return
	}
	s.Timer = at
	if o.standard == endOfEventTime {
		o.timers.RegisterEvent(o.hand.key, o.hand.hash, at)
	} else {
		o.timers.RegisterProcessing(o.hand.key, o.hand.hash, at)
	}
}

// onLazyTimer is called for a timer; the sessions of its key are loaded.
func (o *windowing[K, In, Out]) onLazyTimer(p placed[K], at int64) error {
	i := o.current.ofState(p.window())
	if i < 0 || o.current[i].Timer != at {
		return nil
	}
	s := &o.current[i]
	w := s.window()
	end, cleanup := w.MaxTimestamp(), o.cleanupTime(w)
	o.seek(p)
	if at == end {
		if err := o.fire(p.key.Key, w); err != nil {
			return err
		}
	}
	if at == cleanup {
		o.contents.clear()
		return o.closeSession(i)
	}
	s.Timer = noTimer
	if at < end {
		o.setSessionTimer(s, end)
	} else {
		o.setSessionTimer(s, cleanup)
	}
	o.sessions.store(o.current)
	return nil
}
