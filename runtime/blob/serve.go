package blob

import (
	"errors"
	"net/http"
	"os"
	"time"
)

// Path is below which blobs are served: Path followed by the key.
const Path = "/blobs/"

// Handler serves the blobs of a store to GET, ranges of bytes as well, at Path and the key.
func Handler(s *Store) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Path+"{key}", func(w http.ResponseWriter, r *http.Request) {
		key, err := ParseKey(r.PathValue("key"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		held, err := s.Hold(key)
		if missing := (*NotFound)(nil); errors.As(err, &missing) {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		defer held.Release()
		file, err := os.Open(held.Path)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer file.Close()
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("ETag", `"`+key.String()+`"`)
		http.ServeContent(w, r, "", time.Time{}, file)
	})
	return mux
}
