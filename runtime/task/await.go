package task

// Await implements operator.Task. What the operators have emitted goes on its way meanwhile.
func (t *Task) Await(done func() bool) error {
	for {
		if err := t.serveUrgent(); err != nil {
			return err
		}
		if done() {
			return nil
		}
		start := t.clock.Nanos()
		t.park(BackPressured, never, func() bool {
			t.drainOutputs()
			t.flushIdle()
			return !done() && t.mailbox.calm()
		})
		t.waited += t.clock.Nanos() - start
	}
}
