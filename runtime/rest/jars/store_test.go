package jars

import (
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

func open(t *testing.T, one, all int64) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "jars"), one, all)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// files lists what lies in the store's folder, whatever it is.
func files(t *testing.T, s *Store) []string {
	t.Helper()
	entries, err := os.ReadDir(s.Dir())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestReceiveListDelete(t *testing.T) {
	s := open(t, 100, 0)
	digest := sha256.Sum256([]byte("program"))
	jar, err := s.Receive("words.jar", strings.NewReader("program"), digest[:])
	if err != nil {
		t.Fatal(err)
	}
	if jar.Name != "words.jar" || !strings.HasSuffix(jar.ID, "_words.jar") || len(jar.ID) != 36+len("_words.jar") || jar.Size != 7 {
		t.Errorf("%+v", jar)
	}
	content, err := os.ReadFile(jar.Path)
	if err != nil || string(content) != "program" {
		t.Errorf("%q, %v", content, err)
	}
	if info, _ := os.Stat(jar.Path); info.Mode().Perm()&0o100 == 0 {
		t.Error("the job binary cannot be run")
	}
	if list, err := s.List(); err != nil || len(list) != 1 || list[0] != jar {
		t.Errorf("%v, %v", list, err)
	}
	if err := s.Delete(jar.ID); err != nil {
		t.Error(err)
	}
	if err := s.Delete(jar.ID); !errors.Is(err, ErrUnknown) {
		t.Errorf("deleting twice: %v", err)
	}
}

func TestWhatIsNotReceivedWholeLeavesNothing(t *testing.T) {
	s := open(t, 10, 0)
	wrong := sha256.Sum256([]byte("other"))
	broken := errors.New("connection lost")
	for name, c := range map[string]struct {
		jar    string
		body   io.Reader
		digest []byte
		want   error
	}{
		"cut off":      {"a.jar", io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken)), nil, broken},
		"too big":      {"a.jar", strings.NewReader("elevenbytes"), nil, ErrTooBig},
		"wrong digest": {"a.jar", strings.NewReader("this"), wrong[:], ErrDigest},
		"no jar":       {"a.txt", strings.NewReader("this"), nil, ErrName},
		"a path":       {"../a.jar", strings.NewReader("this"), nil, ErrName},
		"a long name":  {strings.Repeat("a", 250) + ".jar", strings.NewReader("this"), nil, ErrName},
	} {
		if _, err := s.Receive(c.jar, c.body, c.digest); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if left := files(t, s); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
	if _, err := s.Receive("a.jar", strings.NewReader("ten bytes!"), nil); err != nil {
		t.Errorf("as many bytes as are allowed: %v", err)
	}
}

func TestAllJarsTogetherAreBounded(t *testing.T) {
	s := open(t, 100, 10)
	if _, err := s.Receive("a.jar", strings.NewReader("123456"), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Receive("b.jar", strings.NewReader("12345"), nil); !errors.Is(err, ErrTooBig) {
		t.Errorf("more than all may have: %v", err)
	}
	if _, err := s.Receive("b.jar", strings.NewReader("1234"), nil); err != nil {
		t.Errorf("what is left: %v", err)
	}
	if _, err := s.Receive("c.jar", strings.NewReader(""), nil); !errors.Is(err, ErrTooBig) {
		t.Errorf("nothing is left: %v", err)
	}
}

func TestNoPathLeadsOut(t *testing.T) {
	s := open(t, 0, 0)
	outside := filepath.Join(filepath.Dir(s.Dir()), "x_secret.jar")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(s.Dir(), "x_link.jar")); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"../x_secret.jar", "x_link.jar", "..", ".", "", "a/../../x_secret.jar", `..\x_secret.jar`, outside} {
		if jar, err := s.Find(id); !errors.Is(err, ErrUnknown) {
			t.Errorf("%q finds %v, %v", id, jar, err)
		}
		if err := s.Delete(id); !errors.Is(err, ErrUnknown) {
			t.Errorf("%q is deleted: %v", id, err)
		}
	}
	if _, err := os.Stat(outside); err != nil {
		t.Error(err)
	}
}

func TestOpenRemovesWhatWasCutOff(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{partial + "1_a.jar", "2_b.jar"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(dir, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if left := files(t, s); len(left) != 1 || left[0] != "2_b.jar" {
		t.Errorf("left: %q", left)
	}
}

// uploadInside uploads a second jar while the first is read.
type uploadInside struct {
	store *Store
	err   error
	once  bool
}

func (u *uploadInside) Read(to []byte) (int, error) {
	if u.once {
		return 0, io.EOF
	}
	u.once = true
	_, u.err = u.store.Receive("b.jar", strings.NewReader("1234567"), nil)
	return copy(to, "123456"), nil
}

func TestUploadsAtOnceShareTheRoom(t *testing.T) {
	s := open(t, 6, 10)
	inside := &uploadInside{store: s}
	if _, err := s.Receive("a.jar", inside, nil); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(inside.err, ErrTooBig) || !strings.Contains(inside.err.Error(), "more than 4 bytes") {
		t.Errorf("6 bytes were set aside for the other: %v", inside.err)
	}
	if _, err := s.Receive("c.jar", strings.NewReader("1234"), nil); err != nil {
		t.Errorf("what was set aside is not given back: %v", err)
	}
}
