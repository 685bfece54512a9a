package operator

// TriggerResult is what a trigger decides.
type TriggerResult uint8

// The results. Fire hands the window's contents to the function, Purge empties the window; of FireAndPurge the firing comes
// first.
const (
	Continue     TriggerResult = 0
	Fire         TriggerResult = 1
	Purge        TriggerResult = 2
	FireAndPurge               = Fire | Purge
)

// IsFire reports whether the function is to be called.
func (r TriggerResult) IsFire() bool { return r&Fire != 0 }

// IsPurge reports whether the contents are to be dropped.
func (r TriggerResult) IsPurge() bool { return r&Purge != 0 }

// Trigger decides when the contents of a window are handed to the function. A factory makes one for each subtask, and one when
// the graph is built. What it remembers of each window it declares as exported fields of its struct (state.Value and so on),
// as functions do: these hold the state of the window at hand, and go when the window does.
type Trigger interface {
	// OnElement is called for each record that was added to the window.
	OnElement(ctx *TriggerContext, timestamp int64) TriggerResult
	// OnEventTime is called when the watermark has reached the time of a timer that the trigger registered for the window,
	// and when the window is about to go.
	OnEventTime(ctx *TriggerContext, at int64) TriggerResult
	// OnProcessingTime is called when the clock has reached the time of a timer that the trigger registered.
	OnProcessingTime(ctx *TriggerContext, at int64) TriggerResult
	// Clear takes back the timers that the trigger has registered for the window, which goes.
	Clear(ctx *TriggerContext)
}

// MergingTrigger is a Trigger for windows that merge.
type MergingTrigger interface {
	Trigger
	// OnMerge is called when windows have been merged into the one at hand, whose state is still empty, before they are
	// cleared. TriggerContext.EachMerged visits them.
	OnMerge(ctx *TriggerContext)
}

// WrappingTrigger is a Trigger that has others do part of its work. What those declare and need counts as its own.
type WrappingTrigger interface {
	Trigger
	Wrapped() []Trigger
}

// ContinuousTrigger is a Trigger that fires at regular times as long as its window lasts.
type ContinuousTrigger interface {
	Trigger
	FiresContinuously(domain TimeDomain) bool
}

// CheckedTrigger is a Trigger with settings that may make no sense, which it reports when the graph is built.
type CheckedTrigger interface {
	Trigger
	Check() error
}

// TriggerTimers are the timers of the window that a trigger is called for.
type TriggerTimers interface {
	RegisterEvent(at int64)
	DeleteEvent(at int64)
	RegisterProcessing(at int64)
	DeleteProcessing(at int64)
	// EachMerged makes the state and the timers those of each window that is being merged, in turn.
	EachMerged(visit func(Window))
}

// TriggerContext is what a trigger knows of the window at hand. It is valid during the call.
type TriggerContext struct {
	RuntimeContext
	recordAtHand
	timers    TriggerTimers
	window    Window
	watermark int64
	now       int64
}

// NewTriggerContext is for operators; record is a pointer to where they put the value of each record before OnElement.
func NewTriggerContext(ctx *Context, record any, timers TriggerTimers) *TriggerContext {
	return &TriggerContext{RuntimeContext: ctx.Runtime(), recordAtHand: recordAtHand{record}, timers: timers}
}

// At points the context at a window. It is for operators, as is SetTime.
func (c *TriggerContext) At(window Window) { c.window = window }

// SetTime says what time it is in both domains.
func (c *TriggerContext) SetTime(watermark, now int64) { c.watermark, c.now = watermark, now }

// Window is the window at hand.
func (c *TriggerContext) Window() Window { return c.window }

// CurrentWatermark is event time as far as the operator's input has come, in milliseconds; the least int64 before the first
// watermark.
func (c *TriggerContext) CurrentWatermark() int64 { return c.watermark }

// CurrentProcessingTime is the time of the clock in milliseconds since the epoch.
func (c *TriggerContext) CurrentProcessingTime() int64 { return c.now }

// RegisterEventTimeTimer has OnEventTime called for the window when the watermark has reached at, in milliseconds. However
// often it is registered, a timer fires once.
func (c *TriggerContext) RegisterEventTimeTimer(at int64) { c.timers.RegisterEvent(at) }

// DeleteEventTimeTimer takes back a timer of the window, if there is one.
func (c *TriggerContext) DeleteEventTimeTimer(at int64) { c.timers.DeleteEvent(at) }

// RegisterProcessingTimeTimer has OnProcessingTime called for the window when the clock has reached at, in milliseconds since
// the epoch.
func (c *TriggerContext) RegisterProcessingTimeTimer(at int64) { c.timers.RegisterProcessing(at) }

// DeleteProcessingTimeTimer takes back a timer of the window, if there is one.
func (c *TriggerContext) DeleteProcessingTimeTimer(at int64) { c.timers.DeleteProcessing(at) }

// EachMerged, in OnMerge, calls visit with each of the windows that were merged, with the trigger's state and timers being those of
// that window. Afterwards they are those of the new window again.
func (c *TriggerContext) EachMerged(visit func(merged Window)) {
	into := c.window
	c.timers.EachMerged(func(merged Window) {
		c.window = merged
		visit(merged)
	})
	c.window = into
}

// EventTimeTrigger fires when the watermark passes the end of the window, and after that at once for each record that is late
// but allowed. It is the default of windows in event time.
type EventTimeTrigger struct{}

// OnElement implements Trigger.
func (EventTimeTrigger) OnElement(ctx *TriggerContext, _ int64) TriggerResult {
	if ctx.window.MaxTimestamp() <= ctx.watermark {
		return Fire
	}
	ctx.timers.RegisterEvent(ctx.window.MaxTimestamp())
	return Continue
}

// OnEventTime implements Trigger.
func (EventTimeTrigger) OnEventTime(ctx *TriggerContext, at int64) TriggerResult {
	if at == ctx.window.MaxTimestamp() {
		return Fire
	}
	return Continue
}

// OnProcessingTime implements Trigger.
func (EventTimeTrigger) OnProcessingTime(*TriggerContext, int64) TriggerResult { return Continue }

// Clear implements Trigger.
func (EventTimeTrigger) Clear(ctx *TriggerContext) {
	ctx.timers.DeleteEvent(ctx.window.MaxTimestamp())
}

// OnMerge implements MergingTrigger. A window that has ended has no timer: the record that caused the merge fires it.
func (EventTimeTrigger) OnMerge(ctx *TriggerContext) {
	if end := ctx.window.MaxTimestamp(); end > ctx.watermark {
		ctx.timers.RegisterEvent(end)
	}
}

// ProcessingTimeTrigger fires when the clock passes the end of the window. It is the default of windows in processing time.
type ProcessingTimeTrigger struct{}

// OnElement implements Trigger.
func (ProcessingTimeTrigger) OnElement(ctx *TriggerContext, _ int64) TriggerResult {
	ctx.timers.RegisterProcessing(ctx.window.MaxTimestamp())
	return Continue
}

// OnEventTime implements Trigger.
func (ProcessingTimeTrigger) OnEventTime(*TriggerContext, int64) TriggerResult { return Continue }

// OnProcessingTime implements Trigger.
func (ProcessingTimeTrigger) OnProcessingTime(*TriggerContext, int64) TriggerResult { return Fire }

// Clear implements Trigger.
func (ProcessingTimeTrigger) Clear(ctx *TriggerContext) {
	ctx.timers.DeleteProcessing(ctx.window.MaxTimestamp())
}

// OnMerge implements MergingTrigger.
func (ProcessingTimeTrigger) OnMerge(ctx *TriggerContext) {
	if end := ctx.window.MaxTimestamp(); end > ctx.now {
		ctx.timers.RegisterProcessing(end)
	}
}
