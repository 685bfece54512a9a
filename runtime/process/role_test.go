package process

import (
	"strings"
	"testing"
)

func TestRole(t *testing.T) {
	for value, want := range map[string]Role{"": Local, "local": Local, "plan": Plan, "worker": Worker} {
		if got, err := RoleOf(func(string) string { return value }); got != want || err != nil {
			t.Errorf("%q: %q, %v", value, got, err)
		}
	}
	if _, err := RoleOf(func(string) string { return "chief" }); err == nil || !strings.Contains(err.Error(), `"chief"`) {
		t.Errorf("an unknown role: %v", err)
	}
}

func TestEnvironment(t *testing.T) {
	environ := []string{"PATH=/bin", "AWS_REGION=here", "TOKEN=secret", "JOB_A=1", "JOB_B=x=y", "WEIR_ROLE=worker", "TZ="}
	if got := strings.Join(Environment(environ, []string{"JOB_*", "WEIR_*"}), " "); got != "PATH=/bin AWS_REGION=here JOB_A=1 JOB_B=x=y TZ=" {
		t.Errorf("passed is %s", got)
	}
}
