package rest

import (
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net/http"
	"strings"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/logs"
	"github.com/weir-stream/weir/runtime/metrics"
)

// gate asks requests for a token. Refusals are counted, and logged once a second at most, so that nobody can fill the log.
type gate struct {
	digest  [sha256.Size]byte
	open    bool // there is no token
	refused *metrics.SharedCounter
	notes   *logs.Sparse
}

func newGate(token string, c clock.Clock, log *slog.Logger, refused *metrics.SharedCounter) *gate {
	return &gate{digest: sha256.Sum256([]byte(token)), open: token == "", refused: refused, notes: logs.NewSparse(c, log)}
}

// admits says whether the request bears the token. How long that takes does not depend on how much of it is right.
func (g *gate) admits(r *http.Request) bool {
	if g.open {
		return true
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	digest := sha256.Sum256([]byte(token))
	if subtle.ConstantTimeCompare(digest[:], g.digest[:]) == 1 && strings.EqualFold(scheme, "Bearer") {
		return true
	}
	g.refused.Inc()
	reason := "wrong token"
	if token == "" {
		reason = "no token"
	}
	g.notes.Warn(reason, "a REST request was refused", "reason", reason, "from", r.RemoteAddr, "method", r.Method, "path", r.URL.Path)
	return false
}
