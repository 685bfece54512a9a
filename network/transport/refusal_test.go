package transport

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/runtime/ident"
)

// raw is a peer that a test plays by hand, at a location that sorts before all others, so that it dials.
type raw struct {
	t        testing.TB
	conn     net.Conn
	location string
	answer   welcome
}

func (n *node) dialRaw(t testing.TB) *raw {
	t.Helper()
	conn, err := net.Dial("tcp", n.Location())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	return &raw{t: t, conn: conn, location: "0.raw"}
}

func (p *pair) hello() hello {
	return hello{cluster: "test", job: p.second.job, from: "0.raw", to: p.second.Location(), process: ident.NewID(), connection: 1}
}

// greet says hello and reads the answer.
func (r *raw) greet(h hello) *raw {
	r.t.Helper()
	return r.say(h.append(nil))
}

func (r *raw) say(message []byte) *raw {
	r.t.Helper()
	if _, err := r.conn.Write(message); err != nil {
		r.t.Fatal(err)
	}
	body, err := readMessage(r.conn)
	if err == nil {
		r.answer, err = parseWelcome(body)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return r
}

// rawPeer is connected to the second worker.
func (p *pair) rawPeer(t testing.TB) *raw {
	t.Helper()
	r := p.nodes[1].dialRaw(t).greet(p.hello())
	if r.answer.reason != accepted {
		t.Fatalf("refused: %v %s", r.answer.reason, r.answer.text)
	}
	return r
}

func TestHandshakesAreRefusedByName(t *testing.T) {
	p := newPair(t)
	p.second.SetEpoch(5)
	process := ident.NewID()
	newest := p.hello()
	newest.epoch, newest.process, newest.connection = 5, process, 7
	p.nodes[1].dialRaw(t).greet(newest)
	version := newest.append(nil)
	binary.LittleEndian.PutUint16(version[4:], protocolVersion+1)
	long := newest.append(nil)
	binary.LittleEndian.PutUint16(long[6:], maxHandshake+1)
	cut := newest.append(nil)
	binary.LittleEndian.PutUint16(cut[6:], uint16(len(cut)-preambleSize-3))
	with := func(change func(*hello)) []byte {
		h := newest
		h.connection++
		change(&h)
		return h.append(nil)
	}
	for _, c := range []struct {
		name    string
		message []byte
		want    refusal
	}{
		{"another version", version, refusedVersion},
		{"another cluster", with(func(h *hello) { h.cluster = "other" }), refusedCluster},
		{"another job", with(func(h *hello) { h.job[3]++ }), refusedJob},
		{"another worker", with(func(h *hello) { h.to = "elsewhere:1" }), refusedWorker},
		{"the wrong direction", with(func(h *hello) { h.from = "z" }), refusedWorker},
		{"an old leader", with(func(h *hello) { h.epoch = 4 }), refusedEpoch},
		{"an old connection", with(func(h *hello) { h.connection -= 2 }), refusedStale},
		{"the same connection", with(func(h *hello) { h.connection-- }), refusedStale},
		{"too long", long, refusedMalformed},
		{"cut off", cut, refusedMalformed},
		{"HTTP", []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), refusedMalformed},
	} {
		counter := p.nodes[1].counts.refused[c.want]
		before := counter.Count()
		r := p.nodes[1].dialRaw(t).say(c.message)
		if r.answer.reason != c.want || r.answer.text == "" {
			t.Errorf("%s: answered %v %q", c.name, r.answer.reason, r.answer.text)
		}
		await(t, "a count and a line of the log", func() bool { return counter.Count() == before+1 && p.nodes[1].log.has("reason="+c.want.String()) })
	}
	// An end in the middle of the preamble.
	r := p.nodes[1].dialRaw(t)
	before := p.nodes[1].counts.refused[refusedMalformed].Count()
	r.conn.Write([]byte("WE"))
	r.conn.Close()
	await(t, "a count", func() bool { return p.nodes[1].counts.refused[refusedMalformed].Count() == before+1 })
}

// TestBothSidesKnowWhyAConnectionWasRefused has a dialer of another cluster, and one that serves an old leader.
func TestBothSidesKnowWhyAConnectionWasRefused(t *testing.T) {
	p := newPair(t)
	p.second.SetEpoch(2)
	s, err := p.first.Send(p.second.Location(), key(1), func(error) {})
	if err != nil {
		t.Fatal(err)
	}
	r, _ := p.first.Receive(p.second.Location(), key(2), 1)
	await(t, "an error", func() bool {
		_, _, err := r.Next()
		return err != nil && strings.Contains(err.Error(), "refused by the peer (epoch)")
	})
	for _, n := range p.nodes {
		await(t, "a count and a line of the log", func() bool { return n.counts.refused[refusedEpoch].Count() > 0 && n.log.has("reason=epoch") })
	}
	s.Close(false)
	p.first.SetEpoch(2)
	open(t, p.first, p.second, key(3), 1).ready(t)
}

// TestAJobThatComesLater is not joined yet when the peer dials.
func TestAJobThatComesLater(t *testing.T) {
	p := newPair(t)
	job := ident.NewID()
	m := p.nodes[0].join(t, job)
	s, err := m.Send(p.nodes[1].Location(), key(1), func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	await(t, "a refusal", func() bool { return p.nodes[0].counts.refused[refusedJob].Count() > 0 })
	other := p.nodes[1].join(t, job)
	r, err := other.Receive(p.nodes[0].Location(), key(1), 1)
	if err != nil {
		t.Fatal(err)
	}
	await(t, "a channel", s.Ready)
	s.Close(true)
	r.Close()
}

func TestANewConnectionReplacesAnOldOne(t *testing.T) {
	p := newPair(t)
	h := p.hello()
	p.nodes[1].dialRaw(t).greet(h)
	c, err := p.second.Receive("0.raw", key(1), 1)
	if err != nil {
		t.Fatal(err)
	}
	h.connection++
	p.nodes[1].dialRaw(t).greet(h)
	await(t, "an error", func() bool {
		_, _, err := c.Next()
		return err != nil && strings.Contains(err.Error(), "new connection")
	})
}

// TestOffencesCloseTheConnection sends what no peer sends, behind a frame that is good.
func TestOffencesCloseTheConnection(t *testing.T) {
	data := func(channel, number uint32, payload string) []byte {
		b := make([]byte, headerSize)
		header{kind: dataFrame, channel: channel, number: number, length: len(payload)}.put(b)
		return append(b, payload...)
	}
	unknown := data(1, 1, "x")
	unknown[3] = 99
	oversize := data(1, 1, "x")
	oversize[0], oversize[1], oversize[2] = 0xff, 0xff, 0xff
	squeezed := data(1, 1, "x")
	squeezed[3] = byte(eventFrame | compressedFlag)
	twice := appendOpen(appendOpen(nil, 1, key(5), 1), 2, key(5), 1)
	for _, c := range []struct {
		name  string
		bytes []byte
		end   bool
		want  breach
	}{
		{"an unknown kind", unknown, false, badFrame},
		{"a compressed event", squeezed, false, badFrame},
		{"an oversized frame", oversize, false, oversized},
		{"an oversized event", appendFrame(nil, eventFrame, 1, make([]byte, maxEventPayload+1)), false, oversized},
		{"a channel that was never opened", data(9, 0, "x"), false, foreign},
		{"channel 0", data(0, 0, "x"), false, foreign},
		{"more than its credit", bytes.Join([][]byte{data(1, 1, "x"), data(1, 2, "x")}, nil), false, uncredited},
		{"a frame twice", data(1, 0, "x"), false, badFrame},
		{"a frame left out", data(1, 2, "x"), false, badFrame},
		{"a short opening", appendFrame(nil, openFrame, 1, []byte("x")), false, badFrame},
		{"an opening without credit", appendOpen(nil, 1, key(4), 0), false, badFrame},
		{"an opening twice", twice, false, badFrame},
		{"a short credit", appendFrame(nil, creditFrame, 1, []byte("x")), false, badFrame},
		{"an end inside a header", data(1, 1, "x")[:5], true, truncated},
		{"an end inside a payload", data(1, 1, "xyz")[:headerSize+1], true, truncated},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPair(t)
			r := p.rawPeer(t)
			receiver, err := p.second.Receive(r.location, key(1), 2)
			if err != nil {
				t.Fatal(err)
			}
			opening := make([]byte, headerSize+openSize)
			if _, err := io.ReadFull(r.conn, opening); err != nil {
				t.Fatal(err)
			}
			r.conn.Write(data(1, 0, "good"))
			r.conn.Write(c.bytes)
			if c.end {
				r.conn.(*net.TCPConn).CloseWrite()
			}
			good := 0
			await(t, "an error", func() bool {
				b, _, err := receiver.Next()
				if b != nil {
					good++
				}
				return err != nil
			})
			if good == 0 {
				t.Error("the good frame before it did not arrive")
			}
			await(t, "a count and a line of the log", func() bool {
				return p.nodes[1].counts.broken[c.want].Count() == 1 && p.nodes[1].log.has("reason="+string(c.want))
			})
			said, err := io.ReadAll(r.conn)
			if err != nil || !bytes.Contains(said, []byte(c.want)) {
				t.Errorf("the offender was told %q (%v)", said, err)
			}
		})
	}
}

// TestCreditThatWasNeverTaken is an offence of a consuming end.
func TestCreditThatWasNeverTaken(t *testing.T) {
	p := newPair(t)
	r := p.rawPeer(t)
	failed := make(chan error, 1)
	s, err := p.second.Send(r.location, key(1), func(err error) { failed <- err })
	if err != nil {
		t.Fatal(err)
	}
	r.conn.Write(appendOpen(nil, 1, key(1), 2))
	await(t, "credit", s.Ready)
	r.conn.Write(appendCredit(nil, 1, 1, 0))
	select {
	case err := <-failed:
		if offence := (*protocolError)(nil); !errors.As(err, &offence) {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("credit out of nothing was taken")
	}
}

func TestAHandshakeThatHangsIsCutShort(t *testing.T) {
	p := newPair(t, func(c *Config) { c.HandshakeTimeout = 30 * time.Millisecond })
	r := p.nodes[1].dialRaw(t)
	if _, err := r.conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("read %v", err)
	}
	await(t, "a count", func() bool { return p.nodes[1].counts.refused[refusedTimeout].Count() == 1 })
	// One that dials a port where nobody answers.
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	from, at := p.nodes[0], mute.Addr().String()
	if !dials(from.Location(), at) {
		return
	}
	if _, err := p.first.Send(at, key(1), func(error) {}); err != nil {
		t.Fatal(err)
	}
	await(t, "a count", func() bool { return from.counts.refused[refusedTimeout].Count() > 0 })
}

func FuzzHandshake(f *testing.F) {
	h := hello{cluster: "c", from: "a:1", to: "b:2", connection: 1, epoch: 3, compressions: []Compression{S2, Zstd}}
	f.Add(h.append(nil))
	f.Add(welcome{reason: refusedJob, text: "no", epoch: 4, compression: S2}.append(nil))
	f.Add([]byte("WEIR\x01\x00\xff\xff"))
	f.Add([]byte("GET / HTTP/1.1\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		body, err := readMessage(bytes.NewReader(data))
		if err != nil {
			if refused := (*refusedError)(nil); !errors.As(err, &refused) {
				t.Errorf("no refusal: %v", err)
			}
			return
		}
		if h, err := parseHello(body); err == nil {
			again, err := parseHello(h.append(nil)[preambleSize:])
			if len(h.cluster)+len(h.from)+len(h.to) < maxHandshake/8 && (err != nil || fmt.Sprint(again) != fmt.Sprint(h)) {
				t.Errorf("%v became %v, %v", h, again, err)
			}
			_ = host{cluster: "c", location: "b:2", joined: true}.judge(h)
		}
		if w, err := parseWelcome(body); err == nil {
			_ = w.reason.String()
		}
	})
}

// FuzzFrames feeds bytes to a connection with one open channel, in pieces of any size.
func FuzzFrames(f *testing.F) {
	good := make([]byte, headerSize)
	header{kind: dataFrame, channel: 1, length: 3}.put(good)
	good = append(good, "abc"...)
	large := make([]byte, FrameSize)
	header{kind: dataFrame, channel: 1, number: 1, length: PayloadSize}.put(large)
	f.Add(append(append([]byte{}, good...), large...), 100)
	f.Add(appendOpen(appendCredit(good, 1, 1, 1), 7, key(3), 4), 3)
	f.Add(appendFrame(appendFrame(nil, pingFrame, 0, nil), goodbyeFrame, 0, []byte("bye")), 1)
	f.Add(appendFrame(nil, closeFrame, 7, nil), 5)
	f.Add([]byte{1, 0, 0, byte(dataFrame | compressedFlag), 1, 0, 0, 0, 0, 0, 0, 0, 9}, 13)
	n := listen(f)
	second := n.join(f, ident.NewID())
	f.Fuzz(func(t *testing.T, data []byte, size int) {
		ours, theirs := net.Pipe()
		c := newConnection(second.peerOf("fuzz"), ours, S2)
		r := newReceiver(key(1), 2)
		r.peer = c.peer
		c.mu.Lock()
		_ = r.attach(c)
		c.mu.Unlock()
		go func() {
			defer theirs.Close()
			for n := max(1, size%4096); len(data) > 0; data = data[min(n, len(data)):] {
				if _, err := theirs.Write(data[:min(n, len(data))]); err != nil {
					return
				}
			}
		}()
		if err := c.readFrames(); err == nil {
			t.Error("reading ended without an error")
		}
		ours.Close()
		for taken := 0; ; taken++ {
			b, _, err := r.Next()
			if b == nil && err == nil {
				break
			}
			if taken > 2+eventCredits {
				t.Fatal("more frames came than there was credit for")
			}
			if b != nil {
				r.Done(b)
			}
		}
	})
}

func (m *Member) peerOf(location string) *peer {
	m.transport.mu.Lock()
	defer m.transport.mu.Unlock()
	return m.peer(location)
}
