package child

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

type outcome struct{ Doubled int }

var roles = Roles{
	"double": Role(func(n int) (outcome, error) { return outcome{2 * n}, nil }),
	"fail":   Role(func(string) (outcome, error) { return outcome{}, errors.New("it rains") }),
}

func TestARoleTakesAndGivesJSON(t *testing.T) {
	var out bytes.Buffer
	if err := roles.serve("double", []byte("21"), &out); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != "{\"Doubled\":42}\n" {
		t.Errorf("got %q", got)
	}
	for name, order := range map[string]string{"fail": `"x"`, "double": `"x"`, "nothing": "1"} {
		if err := roles.serve(name, []byte(order), &out); err == nil {
			t.Errorf("%s %s: no error", name, order)
		}
	}
}

func TestWhatAFailedProcessSaidIsPartOfTheError(t *testing.T) {
	_, _, err := Run[outcome]("go", "weir-no-such-command")
	if err == nil || !strings.Contains(err.Error(), "unknown command") {
		t.Errorf("got %v", err)
	}
	if _, _, err := Run[outcome]("go", "version"); err == nil || !strings.Contains(err.Error(), "printed") {
		t.Errorf("output that is no JSON: %v", err)
	}
}
