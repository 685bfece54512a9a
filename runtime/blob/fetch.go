package blob

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/weir-stream/weir/network/identity"
	"github.com/weir-stream/weir/runtime/clock"
)

// Fetcher brings blobs from another process into a store. Its methods may be called from any goroutine; who asks for a blob that is on its way
// waits for that one.
type Fetcher struct {
	Store *Store
	// Client speaks to the other process, whose address is that of the URL base returns, such as https://host:port: the leader may change.
	Client *http.Client
	Base   func() (string, error)
	Clock  clock.Clock
	// Tries is how often a blob is asked for, and Pause the time before the second try, which doubles with each.
	Tries int
	Pause time.Duration

	mu    sync.Mutex
	under map[Key]*flight
}

// flight is a blob that is on its way.
type flight struct {
	sync.Mutex
	askers int
}

// Fetch returns a blob, which the store holds until it is released. What has come of it stays when the fetching breaks off, and the next one goes
// on from there. A blob that is not what its key says is refused.
func (f *Fetcher) Fetch(ctx context.Context, k Key, size int64) (*Held, error) {
	defer f.lock(k)()
	pause := f.Pause
	for try := 1; ; try++ {
		held, err := f.Store.Hold(k)
		if err == nil {
			return held, nil
		}
		if err = f.fetch(ctx, k, size); err == nil {
			continue
		}
		final := (*refused)(nil)
		if try >= f.Tries || errors.As(err, &final) || ctx.Err() != nil {
			return nil, fmt.Errorf("fetch blob %s (%d bytes): %w", k, size, errors.Join(context.Cause(ctx), err))
		}
		f.Clock.Sleep(ctx, pause)
		pause *= 2
	}
}

// lock has one goroutine at a time fetch a blob.
func (f *Fetcher) lock(k Key) (unlock func()) {
	f.mu.Lock()
	if f.under == nil {
		f.under = map[Key]*flight{}
	}
	one := f.under[k]
	if one == nil {
		one = new(flight)
		f.under[k] = one
	}
	one.askers++
	f.mu.Unlock()
	one.Lock()
	return func() {
		one.Unlock()
		f.mu.Lock()
		defer f.mu.Unlock()
		if one.askers--; one.askers == 0 {
			delete(f.under, k)
		}
	}
}

// refused is an answer that does not change when it is asked for again.
type refused struct{ cause string }

func (e *refused) Error() string { return e.cause }

// fetch brings the rest of a blob here.
func (f *Fetcher) fetch(ctx context.Context, k Key, size int64) error {
	file, err := os.OpenFile(f.Store.path(k)+partSuffix, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	hash := sha256.New()
	have, err := io.Copy(hash, file)
	if err != nil {
		return err
	}
	if have < size {
		var n int64
		if n, err = f.rest(ctx, k, have, size, io.MultiWriter(file, hash)); err != nil {
			return err
		}
		have += n
	}
	var got Key
	hash.Sum(got[:0])
	if have != size || got != k {
		os.Remove(file.Name())
		return fmt.Errorf("%d bytes came with the SHA-256 %s: they are thrown away", have, got)
	}
	err = f.Store.take(k, file, size)
	os.Remove(file.Name()) // of one that was there already
	return err
}

// rest copies what lacks, and returns how much came of it.
func (f *Fetcher) rest(ctx context.Context, k Key, have, size int64, to io.Writer) (int64, error) {
	base, err := f.Base()
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+Path+k.String(), nil)
	if err != nil {
		return 0, &refused{err.Error()}
	}
	wanted := http.StatusOK
	if have > 0 {
		request.Header.Set("Range", "bytes="+strconv.FormatInt(have, 10)+"-")
		wanted = http.StatusPartialContent
	}
	response, err := f.Client.Do(request)
	if secure := identity.Explain(err); secure != nil {
		return 0, &refused{fmt.Sprintf("%s: %v", base, secure)}
	}
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if response.StatusCode != wanted {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 500))
		err := fmt.Errorf("%s answers %s: %s", base, response.Status, text)
		if response.StatusCode/100 == 4 {
			return 0, &refused{err.Error()}
		}
		return 0, err
	}
	return io.Copy(to, io.LimitReader(response.Body, size-have+1))
}
