package resident

import "testing"

func TestParse(t *testing.T) {
	got, err := parse("Name:\tx\nVmRSS:\t   5120 kB\nRssAnon:\t    1024 kB\nRssFile:\t 4096 kB\n")
	if err != nil {
		t.Fatal(err)
	}
	if want := (Memory{5 << 20, 1 << 20}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, bad := range []string{"", "VmRSS:\t5 kB\n", "VmRSS:\tmuch\nRssAnon:\t1 kB\n", "VmRSS:\t5\nRssAnon:\t1 kB\n"} {
		if got, err := parse(bad); err == nil {
			t.Errorf("%q is read as %v", bad, got)
		}
	}
}
