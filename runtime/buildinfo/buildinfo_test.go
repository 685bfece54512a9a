package buildinfo

import (
	"runtime/debug"
	"testing"
)

func TestRevision(t *testing.T) {
	vcs := func(modified string) []debug.BuildSetting {
		return []debug.BuildSetting{{Key: "vcs", Value: "git"}, {Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: modified}}
	}
	for want, info := range map[string]debug.BuildInfo{
		"abc":       {Main: debug.Module{Version: "(devel)"}, Settings: vcs("false")},
		"abc-dirty": {Main: debug.Module{Version: "v1.2.3"}, Settings: vcs("true")},
		"v1.2.3":    {Main: debug.Module{Version: "v1.2.3"}},
		"":          {Main: debug.Module{Version: "(devel)"}},
	} {
		if got := revisionOf(&info); got != want {
			t.Errorf("revision %q, want %q", got, want)
		}
	}
}
