package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const rescaledJob = "0123456789abcdef0123456789abcdef"

// rescaling is a cluster with a job of two vertices, one of which has 2 key groups. Put is the last request.
func rescaling(t *testing.T, adaptive bool) (master string, put *string) {
	put = new(string)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/resource-requirements") && !adaptive:
			w.WriteHeader(http.StatusInternalServerError)
			fmt.Fprint(w, `{"errors":["Internal server error.","<Exception on server side:\njava.lang.UnsupportedOperationException: The DefaultScheduler does not support changing the parallelism"]}`)
		case r.Method == http.MethodPut:
			body, _ := io.ReadAll(r.Body)
			*put = string(body)
			fmt.Fprint(w, "{}")
		case strings.HasSuffix(r.URL.Path, "/resource-requirements"):
			fmt.Fprint(w, "{}")
		default:
			fmt.Fprintf(w, `{"vertices":[{"id":%q,"maxParallelism":128},{"id":%q,"maxParallelism":2}]}`, strings.Repeat("a", 32), strings.Repeat("b", 32))
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, put
}

func TestRescaleNamesAllVertices(t *testing.T) {
	master, put := rescaling(t, true)
	if out := succeed(t, "rescale", "-m", master, "-p", "4", rescaledJob); !strings.Contains(out, "up to 4") {
		t.Errorf("it says %q", out)
	}
	var wanted map[string]struct {
		Parallelism struct{ LowerBound, UpperBound int }
	}
	if err := json.Unmarshal([]byte(*put), &wanted); err != nil || len(wanted) != 2 {
		t.Fatalf("it sent %s: %v", *put, err)
	}
	if a, b := wanted[strings.Repeat("a", 32)].Parallelism, wanted[strings.Repeat("b", 32)].Parallelism; a.UpperBound != 4 || a.LowerBound != 1 || b.UpperBound != 2 {
		t.Errorf("it sent %s", *put)
	}
}

func TestRescaleSaysWhatToDoUnderTheDefaultScheduler(t *testing.T) {
	master, _ := rescaling(t, false)
	if _, problems, code := weir(t, "rescale", "-m", master, "-p", "4", rescaledJob); code == 0 || !strings.Contains(problems, "weir run -p 4 -s SAVEPOINT") {
		t.Errorf("code %d: %q", code, problems)
	}
	if _, problems, code := weir(t, "rescale", "-m", master, rescaledJob); code == 0 || !strings.Contains(problems, "at least 1") {
		t.Errorf("code %d: %q", code, problems)
	}
}
