package identity

import (
	"log"
	"strings"
)

// HTTPLog is the ErrorLog of an http.Server: it tells of clients that are refused in the handshake, and hands on what else there is.
func HTTPLog(told func(peer string, refused *Refused), otherwise func(line string)) *log.Logger {
	return log.New(&httpLog{told, otherwise}, "", 0)
}

type httpLog struct {
	told      func(peer string, refused *Refused)
	otherwise func(line string)
}

// Write takes a line, which net/http begins so where a handshake has failed.
func (h *httpLog) Write(line []byte) (int, error) {
	text := strings.TrimSpace(string(line))
	failed, handshake := strings.CutPrefix(text, "http: TLS handshake error from ")
	if !handshake {
		h.otherwise(text)
		return len(line), nil
	}
	peer, cause, _ := strings.Cut(failed, ": ")
	switch {
	case strings.HasSuffix(cause, "EOF"): // a client that has thought better of it
		h.otherwise(text)
	case strings.Contains(cause, "HTTP request to an HTTPS server"):
		h.told(peer, ErrNoTLS)
	case strings.HasPrefix(cause, "remote error: "):
		h.told(peer, &Refused{ByPeer, cause})
	default:
		h.told(peer, &Refused{Certificate, cause})
	}
	return len(line), nil
}
