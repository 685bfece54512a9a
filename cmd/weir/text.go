package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/weir-stream/weir/checkpoint/offline"
)

// lineOf shows an entry: its parts are separated by tabs, and all but the key bear their names.
func lineOf(e *offline.Entry) string {
	var parts []string
	add := func(format string, arguments ...any) { parts = append(parts, fmt.Sprintf(format, arguments...)) }
	if e.Subtask != nil {
		add("subtask=%d", *e.Subtask)
	}
	if e.Key != nil {
		add("%s", e.Key)
	}
	if e.Window != nil {
		add("window=[%s, %s)", instant(e.Window.Start), instant(e.Window.End))
	}
	if e.Slice != nil {
		add("slice=%s", instant(*e.Slice))
	}
	if e.Timer != nil {
		add("timer=%s", instant(*e.Timer))
	}
	if e.MapKey != nil {
		add("mapKey=%s", e.MapKey)
	}
	if len(e.Access) > 0 {
		all := make([]string, len(e.Access))
		for i, at := range e.Access {
			all[i] = instant(at)
		}
		add("lastAccess=%s", strings.Join(all, ","))
	}
	if e.Value != nil {
		add("value=%s", e.Value)
	}
	return strings.Join(parts, "\t")
}

// instant shows a time in milliseconds since the epoch.
func instant(millis int64) string {
	at := time.UnixMilli(millis).UTC()
	switch {
	case millis == math.MaxInt64 || millis == math.MaxInt64-1:
		return "end"
	case millis == math.MinInt64:
		return "begin"
	case at.Year() < 1 || at.Year() > 9999:
		return fmt.Sprint(millis)
	}
	return at.Format("2006-01-02T15:04:05.999Z")
}

// show writes a summary for people.
func show(out io.Writer, s *offline.Summary) {
	build := s.Build
	if build == "" {
		build = "unknown"
	}
	fmt.Fprintf(out, "%s %d of job %s\n", s.Kind, s.Checkpoint, s.Job)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "  path\t%s\n  triggered\t%s\n  build\t%s\n  format\t%d\n", s.Path, s.Triggered.Format(time.RFC3339Nano), build, s.Format)
	fmt.Fprintf(table, "  size\t%s, of it %s of metadata and %s\n", size(s.Bytes), size(uint64(s.Metadata)), count(len(s.Files), "file"))
	table.Flush()
	for _, op := range s.Operators {
		showOperator(out, op)
	}
	if len(s.Files) > 0 {
		fmt.Fprint(out, "\nfiles\n")
	}
	for _, f := range s.Files {
		name := f.Name
		if f.Root != "" {
			name = f.Root + "/" + name
		}
		fmt.Fprintf(out, "  %s  %s\n", name, size(f.Bytes))
	}
}

func showOperator(out io.Writer, op offline.Operator) {
	uid := ""
	if op.UID != "" {
		uid = fmt.Sprintf(", uid %q", op.UID)
	}
	fmt.Fprintf(out, "\noperator %q%s, id %s\n", op.Name, uid, op.ID)
	fmt.Fprintf(out, "  parallelism %d, max parallelism %d, %s, %s\n", op.Parallelism, op.MaxParallelism, size(op.Bytes), entries(op.Entries))
	for _, st := range op.States {
		fmt.Fprintf(out, "  state %q: %s%s\n", st.Name, st.Kind, typesOf(st))
	}
	for _, l := range op.Lists {
		fmt.Fprintf(out, "  operator state %q: %s%s, %s, %s\n", l.Name, l.Redistribution, named(" of keys ", l.Key)+named(" of ", l.Element), count(int(l.Elements), "element"), size(l.Bytes))
	}
	showSubtasks(out, op)
	for _, p := range op.Positions {
		fmt.Fprintf(out, "  position of subtask %d: %q at %s\n", p.Subtask, p.ID, opaque(p.Position))
	}
	if c := op.Coordinator; c != nil {
		fmt.Fprintf(out, "  coordinator: %s%s\n", size(c.Bytes), left(c))
	}
	for _, c := range op.Committables {
		fmt.Fprintf(out, "  not committed of subtask %d: %q, %s\n", c.Subtask, c.ID, opaque(c.State))
	}
}

func showSubtasks(out io.Writer, op offline.Operator) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, s := range op.Subtasks {
		fmt.Fprintf(table, "  subtask %d\tkey groups %d-%d\t%s\t%s\t%s", s.Index, s.FirstGroup, s.LastGroup, count(s.Tables, "table"), entries(s.Entries), size(s.Bytes))
		switch {
		case s.Finished:
			fmt.Fprint(table, "\tfinished")
		case s.InputEnded:
			fmt.Fprint(table, "\tinput ended")
		}
		if s.InFlight > 0 {
			fmt.Fprintf(table, "\t%s in flight", size(s.InFlight))
		}
		fmt.Fprintln(table)
	}
	table.Flush()
}

// opaque shows the first of many bytes.
func opaque(o offline.Opaque) string {
	const most = 48
	if len(o) <= most {
		return o.String()
	}
	return fmt.Sprintf("%s... (%d bytes)", o[:most], len(o))
}

func left(c *offline.Coordinator) string {
	if c.State != nil {
		return ", " + opaque(c.State)
	}
	var ids []string
	for _, split := range c.Left {
		ids = append(ids, fmt.Sprintf("%q", split.ID))
	}
	if len(ids) == 0 {
		return ", no splits are left"
	}
	return ", splits left: " + strings.Join(ids, ", ")
}

func typesOf(st offline.State) string {
	text := named(" by ", st.Key) + named(" from ", st.MapKey)
	if st.MapKey != nil {
		text += named(" to ", st.Value)
	} else {
		text += named(" of ", st.Value)
	}
	if st.TTLMillis > 0 {
		text += fmt.Sprintf(", lives %v", time.Duration(st.TTLMillis)*time.Millisecond)
	}
	return text
}

func named(before string, t *offline.Type) string {
	if t == nil {
		return ""
	}
	return before + t.Text
}

func entries(n uint64) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}

func count(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}

// size shows a number of bytes.
func size(n uint64) string {
	const units = "KMGTPE"
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	f, unit := float64(n)/1024, 0
	for f >= 1024 && unit < len(units)-1 {
		f, unit = f/1024, unit+1
	}
	return fmt.Sprintf("%.1f %ciB", f, units[unit])
}
